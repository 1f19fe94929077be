//! A training from its first step to its last: what it says goes to the terminal and to files.

use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use device::Device;
use diffusion::training::Split;
use pollster::block_on;
use run::{Event, Outcome, Run};

use super::console::Console;
use super::folder::Folder;
use super::log_file::LogFile;
use super::team::Workers;
use crate::checkpoints;
use crate::curves::Curves;
use crate::interrupt::Interrupt;
use crate::table::estimate;

/// A training under way, with its device and its files.
#[derive(Debug)]
pub(super) struct Drive {
    pub(super) run: Run,
    pub(super) workers: Workers,
    pub(super) device: Device,
    pub(super) folder: Folder,
    pub(super) log: LogFile,
    pub(super) curves: Curves,
    pub(super) console: Console,
    pub(super) begun: Instant,
    /// Bits per byte of held-out text after which it ends.
    pub(super) goal: Option<f64>,
}

impl Drive {
    /// Trains to the last step, or until interrupted; saves what there is to save either way.
    pub(super) fn go(mut self, interrupt: &Interrupt) -> Result<Outcome> {
        interrupt.saves();
        let outcome = self.advance(interrupt);
        let step = self.run.steps_done();
        // Others may be waiting for this one.
        self.run.leave();
        let workers = std::mem::take(&mut self.workers);
        let outcome = match outcome {
            Ok(ended) => workers.join().map(|()| ended),
            Err(error) => Err(workers.blame(error)),
        };
        let reason = match &outcome {
            Ok(Outcome::Complete) => "complete".to_owned(),
            Ok(Outcome::Interrupted) => "interrupted".to_owned(),
            Err(error) => format!("{error:#}"),
        };
        self.run.close(reason, self.begun.elapsed().as_secs_f64());
        let closed = self.log.update(self.run.log());
        self.draw();
        let ended = outcome.with_context(|| self.stopped(step))?;
        closed?;
        Ok(ended)
    }

    /// The beginning of the sentence that says that a training stopped.
    fn stopped(&self, step: u32) -> String {
        let saved = match checkpoints::latest(self.folder.path()) {
            Ok(Some(path)) => format!(
                "the last good checkpoint is {}, go on from it with `--resume`",
                path.display()
            ),
            _ => "there is no checkpoint yet".to_owned(),
        };
        format!("training stopped after step {step} ({saved})")
    }

    fn advance(&mut self, interrupt: &Interrupt) -> Result<Outcome> {
        loop {
            if self.console.abandoned() {
                interrupt.request();
            }
            let clock = || self.begun.elapsed().as_secs_f64();
            let event = self.run.advance(&mut self.device, clock, interrupt.requested());
            let event = block_on(event)?;
            self.log.update(self.run.log())?;
            match event {
                Event::Step { step } => self.console.at(step),
                Event::Losses { loss, tokens_per_second, skipped } => {
                    if let Some(loss) = loss {
                        self.console.show(loss, tokens_per_second);
                    }
                    if skipped > 0 {
                        let step = self.run.steps_done();
                        let skipped = format!("{skipped} steps skipped: gradient not finite");
                        self.console.line(&format!("step {step:>6}  {skipped}"));
                    }
                }
                Event::Evaluation {
                    step,
                    train,
                    validation,
                    bits_per_byte,
                    bits_per_byte_error,
                } => {
                    self.console.line(&format!(
                        "step {step:>6}  {} loss {:.4}  {} loss {:.4}  accuracy {:.1}%  {} bits per byte",
                        Split::Train.as_str(),
                        train.loss,
                        Split::Validation.as_str(),
                        validation.loss,
                        100.0 * validation.accuracy,
                        estimate(bits_per_byte, bits_per_byte_error, 3),
                    ));
                    self.draw();
                    if step > 0 && self.goal.is_some_and(|goal| bits_per_byte <= goal) {
                        interrupt.request();
                    }
                }
                Event::Sample { step, text } => {
                    self.console.line(&format!("step {step:>6}  sample: {text}"));
                }
                Event::Checkpoint(saved) => {
                    checkpoints::save(self.folder.path(), &saved)?;
                    let keep = saved.setup.settings.train.keep;
                    checkpoints::prune(self.folder.path(), keep)?;
                }
                Event::NonFinite(what) => {
                    return Err(anyhow!("{what}; try a lower optimizer.lr or optimizer.clip"));
                }
                Event::End(outcome) => return Ok(outcome),
            }
        }
    }

