//! Training in a folder: settings, corpus, checkpoints and curves of a run on disk.

mod console;
mod drive;
mod folder;
mod inputs;
mod log_file;
mod prepare;
mod team;

use std::path::PathBuf;

use anyhow::Result;

pub(crate) use folder::is_run;

use crate::compute::{self, ComputeArgs};
use crate::interrupt::Interrupt;
use crate::print::{self, say};
use crate::{memory, settings};
use run::Outcome;

/// What to train, on what, and where.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Preset or TOML file of the settings; `None` takes [`CONFIG`], or those of a resumed run.
    pub(crate) config: Option<String>,
    /// Changes of the settings as `key=value`, in order.
    pub(crate) changes: Vec<String>,
    /// The corpus; `None` takes the usual one, or that of a resumed run.
    pub(crate) data: Option<PathBuf>,
    /// The tokenizer; `None` trains one on the corpus, or takes that of a resumed run.
    pub(crate) tokenizer: Option<PathBuf>,
    /// Folder of the run.
    pub(crate) out: PathBuf,
    /// Model to begin with; `None` begins with random weights.
    pub(crate) init: Option<PathBuf>,
    /// Whether to go on from the newest checkpoint in the folder.
    pub(crate) resume: bool,
    /// What to compute on.
    pub(crate) compute: ComputeArgs,
    /// Devices of this process that share each step.
    pub(crate) ranks: usize,
}

/// The preset of a run that is not told another.
pub(crate) const CONFIG: &str = "small";

/// Trains, from the beginning or from a checkpoint.
pub(crate) fn train(plan: &Plan, interrupt: &Interrupt) -> Result<()> {
    match run(plan, interrupt)? {
        Outcome::Complete => say!("done: {}", plan.out.display()),
        Outcome::Interrupted => {
            say!("interrupted and saved; go on with `--resume --out {}`", plan.out.display());
        }
    }
    Ok(())
}

/// The same, and leaves it to the caller to say how it ended.
pub(crate) fn run(plan: &Plan, interrupt: &Interrupt) -> Result<Outcome> {
    prepare::prepare(plan)?.go(interrupt)
}

/// Prints the recorded step. Reads no corpus and writes nothing.
pub(crate) fn explain(plan: &Plan) -> Result<()> {
    let settings = settings::read(plan.config.as_deref().unwrap_or(CONFIG), &plan.changes)?;
    let mut device = plan.compute.open()?;
    memory::check_training(&settings, settings.data.vocab_size, &device)?;
    let variants = compute::training_variants(&mut device, settings.train.precision)?;
    let training = run::on_zeros(&mut device, &variants, &settings)?;
    let recording = training.recording();
    print::result(recording)?;
    print::result(format_args!(
        "{} launches, {:.1} GFLOP and {:.1} MB of least memory traffic for {} tokens",
        recording.launches().len(),
        recording.flop() as f64 * 1e-9,
        recording.launches().iter().map(device::Launch::bytes).sum::<u64>() as f64 * 1e-6,
        settings.tokens_per_step(),
    ))?;
    print::result(format_args!(
        "{:.1} MB of device memory, {:.1} MB of it activations that the blocks keep for the backward pass{}",
        device.memory() as f64 * 1e-6,
        training.kept_bytes() as f64 * 1e-6,
        if settings.train.recompute { ", which computes the others again" } else { "" },
    ))
}
