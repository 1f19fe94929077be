//! The optimiser: clipping by global norm, learning-rate schedule, AdamW, and Muon for the
//! matrices of the blocks.

mod config;
mod optimizer;

pub use config::{
    AdamWConfig, MuonConfig, OptimizerConfig, OptimizerConfigError, ScheduleConfig, ScheduleShape,
};
pub use optimizer::{Layout, Optimizer};
