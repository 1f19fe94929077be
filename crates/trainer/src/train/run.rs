//! The loop of a training: steps, reports, evaluations, samples, checkpoints.

use std::time::Instant;

use anyhow::{Context, Result, bail};
use corpus::tokenizer::Tokenizer;
use device::Device;
use diffusion::training::{Split, StepLog, Training};
use model::{Card, Objective};
use pollster::block_on;

use super::console::Console;
use super::curves::Curves;
use super::folder::Folder;
use super::interrupt::Interrupt;
use super::samples::Sampler;
use crate::checkpoints::{self, Saved, State};
use crate::run_log::{self, Record, RunLog};
use crate::settings::Settings;

/// A training under way.
pub(super) struct Run {
    pub(super) settings: Settings,
    pub(super) folder: Folder,
    pub(super) device: Device,
    pub(super) training: Training,
    pub(super) tokenizer: Tokenizer,
    pub(super) sampler: Sampler,
    pub(super) log: RunLog,
    pub(super) curves: Curves,
    pub(super) console: Console,
    /// Where it stands; up to date after a checkpoint.
    pub(super) state: State,
    /// Seconds of training before this process.
    pub(super) seconds_before: f64,
    /// Steps since the last line of the log.
    pub(super) unlogged: Vec<StepLog>,
    /// When the speed was last measured, with the steps done then.
    pub(super) clock: (Instant, u32),
    pub(super) begun: Instant,
}

/// Why a training ended without a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Complete,
    Interrupted,
}

