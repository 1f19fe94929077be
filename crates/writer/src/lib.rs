//! Writing with a trained model, between the crates that compute and those that show: a prompt
//! becomes positions, positions a run, a run frames and a trace. The program and the page both
//! write through here. No files, threads, clocks or screens.

mod prompt;

pub use prompt::{DEFAULT_LENGTH, Length, PromptError, positions};
