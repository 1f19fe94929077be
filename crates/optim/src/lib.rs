//! The optimizer: clipping by global norm, learning-rate schedule, AdamW, and Muon for the
//! matrices of the blocks.

mod config;
mod optimizer;

pub use config::{MuonConfig, OptimizerConfig, OptimizerConfigError};
pub use kernels::adamw::AdamW;
pub use kernels::begin_step::{LrDecay, LrSchedule};
pub use optimizer::{Layout, Optimizer};
