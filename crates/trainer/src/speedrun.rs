//! The shortest training to a target, and its record.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use corpus::cache::sha256;
use run::checkpoint::{LOG, MODEL, SETTINGS};
use run::{Log, Record, Settings};
use serde::{Deserialize, Serialize};

use crate::checkpoints::{self, WeightsArgs};
use crate::compute::{ComputeArgs, Kind};
use crate::corpus_files::CorpusFile;
use crate::eval::{self, HeldOut, Report};
use crate::files;
use crate::interrupt::Interrupt;
use crate::print::{self, say};
use crate::table::estimate;
use crate::train::{self, Plan};

/// The record in the folder of a run.
const RECORD: &str = "record.json";
/// The newest version of that file.
const VERSION: u32 = 1;
/// How far two measurements of one model may differ between devices, in bits per byte.
const TOLERANCE: f64 = 1e-3;

/// What all attempts have alike.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Track {
    title: String,
    /// SHA-256 of the corpus.
    corpus: String,
    /// The command that makes it.
    made_by: String,
    device: Kind,
    /// Longest time.
    seconds: f64,
    /// What the held-out stories must come to.
    bits_per_byte: f64,
    /// Batches on which that is measured.
    batches: usize,
    /// Settings that are the same for all, as `key=value`.
    settings: Vec<String>,
}

/// A try.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) track: &'a Path,
    pub(crate) config: &'a str,
    pub(crate) changes: &'a [String],
    pub(crate) data: &'a Path,
    pub(crate) out: &'a Path,
    pub(crate) stop_at: Option<f64>,
}

/// What an attempt came to.
#[derive(Debug, Serialize, Deserialize)]
struct Finish {
    version: u32,
    track: String,
    /// Of the training, evaluations included.
    seconds: f64,
    steps: u32,
    tokens: u64,
    /// Of all steps, evaluations not included.
    flop: f64,
    bits_per_byte: f64,
    bits_per_byte_error: f64,
    parameters: usize,
    device: String,
    seed: u64,
    /// Version of the program.
    program: String,
    /// The newest commit of the folder that it was started in, if that is a repository.
    commit: Option<String>,
    corpus: String,
    /// SHA-256 of files of the run.
    settings: String,
    log: String,
    model: String,
}

impl Track {
    fn read(path: &Path) -> Result<Self> {
        files::read_toml(path).with_context(|| format!("cannot read the track {}", path.display()))
    }

    /// Refuses another corpus than the track's.
    fn check_corpus(&self, path: &Path) -> Result<()> {
        ensure!(
            CorpusFile::read(path)?.sha256() == self.corpus,
            "{} is not the corpus of the track (its SHA-256 is another); make it by `{}`",
            path.display(),
            self.made_by
        );
        Ok(())
    }

    /// Measures a model on the held-out part of the corpus.
    fn measure(&self, model: &Path, data: &Path) -> Result<Report> {
        let request = eval::Request {
            text: HeldOut::PartOf(data.to_owned()),
            train_data: None,
            tokenizer: None,
            weights: WeightsArgs::default(),
            batches: self.batches,
            schedule: None,
            order: None,
            compute: self.compute(),
        };
        eval::measure(model, &request)
    }

    fn compute(&self) -> ComputeArgs {
        ComputeArgs { device: Some(self.device), adapter: None, measure_variants: false }
    }

    /// Refuses what is no record.
    fn check(&self, seconds: f64, bits_per_byte: f64) -> Result<()> {
        ensure!(
            bits_per_byte <= self.bits_per_byte,
            "the model has {bits_per_byte:.4} bits per byte of the track's held-out stories, and the target is {}; train further, with a lower `--stop-at`",
            self.bits_per_byte
        );
        ensure!(
            seconds <= self.seconds,
            "the training took {seconds:.0} s, and the track allows {:.0} s",
            self.seconds
        );
        Ok(())
    }
}

/// Trains until the target is reached, and writes the record.
pub(crate) fn run(attempt: &Attempt<'_>, interrupt: &Interrupt) -> Result<()> {
    let track = Track::read(attempt.track)?;
    track.check_corpus(attempt.data)?;
    let goal = attempt.stop_at.unwrap_or(track.bits_per_byte);
    let plan = Plan {
        config: Some(attempt.config.to_owned()),
        changes: [attempt.changes, &track.settings].concat(),
        data: Some(attempt.data.to_owned()),
        tokenizer: None,
        out: attempt.out.to_owned(),
        init: None,
        resume: false,
        compute: track.compute(),
        ranks: 1,
        mpi: false,
        goal: Some(goal),
    };
    train::run(&plan, interrupt)?;
    let finish = finish(&track, attempt.out, attempt.data, goal)?;
    track.check(finish.seconds, finish.bits_per_byte)?;
    let json = serde_json::to_vec_pretty(&finish)?;
    files::write_atomically(&attempt.out.join(RECORD), |file| Ok(file.write_all(&json)?))?;
    print::result(finish.row())?;
    say!("wrote {}", attempt.out.join(RECORD).display());
    Ok(())
}

