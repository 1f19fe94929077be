//! The optimiser: clipping by global norm, learning-rate schedule, AdamW.

mod config;
mod optimizer;

pub use config::{
    AdamWConfig, OptimizerConfig, OptimizerConfigError, ScheduleConfig, ScheduleShape,
};
pub use optimizer::Optimizer;
