//! What is measured of a finished run.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use diffusion::training::Split;
use run::Record;
use run::checkpoint::LOG;
use serde::{Deserialize, Serialize};

use super::matrix::{Ablation, Judging, Planned};
use super::place::{Place, write};
use crate::checkpoints::{self, WeightsArgs};
use crate::compute::ComputeArgs;
use crate::eval::{self, HeldOut, Report};
use crate::files;
use crate::judging::{Author, Estimate, Excerpt};

/// Tokens of a text for the judge, if the block holds as many.
const LENGTH: usize = 128;

/// Everything that the report needs of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Measured {
    /// Its settings.
    settings: String,
    /// What the judge was told, and the batches of the evaluation.
    judging: Judging,
    batches: usize,
    /// The network after the last step, on the held-out stories.
    pub(super) last: Report,
    /// The network at its lowest validation loss, on the same windows.
    pub(super) best: Report,
    /// Seconds of the run, evaluations and checkpoints included.
    pub(super) seconds: f64,
    pub(super) curve: Vec<Point>,
    /// What it wrote by each recipe.
    pub(super) written: Vec<Texts>,
    /// Share of last sentences that it knows.
    pub(super) endings: Option<Estimate>,
}

/// A point of a run's curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Point {
    pub(super) step: u32,
    pub(super) tokens: f64,
    /// Seconds of training steps up to there: without evaluations, samples and checkpoints.
    pub(super) seconds: f64,
    /// Held-out text.
    pub(super) bits_per_byte: f64,
}

/// Texts of one recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Texts {
    pub(super) sampler: String,
    pub(super) steps: Option<usize>,
    pub(super) temperature: f32,
    pub(super) passes: usize,
    pub(super) texts: Vec<String>,
}

impl Measured {
    /// Reads what was measured of a run before. `None` if nothing was, or other things than are wanted
    /// now.
    pub(super) fn read(
        path: &Path,
        ablation: &Ablation,
        planned: &Planned,
    ) -> Result<Option<Self>> {
        if !path.is_file() {
            return Ok(None);
        }
        let damaged =
            || format!("{} is damaged; remove it, and the run is measured again", path.display());
        let text = files::read_text(path).with_context(damaged)?;
        let found: Self = serde_json::from_str(&text).with_context(damaged)?;
        let same = found.judging == ablation.judge && found.batches == ablation.batches;
        ensure!(
            !same || found.settings == planned.settings.to_toml(),
            "{} was measured of a run with other settings; choose another `--out`",
            path.display()
        );
        Ok(same.then_some(found))
    }

    /// Measures the run, and keeps what was found.
    pub(super) fn new(
        place: &Place,
        ablation: &Ablation,
        planned: &Planned,
        compute: &ComputeArgs,
    ) -> Result<Self> {
        let run = place.run(&planned.folder);
        let last = checkpoints::latest(&run)?.context("the run has no checkpoint")?;
        let best = checkpoints::best(&run)?.unwrap_or_else(|| last.clone());
        let request = eval::Request {
            text: HeldOut::Whole(place.held_out_text()),
            train_data: None,
            tokenizer: None,
            weights: WeightsArgs::default(),
            batches: ablation.batches,
            schedule: None,
            order: None,
            compute: compute.clone(),
        };
        let at_last = eval::measure(&last, &request)?;
        let at_best = match best == last {
            true => at_last.clone(),
            false => eval::measure(&best, &request)?,
        };
        let log = run::Log::parse(files::read(&run.join(LOG))?)?;
        let (curve, seconds) = curve(log.records());
        let (written, endings) = texts(place, ablation, planned, &last, compute)?;
        let measured = Self {
            settings: planned.settings.to_toml(),
            judging: ablation.judge.clone(),
            batches: ablation.batches,
            last: at_last,
            best: at_best,
            seconds,
            curve,
            written,
            endings,
        };
        write(&place.result(&planned.folder), &serde_json::to_vec_pretty(&measured)?)?;
        Ok(measured)
    }
}

