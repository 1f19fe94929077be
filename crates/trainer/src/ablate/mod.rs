//! Ablations: runs that differ in a few settings, side by side, with a report.

mod matrix;
mod measured;
mod pictures;
mod place;
mod report;
mod tables;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use indicatif::HumanDuration;
use run::{Outcome, Saved};

use crate::compute::ComputeArgs;
use crate::corpus_files::load_tokenizer;
use crate::interrupt::Interrupt;
use crate::judging::Reader;
use crate::print::say;
use crate::train::{self, Plan};
use crate::{checkpoints, files, settings};
use matrix::{Ablation, Arm, Planned};
use measured::Measured;
use place::Place;
use report::Report;

/// What to run, on what, and where.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// File of the ablation.
    pub(crate) file: PathBuf,
    /// The corpus.
    pub(crate) data: PathBuf,
    /// Folder of the runs.
    pub(crate) out: PathBuf,
    /// Folder of the report.
    pub(crate) report: PathBuf,
    /// A model that reads texts for the judge.
    pub(crate) reader: Option<PathBuf>,
    /// What to compute on.
    pub(crate) compute: ComputeArgs,
}

/// Makes the runs that are not made yet, measures them, and writes the report.
pub(crate) fn run(request: &Request, interrupt: &Interrupt) -> Result<()> {
    let ablation = Ablation::read(&request.file)?;
    let name = files::input_name(&request.file);
    let arms = ablation.arms().with_context(|| format!("cannot use the ablation {name}"))?;
    let runs: Vec<(&Arm, &Planned)> =
        arms.iter().flat_map(|arm| arm.runs.iter().map(move |run| (arm, run))).collect();
    for (_, run) in &runs {
        measured::excerpt(run, ablation.judge.given)?;
    }
    let reader = request.reader.as_deref().map(|path| Reader::load(path, &request.compute));
    let reader = reader.transpose()?;
    let share = settings::read(&ablation.base, &ablation.set)?.data.validation_share;
    let place = Place::enter(&request.out, &ablation.title, &request.data, share)?;
    for arm in &arms {
        place.corpus(arm.stories)?;
    }

    let mut progress = Progress::new();
    let mut all = vec![];
    for (number, &(arm, planned)) in runs.iter().enumerate() {
        let kept = Measured::read(&place.result(&planned.folder), &ablation, planned)?;
        let measured = match kept {
            Some(measured) => measured,
            None => {
                say!(
                    "run {} of {}  {}, seed {}  {}",
                    number + 1,
                    runs.len(),
                    arm.name,
                    planned.seed,
                    progress.left(&runs[number..], &place)?
                );
                let work = work(&place, planned)?;
                if !train(&place, &ablation, arm, planned, &request.compute, interrupt)? {
                    say!("interrupted and saved; the same command goes on");
                    return Ok(());
                }
                let measured = Measured::new(&place, &ablation, planned, &request.compute)
                    .with_context(|| format!("the run {}", planned.folder))?;
                progress.done += work;
                measured
            }
        };
        all.push(measured);
        if interrupt.requested() {
            say!("interrupted and saved; the same command goes on");
            return Ok(());
        }
    }
    let mut all = all.into_iter();
    let arms: Vec<_> = arms
        .into_iter()
        .map(|arm| {
            let count = arm.runs.len();
            (arm, all.by_ref().take(count).collect::<Vec<_>>())
        })
        .collect();
    Report { ablation: &ablation, place: &place, arms: &arms, request }.write(reader)?;
    say!("done: {}", request.report.display());
    Ok(())
}

/// Trains, or goes on, until the run is complete; false if interrupted before.
fn train(
    place: &Place,
    ablation: &Ablation,
    arm: &Arm,
    planned: &Planned,
    compute: &ComputeArgs,
    interrupt: &Interrupt,
) -> Result<bool> {
    let (corpus, share) = place.corpus(arm.stories)?;
    let tokenizer = place.tokenizer(&planned.settings.data)?;
    let size = load_tokenizer(&tokenizer)?.tokenizer().vocab_size();
    let more = [format!("data.validation_share={share}"), format!("data.vocab_size={size}")];
    let changes = [&planned.changes[..], &more].concat();
    let out = place.run(&planned.folder);
    if let Some(saved) = checkpoints::latest(&out)? {
        let Saved { setup, progress } = checkpoints::load(&saved)?;
        let wanted = settings::read(&ablation.base, &changes)?;
        let differs = || {
            format!(
                "the run in {} was begun with other settings; remove it, or choose another `--out`",
                out.display()
            )
        };
        if let Some(change) = setup.settings.resume(&wanted).with_context(differs)?.first() {
            bail!("{}: {change}", differs());
        }
        if progress.state.step == wanted.train.steps {
            return Ok(true);
        }
    }
    let plan = Plan {
        config: Some(ablation.base.clone()),
        changes,
        data: Some(corpus),
        tokenizer: Some(tokenizer),
        resume: train::is_run(&out)?,
        out,
        init: None,
        compute: compute.clone(),
        ranks: ablation.ranks,
        mpi: false,
        goal: None,
    };
    Ok(train::run(&plan, interrupt)? == Outcome::Complete)
}

/// How long it takes: as long as the runs so far did for the same number of operations.
struct Progress {
    begun: Instant,
    /// Operations since then, in tokens times parameters.
    done: f64,
}

impl Progress {
    fn new() -> Self {
        Self { begun: Instant::now(), done: 0.0 }
    }

    /// What is said of the time that these runs take, as the end of a line.
    fn left(&self, runs: &[(&Arm, &Planned)], place: &Place) -> Result<String> {
        if self.done == 0.0 {
            return Ok(String::new());
        }
        let mut left = 0.0;
        for (_, planned) in runs {
            if !place.result(&planned.folder).is_file() {
                left += work(place, planned)?;
            }
        }
        let seconds = self.begun.elapsed().as_secs_f64() * left / self.done;
        Ok(format!("  {} left", HumanDuration(Duration::from_secs_f64(seconds))))
    }
}

/// Operations that a run still takes, in tokens times parameters.
fn work(place: &Place, planned: &Planned) -> Result<f64> {
    let Planned { settings, folder, .. } = planned;
    let done = checkpoints::list(&place.run(folder))?.last().map_or(0, |(step, _)| *step);
    let steps = f64::from(settings.train.steps.saturating_sub(done));
    let parameters = settings.config(settings.data.vocab_size, 0).parameters() as f64;
    Ok(steps * settings.tokens_per_step() as f64 * parameters)
}
