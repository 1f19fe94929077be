//! Noise schedules, samplers, metrics and the training step of masked diffusion.

#[cfg(test)]
mod golden;
pub mod metrics;
pub mod sampler;
mod times;
pub mod training;

pub use model::Schedule;
pub use times::times;
