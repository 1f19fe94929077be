//! `train`: trains a model, or goes on with a run.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::compute::ComputeArgs;
use crate::train;

/// Train a model on a file of stories
///
/// The run's folder gets settings.toml, tokenizer.json, log.jsonl, loss.png, loss.svg, a file for
/// TensorBoard and checkpoints/. Ctrl-C saves and ends; `--resume` goes on as if nothing had
/// happened.
#[derive(Clone, Debug, Args)]
pub(crate) struct TrainArgs {
    /// Settings: a preset (tiny, small, seed) or a TOML file like those in configs/
    #[arg(long, default_value = "small", value_name = "PRESET|FILE")]
    pub(crate) config: String,

    /// Corpus: UTF-8 text, stories apart by an empty line or `<|endoftext|>`
    #[arg(long, default_value = "data/stories.txt", value_name = "FILE")]
    pub(crate) data: PathBuf,

    /// Tokenizer of the run [default: trained on the corpus]
    #[arg(long, value_name = "FILE")]
    pub(crate) tokenizer: Option<PathBuf>,

    /// Folder of the run [default: runs/ and the name of the settings]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// Steps to train to, those of a resumed run included [default: train.steps of the settings]
    #[arg(long, value_name = "N")]
    pub(crate) steps: Option<u32>,

    /// Seed of weights, batches, timesteps and masks [default: train.seed of the settings]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,

    /// Change a setting; can be given more than once
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    pub(crate) set: Vec<String>,

    /// Go on with the run from its newest checkpoint, with its settings and tokenizer
    #[arg(long)]
    pub(crate) resume: bool,

    /// Print the recorded step (kernels, buffers, grid, FLOP, bytes) and end
    #[arg(long)]
    pub(crate) explain: bool,

    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

impl TrainArgs {
    /// Changes of the settings, in the order in which they apply.
    pub(crate) fn changes(&self) -> Vec<String> {
        let steps = self.steps.map(|steps| format!("train.steps={steps}"));
        let seed = self.seed.map(|seed| format!("train.seed={seed}"));
        self.set.iter().cloned().chain(steps).chain(seed).collect()
    }
}

/// Runs the command.
pub(crate) fn run(args: &TrainArgs) -> Result<()> {
    if args.explain { train::explain(args) } else { train::train(args) }
}