/// What a run writes for the judge, and the share of last sentences that it knows.
fn texts(
    place: &Place,
    ablation: &Ablation,
    planned: &Planned,
    checkpoint: &Path,
    compute: &ComputeArgs,
) -> Result<(Vec<Texts>, Option<Estimate>)> {
    let Judging { texts, given, cloze, .. } = ablation.judge;
    let stories: Vec<&str> = place.held_out().iter().map(String::as_str).collect();
    let excerpt = excerpt(planned, given)?;
    let recipes = ablation.recipes()?;
    let located = checkpoints::load_located(checkpoint, None, WeightsArgs::default())?;
    let mut author = Author::load(located, compute, &recipes, excerpt, texts)?;
    let endings = author.endings(&stories, cloze)?;
    let written = recipes.iter().map(|recipe| {
        let written = author.write(&stories, texts, recipe, planned.seed)?;
        let crate::judging::Written { texts, passes, sampler, steps, temperature } = written;
        Ok(Texts { sampler, steps, temperature, passes, texts })
    });
    Ok((written.collect::<Result<_>>()?, endings))
}

/// The texts of a run: as long as its block allows.
pub(super) fn excerpt(planned: &Planned, given: usize) -> Result<Excerpt> {
    let block = planned.settings.model.block_size;
    ensure!(
        given < block,
        "`judge.given` is {given}, and the block of {} holds {block} tokens; give fewer",
        planned.folder
    );
    Ok(Excerpt { given, length: LENGTH.min(block) })
}

/// The curve of a log, and the seconds of the whole run.
fn curve(records: &[Record]) -> (Vec<Point>, f64) {
    let (mut points, mut tokens_per_step) = (vec![], 0.0);
    let (mut at, mut trained, mut total) = (0, 0.0, 0.0);
    for record in records {
        match *record {
            Record::Start { tokens, .. } => tokens_per_step = tokens as f64,
            Record::Step { step, tokens_per_second, .. } => {
                trained += f64::from(step - at) * tokens_per_step / tokens_per_second;
                at = step;
            }
            Record::Evaluation {
                step,
                split: Split::Validation,
                bits_per_byte: Some(bits_per_byte),
                ..
            } => {
                let tokens = f64::from(step) * tokens_per_step;
                points.push(Point { step, tokens, seconds: trained, bits_per_byte });
            }
            Record::End { seconds, .. } => total = seconds,
            Record::Evaluation { .. } | Record::Sample { .. } => {}
        }
    }
    (points, total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_has_tokens_and_seconds_of_training() {
        let start = Record::Start {
            step: 0,
            device: String::new(),
            parameters: 1,
            vocabulary: 1,
            tokens: 100,
            train_tokens: 1,
            validation_tokens: 1,
            entropy: None,
            origin: None,
        };
        let step = |step, tokens_per_second| Record::Step {
            step,
            loss: 1.0,
            grad_norm: 1.0,
            lr: 1.0,
            tokens_per_second,
            skipped: 0,
        };
        let evaluation = |step, split, bits| Record::Evaluation {
            step,
            split,
            loss: 1.0,
            accuracy: 0.0,
            entropy: 0.0,
            bits_per_byte: Some(bits),
            bits_per_byte_error: None,
        };
        let end = Record::End { step: 20, seconds: 9.5, reason: "complete".to_owned() };
        let (points, seconds) = curve(&[
            start,
            evaluation(0, Split::Validation, 8.0),
            step(5, 100.0),
            step(10, 500.0),
            evaluation(10, Split::Train, 3.0),
            evaluation(10, Split::Validation, 4.0),
            step(20, 1000.0),
            evaluation(20, Split::Validation, 2.0),
            end,
        ]);
        let shown: Vec<_> =
            points.iter().map(|p| (p.step, p.tokens, p.seconds, p.bits_per_byte)).collect();
        assert_eq!(shown, [(0, 0.0, 0.0, 8.0), (10, 1000.0, 6.0, 4.0), (20, 2000.0, 7.0, 2.0)]);
        assert_eq!(seconds, 9.5);
    }
}
