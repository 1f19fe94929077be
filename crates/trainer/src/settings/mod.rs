//! Settings of a training run: what `configs/*.toml` and `--set` say.

mod keys;
mod presets;

use anyhow::{Context, Result, ensure};
use diffusion::Schedule;
use model::{Config, Init};
use optim::{AdamW, LrDecay, LrSchedule, MuonConfig, OptimizerConfig};
use serde::{Deserialize, Serialize};

/// All settings of a run; the run's folder keeps them as `settings.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) model: ModelSettings,
    pub(crate) data: DataSettings,
    pub(crate) diffusion: DiffusionSettings,
    pub(crate) optimizer: OptimizerSettings,
    pub(crate) schedule: ScheduleSettings,
    pub(crate) train: TrainSettings,
}

/// Sizes and initial values of the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelSettings {
    /// Number of blocks.
    pub(crate) n_layer: usize,
    /// Attention heads per block.
    pub(crate) n_head: usize,
    /// Width of the residual stream.
    pub(crate) n_embd: usize,
    /// Tokens of a sequence.
    pub(crate) block_size: usize,
    /// Standard deviation of the initial weights.
    pub(crate) init_std: f32,
    /// Whether the matrices that write to the residual stream start at zero.
    pub(crate) zero_projections: bool,
}

/// The corpus and its tokenizer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DataSettings {
    /// Tokens of a tokenizer that the run trains itself; of a given one, its own number.
    pub(crate) vocab_size: usize,
    /// Occurrences that a pair needs to become a token.
    pub(crate) min_frequency: u64,
    /// Whether every byte is a token, so that nothing is ever unknown.
    pub(crate) byte_alphabet: bool,
    /// Share of the corpus, at its end, that is held out.
    pub(crate) validation_share: f64,
}

/// The noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DiffusionSettings {
    /// Diffusion steps, T.
    pub(crate) timesteps: usize,
    /// Survival probability of a token over time.
    pub(crate) schedule: Schedule,
    /// Whether the timesteps of a batch are spread evenly instead of drawn independently.
    pub(crate) stratified: bool,
}

/// The optimiser.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OptimizerSettings {
    pub(crate) name: OptimizerName,
    /// Learning rate.
    pub(crate) lr: f64,
    /// Decay of the first moment.
    pub(crate) beta1: f64,
    /// Decay of the second moment.
    pub(crate) beta2: f64,
    /// Added to the denominator.
    pub(crate) eps: f64,
    /// Decoupled weight decay.
    pub(crate) weight_decay: f64,
    /// Largest norm of the gradient.
    pub(crate) clip: f64,
    /// For the matrices of the blocks; of use when `name` is `muon`.
    pub(crate) muon: MuonConfig,
}

/// Which optimiser the matrices of the blocks have; the others have AdamW.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OptimizerName {
    AdamW,
    Muon,
}

/// Course of the learning rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduleSettings {
    pub(crate) shape: LrDecay,
    /// Steps of linear rise from 0.
    pub(crate) warmup: u32,
    /// Share of the steps, at the end, over which the rate falls.
    pub(crate) decay_share: f64,
    /// Factor at the end of the fall.
    pub(crate) floor: f64,
}

/// The run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TrainSettings {
    /// Optimiser steps.
    pub(crate) steps: u32,
    /// Sequences of a pass.
    pub(crate) batch_size: usize,
    /// Passes whose gradients are added up before a step.
    pub(crate) accumulation: u32,
    /// Seed of initial weights, batches, timesteps and masks.
    pub(crate) seed: u64,
    /// Steps between two reads of the loss.
    pub(crate) log_every: u32,
    /// Steps between two evaluations.
    pub(crate) eval_every: u32,
    /// Batches of an evaluation.
    pub(crate) eval_batches: u32,
    /// Steps between two checkpoints.
    pub(crate) checkpoint_every: u32,
    /// Newest checkpoints that are kept, beside the best.
    pub(crate) keep: usize,
    /// Steps between two printed samples.
    pub(crate) sample_every: u32,
    /// Tokens of a printed sample.
    pub(crate) sample_tokens: usize,
}

impl Settings {
    /// Reads a preset by name, or a file, and changes it by `key=value` texts.
    pub(crate) fn read(source: &str, changes: &[String]) -> Result<Self> {
        let text = match presets::find(source) {
            Some(text) => text.to_owned(),
            None => std::fs::read_to_string(source).with_context(|| {
                let names = presets::names();
                format!("cannot read the configuration `{source}`; give a TOML file or one of the presets {names}")
            })?,
        };
        Self::parse(&text, changes).with_context(|| format!("configuration `{source}`"))
    }

    /// Settings of a TOML text, changed.
    pub(crate) fn parse(text: &str, changes: &[String]) -> Result<Self> {
        let settings = keys::settings(text, changes)?;
        settings.validate()?;
        Ok(settings)
    }

    /// The file of a run's folder.
    pub(crate) fn to_toml(&self) -> Result<String> {
        let body = toml::to_string(self).context("settings cannot be written as TOML")?;
        Ok(format!("# Settings of this run, as resolved when it was started.\n\n{body}"))
    }

    /// The network for a tokenizer.
    pub(crate) fn config(&self, vocab_size: usize, mask_id: u32) -> Config {
        let ModelSettings { n_layer, n_head, n_embd, block_size, .. } = self.model;
        let timesteps = self.diffusion.timesteps;
        Config { n_layer, n_head, n_embd, block_size, vocab_size, timesteps, mask_id }
    }

    /// Tokens of an optimiser step.
    pub(crate) fn tokens_per_step(&self) -> usize {
        self.train.batch_size * self.train.accumulation as usize * self.model.block_size
    }

