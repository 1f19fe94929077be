//! A training run, for the program and for the page: everything about it that needs no file, no
//! clock, no thread and no screen.
//!
//! * [`settings`]: what `configs/*.toml` say, and changes of them.
//! * [`log`]: the records of a run, one JSON object a line.
//! * [`checkpoint`]: the files of a checkpoint's folder as bytes, versioned.
//! * [`Run`]: a training that says what happened after each thing it does: a step, an evaluation,
//!   a sample, a checkpoint to be stored, the end.

pub mod checkpoint;
mod event;
pub mod log;
mod machine;
mod memory;
mod sample;
pub mod settings;
mod zeros;

pub use checkpoint::{Progress, Saved, Setup, TokenizerFile};
pub use event::{Event, NonFinite, Outcome};
pub use log::{Log, Record};
pub use machine::{Run, RunError, Start};
pub use memory::memory;
pub use settings::Settings;
pub use zeros::on_zeros;
