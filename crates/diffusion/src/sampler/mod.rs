//! Generation: the reverse process, on a device.
//!
//! A pass is one recording, replayed until the text is done. It takes time and re-mask counts from
//! a table on the device, runs the network, draws tokens and re-masks. Nothing is uploaded between
//! passes, and nothing is read back unless the host asks. Where a text may be done early, the device
//! finds out by itself and skips the passes that are left.
//!
//! * A [`Sampler`] is an [`Order`], a [`Commit`] rule, a [`Layout`] and a [`Correction`];
//!   [`SamplerKind`] are well-known ones.
//! * [`Workspace`] is the device memory, [`SampleOptions`] says how, [`Generation`] runs.
//! * [`State`] is a text between two passes. To go back, to branch or to edit, keep states, change
//!   them, and give them to [`Generation::set_state`].
//! * [`Prediction`] is what the network expects at a position.

mod generation;
mod names;
mod options;
mod parts;
mod plan;
mod plans;
mod predictions;
mod record;
mod state;
mod window;
mod workspace;

#[cfg(test)]
mod tests;

pub use generation::{Generation, Parts};
pub use names::UnknownPart;
pub use options::{SampleError, SampleOptions, SamplerKind};
pub use parts::{Commit, Correction, Layout, MOST_ROUNDS, Order, Sampler};
pub use predictions::Prediction;
pub use record::{PassOptions, Uniforms};
pub use state::State;
pub use workspace::Workspace;
