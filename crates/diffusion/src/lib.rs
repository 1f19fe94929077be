//! Noise schedules, objectives, samplers and metrics of masked diffusion.

#[cfg(test)]
mod golden;
pub mod metrics;
pub mod sampler;
pub mod schedule;
pub mod training;

pub use schedule::{Schedule, times};
