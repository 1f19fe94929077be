//! The optimizer: clipping by global norm, schedules of learning rate and weight decay, AdamW, Muon for
//! the matrices of the blocks, and a running average of the weights.

mod config;
mod optimizer;

pub use config::{MuonConfig, OptimizerConfig, OptimizerConfigError};
pub use kernels::adamw::AdamW;
pub use kernels::begin_step::{DecaySchedule, LrDecay, LrSchedule};
pub use kernels::muon::Coefficients;
pub use optimizer::{AVERAGE, Layout, Optimizer};
