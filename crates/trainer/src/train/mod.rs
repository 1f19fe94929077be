//! Training in a folder: settings, corpus, checkpoints and curves of a run on disk.

mod console;
mod drive;
mod folder;
mod inputs;
mod log_file;
mod prepare;
mod processes;
mod team;

use std::path::PathBuf;

use anyhow::{Result, anyhow};
use diffusion::training::team::Team;
use run::Outcome;

pub(crate) use folder::is_run;
use prepare::Opened;
use team::Timed;

use crate::advice;
use crate::compute::{self, ComputeArgs};
use crate::interrupt::Interrupt;
use crate::print::{self, say};
use crate::{memory, settings};

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
    /// Whether the processes that MPI started share each step.
    pub(crate) mpi: bool,
    /// Bits per byte of held-out text after which it ends before its last step.
    pub(crate) goal: Option<f64>,
}

/// The preset of a run that is not told another.
pub(crate) const CONFIG: &str = "small";

/// Trains, from the beginning or from a checkpoint.
pub(crate) fn train(plan: &Plan, interrupt: &Interrupt) -> Result<()> {
    if !plan.mpi {
        announce(plan, run(plan, interrupt)?);
        return Ok(());
    }
    let (team, session) = processes::join()?;
    let (rank, ranks) = (team.rank(), team.ranks());
    let uneven = !ranks.is_power_of_two();
    let result = match uneven {
        true => Err(anyhow!(
            "{ranks} processes cannot share a step evenly; start 2, 4, 8 or another power of two"
        )),
        false => run_among(plan, team, interrupt),
    };
    if let Err(error) = &result
        // What all find is said once.
        && (rank == 0 || !uneven)
    {
        // Ending all processes ends this one, too.
        advice::report(error);
    }
    session.end(result.is_err());
    result
}

/// Trains as one of the processes that MPI started.
fn run_among(plan: &Plan, mut team: Box<dyn Team>, interrupt: &Interrupt) -> Result<()> {
    if team.ranks() > 1 {
        team = Box::new(Timed::new(team));
    }
    if team.rank() == 0 {
        announce(plan, prepare::prepare(plan, Some(team))?.go(interrupt)?);
        return Ok(());
    }
    interrupt.saves();
    let Opened { device, setup, data, start, .. } = Opened::among(plan, &mut *team)?;
    team::follow(device, setup, data, start, team, interrupt)
}

fn announce(plan: &Plan, outcome: Outcome) {
    match outcome {
        Outcome::Complete => say!("done: {}", plan.out.display()),
        Outcome::Interrupted => {
            say!("interrupted and saved; go on with `--resume --out {}`", plan.out.display());
        }
    }
}

/// The same without MPI, and leaves it to the caller to say how it ended.
pub(crate) fn run(plan: &Plan, interrupt: &Interrupt) -> Result<Outcome> {
    prepare::prepare(plan, None)?.go(interrupt)
}

/// Prints the recorded step. Reads no corpus and writes nothing.
pub(crate) fn explain(plan: &Plan) -> Result<()> {
    let settings = settings::read(plan.config.as_deref().unwrap_or(CONFIG), &plan.changes)?;
    let mut device = plan.compute.open()?;
    let variants = compute::training_variants(&mut device, settings.train.precision)?;
    memory::check_training(&settings, [0, 0], &device, &variants)?;
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
