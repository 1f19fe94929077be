//! Noise schedules, objectives, samplers, metrics and the training step.

#[cfg(test)]
mod golden;
pub mod metrics;
mod objective;
pub mod sampler;
mod times;
pub mod training;

pub use model::Schedule;
pub use objective::{Probe, Question, default_sampler, longest_text, reference_sampler};
pub use times::times;
