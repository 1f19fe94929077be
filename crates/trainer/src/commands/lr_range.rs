//! `lr-range`: which learning rates a training bears.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::compute::ComputeArgs;
use crate::files;
use crate::lr_range::{self, Request};
use crate::train::CONFIG;

/// Find the learning rates that a training bears, with a picture
///
/// Trains for a few hundred steps while the rate rises evenly from 0 to a multiple of that of the
/// settings (of Muon and of the learned weights of sums and gates, too), until the loss rises. Nothing
/// but the picture is kept.
#[derive(Clone, Debug, Args)]
pub(crate) struct LrRangeArgs {
    /// Settings: a preset (tiny, pocket, small, best, large, seed) or a TOML file
    #[arg(long, default_value = CONFIG, value_name = "PRESET|FILE")]
    pub(crate) config: String,

    /// Corpus [default: data/stories.txt]
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,

    /// Tokenizer [default: trained on the corpus]
    #[arg(long, value_name = "FILE")]
    pub(crate) tokenizer: Option<PathBuf>,

    /// Change a setting; can be repeated
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    pub(crate) set: Vec<String>,

    /// Steps up to the highest rate
    #[arg(long, default_value_t = 300, value_name = "N",
          value_parser = clap::value_parser!(u32).range(20..=100_000))]
    pub(crate) steps: u32,

    /// The highest rate, as a multiple of that of the settings
    #[arg(long, default_value_t = 30.0, value_parser = multiple, value_name = "X")]
    pub(crate) highest: f64,

    /// Picture, a PNG or an SVG file
    #[arg(long, default_value = "lr-range.png", value_name = "FILE")]
    pub(crate) plot: PathBuf,

    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

fn multiple(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value.is_finite() => Ok(value),
        _ => Err("give a number above 0".to_owned()),
    }
}

/// Runs the command.
pub(crate) fn run(args: &LrRangeArgs) -> Result<()> {
    let inputs = [&args.data, &args.tokenizer].into_iter().flatten().map(PathBuf::as_path);
    files::distinct(inputs, [args.plot.as_path()])?;
    // What cannot be saved should cost no time.
    drop(files::Output::create(&args.plot)?);
    lr_range::run(&Request {
        config: &args.config,
        changes: &args.set,
        data: args.data.as_deref(),
        tokenizer: args.tokenizer.as_deref(),
        steps: args.steps,
        highest: args.highest,
        plot: &args.plot,
        compute: &args.compute,
    })
}