impl Run {
    /// Trains to the last step, or until interrupted; saves what there is to save either way.
    pub(super) fn go(mut self, interrupt: &Interrupt) -> Result<Ended> {
        let outcome = self.steps(interrupt);
        let step = self.training.steps_done();
        let reason = match &outcome {
            Ok(Ended::Complete) => "complete".to_owned(),
            Ok(Ended::Interrupted) => "interrupted".to_owned(),
            Err(error) => format!("{error:#}"),
        };
        let seconds = self.seconds();
        let closed = self.log.push(Record::End { step, seconds, reason });
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

    fn steps(&mut self, interrupt: &Interrupt) -> Result<Ended> {
        let train = self.settings.train.clone();
        if self.training.steps_done() == 0 {
            self.evaluate(0)?;
        }
        loop {
            let step = self.training.steps_done();
            if step >= train.steps {
                return Ok(Ended::Complete);
            }
            self.training.step(&mut self.device)?;
            let step = step + 1;
            self.console.at(step);
            let last = step == train.steps;
            let interrupted = interrupt.requested();
            let due = |every: u32| step.is_multiple_of(every) || last;
            let checkpoint = due(train.checkpoint_every) || interrupted;
            let evaluation = due(train.eval_every) || checkpoint;
            let sample = due(train.sample_every);
            if due(train.log_every) || evaluation || sample {
                self.read_losses()?;
            }
            if evaluation {
                self.evaluate(step)?;
            }
            if sample {
                self.sample(step)?;
            }
            if checkpoint {
                self.save(step)?;
            }
            if evaluation || sample {
                // Neither counts as training time.
                self.clock = (Instant::now(), step);
            }
            if interrupted {
                return Ok(Ended::Interrupted);
            }
        }
    }

    /// Reads the losses of the steps since the last call and logs their mean.
    fn read_losses(&mut self) -> Result<()> {
        let new = block_on(self.training.log(&self.device))?;
        for entry in &new {
            if !(entry.loss.is_finite() && entry.grad_norm.is_finite()) {
                return self.not_finite(*entry);
            }
        }
        self.unlogged.extend(new);
        let Some(&StepLog { step, grad_norm, lr_factor, .. }) = self.unlogged.last() else {
            return Ok(());
        };
        let loss = mean(self.unlogged.iter().map(|entry| f64::from(entry.loss)));
        let (since, before) = self.clock;
        let tokens = f64::from(step - before) * self.settings.tokens_per_step() as f64;
        let tokens_per_second = tokens / since.elapsed().as_secs_f64();
        self.clock = (Instant::now(), step);
        self.console.show(loss, tokens_per_second);
        self.unlogged.clear();
        self.log.push(Record::Step {
            step,
            loss,
            grad_norm: grad_norm.into(),
            lr: self.settings.optimizer.lr * lr_factor,
            tokens_per_second,
        })
    }

    fn not_finite(&mut self, entry: StepLog) -> Result<()> {
        let StepLog { step, loss, grad_norm, .. } = entry;
        let tensor = block_on(self.training.find_non_finite(&self.device))?;
        let tensor = tensor.map_or(String::new(), |tensor| format!(", seen in the {tensor}"));
        bail!(
            "the loss of step {step} is {loss} and its gradient's norm {grad_norm}{tensor}; try a lower optimizer.lr or optimizer.clip"
        )
    }

    /// Measures the loss on the fixed batches of both splits.
    fn evaluate(&mut self, step: u32) -> Result<()> {
        let batches = self.settings.train.eval_batches;
        let mut line = format!("step {step:>6}");
        for (split, name) in
            [(Split::Train, run_log::Split::Train), (Split::Validation, run_log::Split::Validation)]
        {
            let found = block_on(self.training.evaluate(&mut self.device, split, batches))?;
            let (loss, accuracy, entropy) = (found.loss, found.accuracy, found.entropy);
            if !loss.is_finite() {
                bail!("the {name:?} loss after step {step} is {loss}; try a lower optimizer.lr");
            }
            line += &format!("  {} loss {loss:.4}", name.as_str());
            if split == Split::Validation {
                line += &format!("  accuracy {:.1}%", 100.0 * accuracy);
                self.state.validation_loss = Some(loss);
                let best = self.state.best_loss.map_or(loss, |best| best.min(loss));
                self.state.best_loss = Some(best);
            }
            self.log.push(Record::Evaluation { step, split: name, loss, accuracy, entropy })?;
        }
        self.console.line(&line);
        self.draw();
        Ok(())
    }

    /// Brings the curves up to date. They can be drawn again from the log: no reason to stop.
    fn draw(&mut self) {
        if let Err(error) = self.curves.update(self.log.records()) {
            log::warn!("the loss curves are not up to date: {error:#}");
        }
    }

    /// Prints a text that the network writes now.
    fn sample(&mut self, step: u32) -> Result<()> {
        let text = self.sampler.write(&mut self.device, &self.tokenizer)?;
        self.console.line(&format!("step {step:>6}  sample: {text}"));
        self.log.push(Record::Sample { step, text })
    }

    /// Writes a checkpoint and removes old ones.
    fn save(&mut self, step: u32) -> Result<()> {
        let found = block_on(self.training.state(&self.device))?;
        self.state.step = step;
        self.state.generator_counter = step + 1;
        self.state.seconds = self.seconds();
        let config = self.training.model().config;
        let card = Card {
            objective: Objective::Masked,
            schedule: self.settings.diffusion.schedule,
            name: Some(self.name()),
            step: Some(step),
            end_of_text: self.tokenizer.end_of_text_id(),
        };
        let saved = Saved {
            model: model::Checkpoint { config, card, values: found.parameters },
            moments: found.moments,
            state: self.state.clone(),
            tokenizer: self.tokenizer.to_json().into_bytes(),
            settings: self.settings.to_toml()?,
            log: self.log.bytes().to_vec(),
        };
        checkpoints::save(self.folder.path(), &saved)?;
        checkpoints::prune(self.folder.path(), self.settings.train.keep)
    }

    fn seconds(&self) -> f64 {
        self.seconds_before + self.begun.elapsed().as_secs_f64()
    }

    /// Name of the run: that of its folder.
    fn name(&self) -> String {
        let name = self.folder.path().file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len();
    values.sum::<f64>() / count as f64
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::Parser;

    use super::*;
    use crate::commands::train::TrainArgs;
    use crate::train::prepare::prepare;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        train: TrainArgs,
    }

    #[test]
    fn a_lost_device_is_said_and_what_was_saved_is_named() -> Result<()> {
        let place = tempfile::tempdir()?;
        let corpus = place.path().join("stories.txt");
        fs::write(&corpus, "Tom ran home. Lily ran home.\n<|endoftext|>\n".repeat(60))?;
        let out = place.path().join("run");
        let run = |more: &[&str]| {
            let small = ["n_embd=16", "n_layer=1", "block_size=16", "batch_size=2"];
            let short = ["sample_tokens=8", "eval_batches=1", "vocab_size=300", "timesteps=5"];
            let settings = small.iter().chain(&short).flat_map(|change| ["--set", change]);
            let args = ["train", "--config", "tiny", "--device", "gpu"].into_iter().chain(settings);
            let paths = ["--data".as_ref(), corpus.as_os_str(), "--out".as_ref(), out.as_os_str()];
            let args = args.map(AsRef::as_ref).chain(paths);
            let args = args.chain(more.iter().map(AsRef::as_ref));
            prepare(&Command::parse_from(args).train)
        };
        assert_eq!(run(&["--steps", "3"])?.go(&Interrupt::default())?, Ended::Complete);

        let second = run(&["--steps", "6", "--resume"])?;
        second.device.gpu().expect("a GPU was asked for").destroy();
        let error = format!("{:#}", second.go(&Interrupt::default()).expect_err("no device"));
        for part in ["training stopped after step 3", "step-000003", "--resume", "device was lost"]
        {
            assert!(error.contains(part), "`{part}` is not in: {error}");
        }
        let log = fs::read(out.join("log.jsonl"))?;
        let records = run_log::parse(&log)?;
        let reason = records.iter().rev().find_map(|record| match record {
            Record::End { reason, .. } => Some(reason.as_str()),
            _ => None,
        });
        assert!(reason.is_some_and(|reason| reason.contains("device was lost")), "{reason:?}");

        // The device is back: the run goes on.
        assert_eq!(run(&["--steps", "6", "--resume"])?.go(&Interrupt::default())?, Ended::Complete);
        Ok(())
    }
}
