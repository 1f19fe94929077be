//! Training in a folder: settings, corpus, checkpoints and curves of a run on disk.

mod console;
mod drive;
mod folder;
mod interrupt;
mod log_file;
mod prepare;

use std::path::PathBuf;

use anyhow::Result;

use crate::compute::{self, ComputeArgs};
use crate::settings;
use interrupt::Interrupt;
use run::Outcome;

/// What to train, on what, and where.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Preset or TOML file of the settings; a resumed run has its own.
    pub(crate) config: String,
    /// Changes of the settings as `key=value`, in order.
    pub(crate) changes: Vec<String>,
    /// The corpus.
    pub(crate) data: PathBuf,
    /// The tokenizer; `None` trains one on the corpus.
    pub(crate) tokenizer: Option<PathBuf>,
    /// Folder of the run.
    pub(crate) out: PathBuf,
    /// Model to begin with; `None` begins with random weights.
    pub(crate) init: Option<PathBuf>,
    /// Whether to go on from the newest checkpoint in the folder.
    pub(crate) resume: bool,
    /// What to compute on.
    pub(crate) compute: ComputeArgs,
}

/// Trains, from the beginning or from a checkpoint.
pub(crate) fn train(plan: &Plan) -> Result<()> {
    let interrupt = Interrupt::watch()?;
    let outcome = prepare::prepare(plan)?.go(&interrupt)?;
    match outcome {
        Outcome::Complete => println!("done: {}", plan.out.display()),
        Outcome::Interrupted => {
            println!("interrupted and saved; go on with `--resume --out {}`", plan.out.display());
        }
    }
    Ok(())
}

/// Prints the recorded step. Reads no corpus and writes nothing.
pub(crate) fn explain(plan: &Plan) -> Result<()> {
    let settings = settings::read(&plan.config, &plan.changes)?;
    let mut device = plan.compute.open()?;
    let variants = compute::variants(&mut device)?;
    let training = run::on_zeros(&mut device, &variants, &settings)?;
    let recording = training.recording();
    println!("{recording}");
    println!(
        "{} launches, {:.1} GFLOP and {:.1} MB of least memory traffic for {} tokens",
        recording.launches().len(),
        recording.flop() as f64 * 1e-9,
        recording.launches().iter().map(device::Launch::bytes).sum::<u64>() as f64 * 1e-6,
        settings.tokens_per_step(),
    );
    println!(
        "{:.1} MB of device memory, {:.1} MB of it activations that the blocks keep for the backward pass{}",
        device.memory() as f64 * 1e-6,
        training.kept_bytes() as f64 * 1e-6,
        if settings.train.recompute { ", which computes the others again" } else { "" },
    );
    Ok(())
}
