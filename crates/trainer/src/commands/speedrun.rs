//! `speedrun`: the shortest training to a target.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::corpus_files::CORPUS;
use crate::interrupt::Interrupt;
use crate::speedrun::{self, Attempt};
use crate::train::CONFIG;

/// Train to a target as fast as you can, and write a record that others can verify
///
/// A track (configs/speedrun/) says on which corpus, to how many bits per byte, and in how much time at most.
/// Everything else is yours: settings, and the program itself. Time counts from the first step to the end of the
/// run, evaluations included; learning the vocabulary and encoding the text do not count. reports/speedrun.md has
/// the rules and the records.
#[derive(Clone, Debug, Args)]
pub(crate) struct SpeedrunArgs {
    /// The track, such as configs/speedrun/two-cores.toml
    #[arg(value_name = "TRACK")]
    track: PathBuf,

    /// Settings: a preset (tiny, pocket, small, best, large, seed) or a TOML file
    #[arg(long, default_value = CONFIG, value_name = "PRESET|FILE")]
    config: String,

    /// Change a setting; can be repeated. What the track asks for comes last
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,

    /// The track's corpus
    #[arg(long, default_value = CORPUS, value_name = "FILE")]
    data: PathBuf,

    /// Folder of the run
    #[arg(long, default_value = "runs/speedrun", value_name = "DIR")]
    out: PathBuf,

    /// Bits per byte in an evaluation of the training after which it ends [default: the track's target]
    ///
    /// The record is measured on more text than these evaluations, and may come out higher than they do.
    #[arg(long, value_name = "BITS")]
    stop_at: Option<f64>,

    /// Measure the model of the record in this folder again, and check the record, in place of training
    #[arg(long, value_name = "DIR", conflicts_with_all = ["config", "set", "out", "stop_at"])]
    verify: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &SpeedrunArgs, interrupt: &Interrupt) -> Result<()> {
    match &args.verify {
        Some(folder) => speedrun::verify(&args.track, &args.data, folder),
        None => speedrun::run(
            &Attempt {
                track: &args.track,
                config: &args.config,
                changes: &args.set,
                data: &args.data,
                out: &args.out,
                stop_at: args.stop_at,
            },
            interrupt,
        ),
    }
}
