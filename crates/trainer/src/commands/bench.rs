//! `bench`: how fast this machine multiplies, trains and generates.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::{Args, Subcommand};

use crate::bench::{self, Part, Request, Texts};
use crate::compute::ComputeArgs;
use crate::settings;

/// Denoising steps that are timed.
const DENOISING_STEPS: u32 = 10;

/// Measure matrix products, attention, a training step and a generation
///
/// Every figure is the best of several runs; compare figures of one run only, machines differ
/// from minute to minute. The peaks of the adapter are measured first: floors are what arithmetic or
/// memory traffic would take at them.
#[derive(Clone, Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    pub(crate) what: Option<What>,

    /// Measure this alone; can be repeated
    #[arg(long, value_enum, value_name = "PART")]
    pub(crate) only: Vec<Part>,

    /// Denoising steps to time [default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) denoising_steps: Option<u32>,

    /// Draw where the time of a training step goes, as SVG (a name that ends in .svg) or PNG
    #[arg(long, value_name = "FILE")]
    pub(crate) picture: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// Sweeps.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum What {
    /// Measure generation: every sampler and several numbers of steps, with and without a cache
    Generate(GenerateArgs),
    /// Measure how a training step grows with batch, block, width and depth
    Scale,
}

/// Flags of `bench generate`.
#[derive(Clone, Debug, Args)]
pub(crate) struct GenerateArgs {
    /// A trained model, which the samplers `threshold` and `entropy` depend on: a .safetensors file, a
    /// shipped model's folder, a checkpoint's or a run's [default: an untrained one, as --config says]
    #[arg(long, value_name = "PATH")]
    pub(crate) checkpoint: Option<PathBuf>,

    /// Numbers of denoising steps
    #[arg(long, value_name = "N,N,...", value_delimiter = ',', default_value = "10,25,50,100",
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) steps: Vec<u32>,

    /// Texts at a time
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) texts: u32,
}

/// Flags of every measurement.
#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    /// Settings whose shapes are measured: a preset (tiny, pocket, small, best, large, seed) or a TOML file
    #[arg(long, default_value = "small", value_name = "PRESET|FILE", global = true)]
    pub(crate) config: String,

    /// Change a setting; can be repeated
    #[arg(long, value_name = "SECTION.KEY=VALUE", global = true)]
    pub(crate) set: Vec<String>,

    /// Runs of everything that is timed
    #[arg(long, default_value_t = 5, value_name = "N", global = true,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) repeats: u32,

    /// Write the figures into this file, too, as JSON (times in seconds, memory in bytes)
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) json: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

/// Runs the command.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    let Common { config, set, repeats, json, compute } = &args.common;
    let request = Request {
        settings: settings::read(config, set)?,
        repeats: *repeats as usize,
        json: json.clone(),
        compute: compute.clone(),
    };
    let BenchArgs { only, denoising_steps, picture, .. } = args;
    ensure!(
        args.what.is_none() || (only.is_empty() && denoising_steps.is_none() && picture.is_none()),
        "`--only`, `--denoising-steps` and `--picture` are flags of `bench` alone; leave them out"
    );
    match &args.what {
        Some(What::Scale) => bench::scale(&request),
        Some(What::Generate(GenerateArgs { checkpoint, steps, texts })) => {
            let steps: Vec<usize> = steps.iter().map(|&steps| steps as usize).collect();
            let texts =
                Texts { checkpoint: checkpoint.as_deref(), steps: &steps, number: *texts as usize };
            bench::generate(&request, &texts)
        }
        None => {
            let all = [Part::Products, Part::Attention, Part::Step, Part::Passes];
            let parts = if only.is_empty() { &all[..] } else { only };
            ensure!(
                picture.is_none() || parts.contains(&Part::Step),
                "`--picture` shows a training step, which `--only` leaves out; add `--only step`"
            );
            let steps = denoising_steps.unwrap_or(DENOISING_STEPS) as usize;
            bench::run(&request, parts, steps, picture.as_deref())
        }
    }
}