/// Measures the model of a record again, and compares all else with the files beside it.
pub(crate) fn verify(track: &Path, data: &Path, folder: &Path) -> Result<()> {
    let track = Track::read(track)?;
    track.check_corpus(data)?;
    let path = folder.join(RECORD);
    let read = || -> Result<Finish> { Ok(serde_json::from_str(&files::read_text(&path)?)?) };
    let claimed = read().with_context(|| format!("cannot read the record {}", path.display()))?;
    ensure!(
        claimed.version <= VERSION,
        "{} has format version {}, and this program reads versions up to {VERSION}; use a newer release",
        path.display(),
        claimed.version
    );
    ensure!(
        claimed.track == track.title,
        "the record is one of the track \"{}\", not of \"{}\"",
        claimed.track,
        track.title
    );
    let toml = files::read_text(&folder.join(SETTINGS))?;
    let (ran, asked) = (Settings::parse(&toml, &[])?, Settings::parse(&toml, &track.settings)?);
    ensure!(ran == asked, "the run has other settings than the track asks for");
    let found = finish(&track, folder, data, f64::INFINITY)?;
    for (what, claimed, found) in [
        ("settings", &claimed.settings, &found.settings),
        ("log", &claimed.log, &found.log),
        ("model", &claimed.model, &found.model),
    ] {
        ensure!(claimed == found, "the {what} of the run is not that of the record");
    }
    let numbers = |finish: &Finish| (finish.seconds, finish.steps, finish.tokens);
    ensure!(
        numbers(&claimed) == numbers(&found),
        "time, steps and tokens of the record are not those of its log"
    );
    ensure!(
        (claimed.bits_per_byte - found.bits_per_byte).abs() <= TOLERANCE,
        "the record claims {:.4} bits per byte, and its model has {:.4}",
        claimed.bits_per_byte,
        found.bits_per_byte
    );
    track.check(found.seconds, found.bits_per_byte)?;
    print::result(format_args!("verified: {}", found.row()))
}

/// What the run in `folder` came to, whose evaluations were to reach `goal`.
fn finish(track: &Track, folder: &Path, data: &Path, goal: f64) -> Result<Finish> {
    let read = |name: &str| {
        let path = folder.join(name);
        files::read(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let (toml, bytes) = (read(SETTINGS)?, read(LOG)?);
    let log = Log::parse(bytes.clone())?;
    let ended = log.records().iter().rev().find_map(|record| match record {
        Record::End { step, seconds, .. } => Some((*step, *seconds)),
        _ => None,
    });
    let (steps, seconds) =
        ended.with_context(|| format!("the run in {} has not ended", folder.display()))?;
    let reached = log.records().iter().rev().find_map(|record| match record {
        Record::Evaluation { bits_per_byte, .. } => *bits_per_byte,
        _ => None,
    });
    if reached.is_none_or(|reached| reached > goal) {
        bail!(
            "the run ended after {steps} steps with {:.3} bits per byte in its last evaluation, before it came to {goal}",
            reached.unwrap_or(f64::NAN)
        );
    }
    let started = log.records().iter().find_map(|record| match record {
        Record::Start { device, parameters, tokens, vocabulary, .. } => {
            Some((device.clone(), *parameters, *tokens as u64, *vocabulary))
        }
        _ => None,
    });
    let (device, parameters, tokens, vocabulary) = started.context("the log has no beginning")?;
    let ran = Settings::parse(&String::from_utf8_lossy(&toml), &[])?.with_vocabulary(vocabulary);
    // Its parts are the same work.
    let mut whole = ran.clone();
    whole.train.parts = 1;
    let mut plan = track.compute().open()?.plan();
    let step = run::on_zeros(&mut plan, &kernels::Variants::default(), &whole)?;
    let model = checkpoints::latest(folder)?.context("the run has no checkpoint")?;
    let Report { bits_per_byte, bits_per_byte_error, .. } = track.measure(&model, data)?;
    Ok(Finish {
        version: VERSION,
        track: track.title.clone(),
        seconds,
        steps,
        tokens: tokens * u64::from(steps),
        flop: step.recording().flop() as f64 * f64::from(steps),
        bits_per_byte,
        bits_per_byte_error,
        parameters,
        device,
        seed: ran.train.seed,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        commit: commit(),
        corpus: track.corpus.clone(),
        settings: sha256(&toml),
        log: sha256(&bytes),
        model: sha256(&files::read(&model.join(MODEL))?),
    })
}

impl Finish {
    /// A sentence about it.
    fn row(&self) -> String {
        format!(
            "{}: {} bits per byte after {:.0} s, {} steps, {:.1} million tokens, {:.1} TFLOP, {} parameters, on {}",
            self.track,
            estimate(self.bits_per_byte, self.bits_per_byte_error, 3),
            self.seconds,
            self.steps,
            self.tokens as f64 * 1e-6,
            self.flop * 1e-12,
            self.parameters,
            self.device
        )
    }
}

/// The newest commit of the folder that the program was started in.
fn commit() -> Option<String> {
    let found = Command::new("git").args(["rev-parse", "HEAD"]).output().ok()?;
    found.status.success().then(|| String::from_utf8_lossy(&found.stdout).trim().to_owned())
}
