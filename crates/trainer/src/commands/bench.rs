//! `bench`: how fast this machine multiplies, trains and generates.

use anyhow::Result;
use clap::Args;

use crate::bench;
use crate::compute::ComputeArgs;

/// Measure matrix products, attention, a training step and a generation
///
/// Every figure is the best of several runs; compare figures of one run only, machines differ
/// from minute to minute.
#[derive(Clone, Debug, Args)]
pub(crate) struct BenchArgs {
    /// Settings whose shapes are measured: a preset (tiny, small, seed) or a TOML file
    #[arg(long, default_value = "small", value_name = "PRESET|FILE")]
    pub(crate) config: String,

    /// Change a setting; can be given more than once
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    pub(crate) set: Vec<String>,

    /// Training steps and operations to time, each
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub(crate) repeats: usize,

    /// Denoising steps to time
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub(crate) denoising_steps: usize,

    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

/// Runs the command.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    bench::run(args)
}
