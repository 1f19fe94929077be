//! `ablate`: runs that differ in a few settings, and a report.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use crate::ablate::{self, Request};
use crate::compute::ComputeArgs;
use crate::corpus_files::CORPUS;
use crate::interrupt::Interrupt;

/// Train with every combination of some settings and seeds, and report what comes of it
///
/// The file says what varies; those in configs/ablations/ explain themselves. Each run is a folder as
/// `train` makes it, measured on the same held-out stories and judged as by `judge`. Ctrl-C saves; the
/// same command goes on where it was, after a kill, too. The report is a folder: README.md, pictures
/// of bits per byte by step, tokens and time with bands over the seeds, and CSV.
#[derive(Clone, Debug, Args)]
pub(crate) struct AblateArgs {
    /// The ablation, such as configs/ablations/recipe.toml
    #[arg(value_name = "FILE.toml")]
    pub(crate) file: PathBuf,

    /// Corpus of all runs [default: data/stories.txt]
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,

    /// Folder of the runs [default: runs/ and the name of the file]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// Folder of the report [default: report in that of the runs]
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,

    /// An autoregressive model of other stories, which reads the texts, see `judge`
    #[arg(long, value_name = "DIR|FILE")]
    pub(crate) reader: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

/// Runs the command.
pub(crate) fn run(args: AblateArgs, interrupt: &Interrupt) -> Result<()> {
    let name = args.file.file_stem().unwrap_or_default();
    let out = args.out.unwrap_or_else(|| Path::new("runs").join(name));
    let request = Request {
        data: args.data.unwrap_or_else(|| CORPUS.into()),
        report: args.report.unwrap_or_else(|| out.join("report")),
        file: args.file,
        out,
        reader: args.reader,
        compute: args.compute,
    };
    ablate::run(&request, interrupt)
}
