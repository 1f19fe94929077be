//! Noise schedules, objectives, samplers and metrics of masked diffusion.

mod schedule;

pub use schedule::{Schedule, times};
