//! From noise to text: the reverse process, on a device.
//!
//! A pass is one recording, replayed until the text is done: it reads from a table on the device
//! which time it is and how many positions become masks again, runs the network, draws tokens and
//! re-masks. Nothing is uploaded between passes, and nothing is read back unless somebody wants
//! to look.
//!
//! * [`Workspace`] is the device memory, [`SampleOptions`] says how, [`Generation`] runs.
//! * [`State`] is a text between two passes. Whoever wants to go back, to branch, or to interfere
//!   keeps states, changes them, and gives them back with [`Generation::set_state`].
//! * [`Alternatives`] tell what else could stand at a position.

mod explain;
mod generation;
mod lazy;
mod options;
mod record;
mod state;
mod workspace;

#[cfg(test)]
mod tests;

pub use explain::Alternatives;
pub use generation::Generation;
pub use options::{SampleError, SampleOptions, SamplerKind};
pub use state::State;
pub use workspace::Workspace;
