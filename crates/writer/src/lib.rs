//! Writing with a trained model, between the crates that compute and those that show.
//!
//! * [`choices`] turns a prompt with gaps into the positions of a text; [`Writer::fit`] chooses where a
//!   gap's length is open.
//! * [`Writer`] is a model ready to write, with its defaults; it begins a [`Run`].
//! * A [`Run`] yields [`Frame`](plot::Frame)s and, on request, [`Predictions`]; it goes on from any
//!   [`Snapshot`].
//! * [`expectation`] is what a model computes for a fixed input; [`deviation`] tells whether a device
//!   computes it.
//! * [`Edit`] is what a person can do to a token; [`edit`] applies it to a trace.
//!
//! The program and the page both write through here. No files, threads, clocks or screens.

mod check;
mod edits;
mod fit;
mod predictions;
mod prompt;
mod run;
mod writer;

pub use check::{TOLERANCE, deviation, expectation};
pub use edits::{Edit, Snapshot, edit};
pub use predictions::{Predictions, TOP};
pub use prompt::{DEFAULT_LENGTH, Length, PromptError, choices};
pub use run::{Run, frame};
pub use writer::{Writer, defaults, options, piece, sampling};
