//! `train`: trains a model, or goes on with a run.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use clap::builder::RangedU64ValueParser;

use crate::compute::ComputeArgs;
use crate::interrupt::Interrupt;
use crate::train::{self, CONFIG, Plan};

/// Train a model on a file of stories
///
/// Writes settings.toml, tokenizer.json, log.jsonl, loss.png, loss.svg, a TensorBoard event file and
/// checkpoints/ into the run's folder. Ctrl-C saves a checkpoint and stops; `--resume` continues from
/// it and gives the same result as an uninterrupted run.
#[derive(Clone, Debug, Args)]
pub(crate) struct TrainArgs {
    /// Settings: a preset (tiny, pocket, small, best, large, seed) or a TOML file like those in configs/ [default:
    /// small]
    #[arg(long, value_name = "PRESET|FILE")]
    pub(crate) config: Option<String>,

    /// Corpus: UTF-8 text, stories separated by a blank line or `<|endoftext|>` [default:
    /// data/stories.txt]
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,

    /// Tokenizer of the run [default: trained on the corpus]
    #[arg(long, value_name = "FILE")]
    pub(crate) tokenizer: Option<PathBuf>,

    /// Folder of the run [default: runs/ and the name of the settings]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// Total number of steps, including those before a resume [default: train.steps of the settings]
    #[arg(long, value_name = "N")]
    pub(crate) steps: Option<u32>,

    /// Seed of weights, batches, timesteps and masks [default: train.seed of the settings]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,

    /// Change a setting; can be repeated
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    pub(crate) set: Vec<String>,

    /// Start from the weights of a trained model instead of random ones (fine-tuning): a
    /// .safetensors file, a shipped model's folder, a checkpoint's or a run's. The network's sizes
    /// and the tokenizer are the model's
    #[arg(long, value_name = "PATH", conflicts_with_all = ["resume", "explain"])]
    pub(crate) init: Option<PathBuf>,

    /// Resume the run from its newest checkpoint, with its corpus, settings, tokenizer and device
    ///
    /// What is given beside it is what the run is to go on with. The learning rate, the number of
    /// steps and how often things happen may change; sizes, corpus, tokenizer, noise, optimizer and
    /// seed may not.
    #[arg(long)]
    pub(crate) resume: bool,

    /// Print the recorded step (kernels, buffers, grid, FLOP, bytes) and exit
    #[arg(long)]
    pub(crate) explain: bool,

    /// Share each step among this many devices of this machine, a power of two: all its GPUs, one after the
    /// other
    ///
    /// Each holds the whole network and computes a part of the gradient. The step must have as many parts
    /// or a multiple: `--set parts=4 --set accumulation=4`. For as many parts, the result does not
    /// depend on how many equal devices share them.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = RangedU64ValueParser::<usize>::new().range(1..=64))]
    pub(crate) ranks: usize,

    /// Share each step among the processes that `mpirun` or Slurm started, one device each, on one machine
    /// or several
    ///
    /// Needs a program that was built with `--features mpi`, and the same files and flags for all of them.
    /// `train.parts` is as for `--ranks`. The first process alone writes.
    #[arg(long, conflicts_with_all = ["ranks", "explain"])]
    pub(crate) mpi: bool,

    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

impl TrainArgs {
    /// What the flags mean.
    fn plan(&self) -> Plan {
        let steps = self.steps.map(|steps| format!("train.steps={steps}"));
        let seed = self.seed.map(|seed| format!("train.seed={seed}"));
        let config = self.config.as_deref().unwrap_or(CONFIG);
        let name = Path::new(config).file_stem().unwrap_or_default();
        Plan {
            config: self.config.clone(),
            changes: self.set.iter().cloned().chain(steps).chain(seed).collect(),
            data: self.data.clone(),
            tokenizer: self.tokenizer.clone(),
            out: self.out.clone().unwrap_or_else(|| Path::new("runs").join(name)),
            init: self.init.clone(),
            resume: self.resume,
            compute: self.compute.clone(),
            ranks: self.ranks,
            mpi: self.mpi,
            goal: None,
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &TrainArgs, interrupt: &Interrupt) -> Result<()> {
    if args.explain { train::explain(&args.plan()) } else { train::train(&args.plan(), interrupt) }
}
