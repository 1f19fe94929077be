//! The network: a bidirectional transformer that predicts clean tokens from noisy ones.
//!
//! * [`Config`] and [`Weights`] say what there is: sizes, names and shapes, in one place.
//! * [`Checkpoint`] is a model as bytes; its [`Card`] says how it was trained, and with which
//!   noise [`Schedule`].
//! * [`Model`] is a model on a device; [`forward`] and [`backward`] record its two passes over
//!   [`Activations`]. There is no autograd: `backward.rs` mirrors `forward.rs` line by line.

mod activations;
pub mod backward;
pub mod card;
mod check;
mod checkpoint;
mod config;
mod entry;
mod file;
pub mod forward;
mod gain;
mod hashed;
mod init;
mod mixing;
mod objective;
mod parameters;
mod schedule;
mod scratch;
mod stranger;
mod times;
mod weighting;
mod weights;

pub use activations::{Activations, LOGIT_BYTES, LayerActivations};
pub use card::{Card, CardError, Sampling};
pub use check::Check;
pub use checkpoint::{Checkpoint, CheckpointError, Precision};
pub use config::{Config, ConfigError};
pub use entry::{ModelEntry, Sums};
pub use file::CheckpointFile;
pub use hashed::{HASH, content_hash, hashed_file, little_endian};
pub use init::{Init, initial_values};
pub use objective::{Objective, UnknownObjective};
pub use parameters::Model;
pub use schedule::{Schedule, UnknownSchedule};
pub use scratch::{HeadScratch, Scratch, alloc_stats};
pub use stranger::stranger;
pub use times::{Beta, LEAST_SHARE, Levels, Times};
pub use weighting::Weighting;
pub use weights::{Block, Role, TensorInfo, Weights};
