//! `bench`: how fast this machine multiplies, trains and generates.

use anyhow::Result;
use clap::Args;

use crate::bench::{self, Request};
use crate::compute::ComputeArgs;
use crate::settings;

/// Measure matrix products, attention, a training step and a generation
///
/// Every figure is the best of several runs; compare figures of one run only, machines differ
/// from minute to minute.
#[derive(Clone, Debug, Args)]
pub(crate) struct BenchArgs {
    /// Settings whose shapes are measured: a preset (tiny, small, best, seed) or a TOML file
    #[arg(long, default_value = "small", value_name = "PRESET|FILE")]
    pub(crate) config: String,

    /// Change a setting; can be repeated
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    pub(crate) set: Vec<String>,

    /// Training steps and operations to time, each
    #[arg(long, default_value_t = 5, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) repeats: u32,

    /// Denoising steps to time
    #[arg(long, default_value_t = 10, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) denoising_steps: u32,

    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

/// Runs the command.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    bench::run(&Request {
        settings: settings::read(&args.config, &args.set)?,
        repeats: args.repeats as usize,
        denoising_steps: args.denoising_steps as usize,
        compute: args.compute.clone(),
    })
}