    /// Brings the curves up to date. They can be drawn again from the log: no reason to stop.
    fn draw(&mut self) {
        if let Err(error) = self.curves.update(self.run.log().records()) {
            log::warn!("the loss curves are not up to date: {error:#}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use run::{Log, Record, Setup};

    use super::*;
    use crate::compute::{ComputeArgs, Kind};
    use crate::train::Plan;
    use crate::train::prepare::prepare;

    /// A short training in `place`, on the GPU or the CPU.
    fn drive(place: &Path, kind: Kind, changes: &[&str], resume: bool) -> Result<Drive> {
        let corpus = place.join("stories.txt");
        fs::write(&corpus, "Tom ran home. Lily ran home.\n<|endoftext|>\n".repeat(60))?;
        let small = ["n_embd=16", "n_layer=1", "block_size=16", "batch_size=2"];
        let short = ["sample_tokens=8", "eval_batches=1", "vocab_size=300", "timesteps=5"];
        let changes = small.iter().chain(&short).chain(changes);
        let plan = Plan {
            config: Some("tiny".to_owned()),
            changes: changes.map(|&change| change.to_owned()).collect(),
            data: Some(corpus),
            tokenizer: None,
            out: place.join("run"),
            init: None,
            resume,
            compute: ComputeArgs { device: Some(kind), adapter: None, measure_variants: false },
            ranks: 1,
            mpi: false,
            goal: None,
        };
        prepare(&plan, None)
    }

    #[test]
    fn a_lost_device_is_said_and_what_was_saved_is_named() -> Result<()> {
        let place = tempfile::tempdir()?;
        let drive = |steps: &str, resume| drive(place.path(), Kind::Gpu, &[steps], resume);
        assert_eq!(drive("steps=3", false)?.go(&Interrupt::default())?, Outcome::Complete);

        let second = drive("steps=6", true)?;
        second.device.gpu().expect("a GPU was asked for").destroy();
        let error = format!("{:#}", second.go(&Interrupt::default()).expect_err("no device"));
        for part in ["training stopped after step 3", "step-000003", "--resume", "device was lost"]
        {
            assert!(error.contains(part), "`{part}` is not in: {error}");
        }
        let log = Log::parse(fs::read(place.path().join("run").join("log.jsonl"))?)?;
        let reason = log.records().iter().rev().find_map(|record| match record {
            Record::End { reason, .. } => Some(reason.as_str()),
            _ => None,
        });
        assert!(reason.is_some_and(|reason| reason.contains("device was lost")), "{reason:?}");

        // The device is back: the run goes on.
        assert_eq!(drive("steps=6", true)?.go(&Interrupt::default())?, Outcome::Complete);
        Ok(())
    }

    #[test]
    fn memory_is_as_planned() -> Result<()> {
        for kind in [Kind::Cpu, Kind::Gpu] {
            for changes in [
                &["n_embd=64"][..],
                &[
                    "objective=block",
                    "accumulation=2",
                    "batch_size=4",
                    "recompute=true",
                    "optimizer.name=adamw",
                ],
                &["objective=uniform", "optimizer.average=0.1", "batch_size=16"],
            ] {
                let place = tempfile::tempdir()?;
                let Drive { device, run, .. } = drive(place.path(), kind, changes, false)?;
                let Setup { settings, variants, tokenizer } = run.setup();
                let size = tokenizer.tokenizer().vocab_size() as usize;
                let settings = settings.with_vocabulary(size);
                let Some(Record::Start { train_tokens, validation_tokens, .. }) =
                    run.log().records().first()
                else {
                    panic!("a log begins with its start");
                };
                let tokens = [*train_tokens, *validation_tokens];
                let planned = run::memory(&device, variants, &settings, tokens)? as f64;
                let taken = device.memory() as f64;
                assert!((planned / taken - 1.0).abs() < 0.05, "{planned} planned, {taken} taken");
            }
        }
        Ok(())
    }
}