    /// How its weights are drawn.
    pub(crate) fn init(&self) -> Init {
        let ModelSettings { init_std: std, zero_projections, .. } = self.model;
        Init { std, zero_projections, seed: self.train.seed }
    }

    /// The optimiser with its learning rate over the whole run.
    pub(crate) fn optimizer(&self) -> OptimizerConfig {
        let OptimizerSettings { name, lr, beta1, beta2, eps, weight_decay, clip, muon } =
            self.optimizer;
        let total = self.train.steps;
        let decay = (self.schedule.decay_share * f64::from(total)).round() as u32;
        OptimizerConfig {
            adamw: AdamW { lr, beta1, beta2, eps, weight_decay },
            muon: (name == OptimizerName::Muon).then_some(muon),
            clip,
            schedule: LrSchedule {
                shape: if decay == 0 { LrDecay::Constant } else { self.schedule.shape },
                warmup: self.schedule.warmup,
                decay_start: total - decay.min(total),
                total,
                floor: self.schedule.floor,
            },
        }
    }

    /// Refuses settings that make no sense, with a sentence that says which and why.
    fn validate(&self) -> Result<()> {
        let (data, train) = (&self.data, &self.train);
        let config = self.config(data.vocab_size, 2);
        config.validate()?;
        let std = self.model.init_std;
        ensure!(std > 0.0 && std.is_finite(), "model.init_std is {std}, it must be above 0");
        let share = data.validation_share;
        ensure!(
            share > 0.0 && share < 1.0,
            "data.validation_share is {share}, it must be above 0 and below 1"
        );
        let share = self.schedule.decay_share;
        ensure!(
            (0.0..=1.0).contains(&share),
            "schedule.decay_share is {share}, it must be between 0 and 1"
        );
        let counts = [
            ("data.min_frequency", data.min_frequency, u64::MAX),
            ("train.steps", train.steps.into(), 1_000_000_000),
            ("train.batch_size", train.batch_size as u64, 65_536),
            ("train.accumulation", train.accumulation.into(), 65_536),
            // The device keeps the losses of 1,024 steps.
            ("train.log_every", train.log_every.into(), 1_000),
            ("train.eval_every", train.eval_every.into(), u64::MAX),
            ("train.eval_batches", train.eval_batches.into(), 100_000),
            ("train.checkpoint_every", train.checkpoint_every.into(), u64::MAX),
            ("train.keep", train.keep as u64, u64::MAX),
            ("train.sample_every", train.sample_every.into(), u64::MAX),
            ("train.sample_tokens", train.sample_tokens as u64, self.model.block_size as u64),
        ];
        for (key, value, most) in counts {
            ensure!(value >= 1, "{key} is 0, it must be at least 1");
            ensure!(value <= most, "{key} is {value}, it must be at most {most}");
        }
        self.optimizer().validate()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(changes: &[&str]) -> String {
        let changes: Vec<_> = changes.iter().map(|change| (*change).to_owned()).collect();
        format!("{:#}", Settings::read("tiny", &changes).expect_err("settings that make no sense"))
    }

    #[test]
    fn presets_are_complete_and_possible() -> Result<()> {
        for name in ["tiny", "small", "seed"] {
            let settings = Settings::read(name, &[])?;
            let again = keys::settings(&settings.to_toml()?, &[])?;
            assert_eq!(settings, again, "{name}");
        }
        Ok(())
    }

    #[test]
    fn the_seed_is_the_seed() -> Result<()> {
        let seed = Settings::read("seed", &[])?;
        assert_eq!(seed.config(2048, 2), Config::reference(2048));
        let optimizer = seed.optimizer();
        let adamw = AdamW { lr: 3e-4, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 };
        assert_eq!(optimizer.adamw, adamw);
        assert_eq!((optimizer.clip, optimizer.muon), (f64::INFINITY, None));
        assert!([1, 2_500, 5_000].iter().all(|&step| optimizer.schedule.factor(step) == 1.0));
        let TrainSettings { steps, batch_size, accumulation, .. } = seed.train;
        assert_eq!((steps, batch_size, accumulation), (5_000, 64, 1));
        assert_eq!(seed.diffusion.schedule, Schedule::Cosine);
        Ok(())
    }

    #[test]
    fn the_fall_ends_with_the_run() -> Result<()> {
        let settings = Settings::read("small", &["train.steps=1000".to_owned()])?;
        let schedule = settings.optimizer().schedule;
        assert_eq!((schedule.decay_start, schedule.total), (600, 1_000));
        // Too short to fall: it is constant.
        for changes in [["steps=1", "floor=0"], ["steps=9", "decay_share=0"]] {
            let settings = Settings::read("small", &changes.map(str::to_owned))?;
            assert_eq!(settings.optimizer().schedule.shape, LrDecay::Constant);
        }
        Ok(())
    }

    #[test]
    fn impossible_values_are_named() {
        for (change, sentence) in [
            ("model.n_head=5", "n_embd 128 is not a multiple of n_head 5"),
            ("model.n_layer=0", "n_layer is 0, it must be between 1 and 1000"),
            ("model.init_std=0", "model.init_std is 0, it must be above 0"),
            ("data.vocab_size=0", "vocab_size is 0, it must be between 1"),
            ("data.validation_share=1", "data.validation_share is 1, it must be above 0"),
            ("optimizer.lr=-1", "lr is -1, it must be above 0"),
            ("schedule.decay_share=2", "schedule.decay_share is 2, it must be between 0 and 1"),
            ("train.steps=0", "train.steps is 0, it must be at least 1"),
            ("train.log_every=5000", "train.log_every is 5000, it must be at most 1000"),
            ("train.sample_tokens=65", "train.sample_tokens is 65, it must be at most 64"),
        ] {
            let error = error(&[change]);
            assert!(error.contains(sentence), "{change}: {error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
}
