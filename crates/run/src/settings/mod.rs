//! Settings of a training run: what `configs/*.toml` and `--set` say.

mod error;
mod keys;
mod presets;
mod resume;
mod validate;

use diffusion::training::team::Share;
use diffusion::training::{OuterConfig, TrainingOptions};
use kernels::Precision;
use model::{Beta, Config, Init, Objective, Schedule, Times, Weighting};
use optim::{AdamW, DecaySchedule, LrDecay, LrSchedule, MuonConfig, OptimizerConfig};
use serde::{Deserialize, Serialize};

pub use error::SettingsError;
pub use presets::{PRESETS, preset};

/// All settings of a run; the run's folder keeps them as `settings.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The network.
    pub model: ModelSettings,
    /// The corpus.
    pub data: DataSettings,
    /// The noise.
    pub diffusion: DiffusionSettings,
    /// The optimizer.
    pub optimizer: OptimizerSettings,
    /// Its learning rate over the run.
    pub schedule: ScheduleSettings,
    /// Length, batches, and what happens when.
    pub train: TrainSettings,
}

/// Sizes and initial values of the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSettings {
    /// Number of blocks.
    pub n_layer: usize,
    /// Attention heads per block.
    pub n_head: usize,
    /// Width of the residual stream.
    pub n_embd: usize,
    /// Tokens of a sequence.
    pub block_size: usize,
    /// Whether an embedding tells the network the time.
    pub timestep_embedding: bool,
    /// Whether the values of every block are mixed with those of the first one.
    pub value_mixing: bool,
    /// Whether the embedding is added to the residual stream before every block.
    pub embedding_shortcut: bool,
    /// Whether outputs of the first half's blocks are added before those of the second half.
    pub skips: bool,
    /// Whether gates scale the heads' outputs.
    pub head_gates: bool,
    /// Standard deviation of the initial weights.
    pub init_std: f32,
    /// Whether the matrices that write to the residual stream start at zero.
    pub zero_projections: bool,
}

/// The corpus and its tokenizer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSettings {
    /// Tokens of a tokenizer that the run trains itself; of a given one, its own number.
    pub vocab_size: usize,
    /// Occurrences that a pair needs to become a token.
    pub min_frequency: u64,
    /// Whether every byte is a token, so that nothing is ever unknown.
    pub byte_alphabet: bool,
    /// Share of the corpus, at its end, that is held out.
    pub validation_share: f64,
    /// Entropy of what wrote the corpus, in bits per byte, which no model can fall below; 0 if it
    /// is unknown.
    pub entropy: f64,
}

/// The noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiffusionSettings {
    /// What the network learns to predict.
    pub objective: ObjectiveName,
    /// Tokens of a block, a divisor of `model.block_size`; of use when `objective` is `block`.
    pub block: usize,
    /// Mean length of masked spans; of use when `objective` is `span`.
    pub span_length: f64,
    /// Diffusion steps, T.
    pub timesteps: usize,
    /// Survival probability of a token over time.
    pub schedule: Schedule,
    /// How the times of training sequences are drawn; evaluation takes all of them equally often.
    pub times: TimesName,
    /// How much a masked token counts in the loss.
    pub weighting: Weighting,
    /// Whether the times of a batch are spread evenly instead of drawn independently.
    pub stratified: bool,
    /// Share of the pairs of sequences in which the second one is the first once more, with the opposite
    /// masks.
    pub complementary: f64,
    /// Distribution of the masked share; of use when `times` is `beta`.
    pub beta: Beta,
}

/// What the network learns to predict, see [`Objective`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ObjectiveName {
    /// Hidden tokens.
    Masked,
    /// Tokens that are hidden in spans.
    Span,
    /// All tokens, some of which are random.
    Uniform,
    /// Tokens that are replaced by random ones.
    Replaced,
    /// Hidden tokens of one block after the other.
    Block,
    /// Every token from those before it.
    Autoregressive,
}

/// How the times of training sequences are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimesName {
    /// Each equally often.
    Uniform,
    /// So that the masked share has a bell-shaped distribution.
    Beta,
}

/// The optimizer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimizerSettings {
    /// Which one the matrices of the blocks have.
    pub name: OptimizerName,
    /// Learning rate.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// How the weight decay changes over the run, Muon's too.
    pub decay_schedule: DecaySchedule,
    /// Whether weights decay only where that goes the way of their update.
    pub cautious_decay: bool,
    /// Width of the running average of the weights, as a share of the steps done; 0 for none.
    pub average: f64,
    /// Learning rate of the learned weights of sums and gates; these have no decay.
    pub scalar_lr: f64,
    /// Largest norm of the gradient.
    pub clip: f64,
    /// For the matrices of the blocks; of use when `name` is `muon`.
    pub muon: MuonConfig,
}

/// Which optimizer the matrices of the blocks have; the others have AdamW.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerName {
    /// AdamW, as for all other tensors.
    AdamW,
    /// Muon.
    Muon,
}

/// Schedule of the learning rate: a warm-up, a stable part, and a fall, in the literature's words
/// warm-up-stable-decay (WSD, or a trapezoid; arXiv 2404.06395, 2405.18392).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSettings {
    /// What it does after the warm-up.
    pub shape: LrDecay,
    /// Steps of linear rise from 0.
    pub warmup: u32,
    /// Share of the steps, at the end, over which the rate falls.
    pub decay_share: f64,
    /// Factor at the end of the fall.
    pub floor: f64,
}

/// The run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainSettings {
    /// Optimiser steps.
    pub steps: u32,
    /// Sequences of a pass.
    pub batch_size: usize,
    /// Passes whose gradients are added up before a step.
    pub accumulation: u32,
    /// Parts of a step that several devices can share, whose gradients are summed in pairs.
    pub parts: u32,
    /// Share of the sequences that begin where a story does, not anywhere.
    pub story_starts: f64,
    /// Probability that an element of what attention and MLP add to the residual stream becomes zero.
    pub dropout: f64,
    /// Most tokens of the corpus that are on the device at a time; of a larger one there is a window, and
    /// then another.
    pub window: usize,
    /// Whether the backward pass computes activations again rather than keep them.
    pub recompute: bool,
    /// What matrix products may round their inputs to, where the adapter has units for that.
    pub precision: Precision,
    /// Seed of initial weights, batches, timesteps and masks.
    pub seed: u64,
    /// Steps between two reads of the loss.
    pub log_every: u32,
    /// Steps between two evaluations.
    pub eval_every: u32,
    /// Batches of an evaluation.
    pub eval_batches: u32,
    /// Steps between two checkpoints.
    pub checkpoint_every: u32,
    /// Newest checkpoints that are kept, beside the best.
    pub keep: usize,
    /// Steps between two printed samples.
    pub sample_every: u32,
    /// Tokens of a printed sample.
    pub sample_tokens: usize,
    /// How devices agree that train on their own for some steps.
    pub outer: OuterSettings,
}

/// How devices agree that train on their own for some steps, see [`OuterConfig`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OuterSettings {
    /// Steps of a round, after which they agree; 0 if each step is that of all.
    pub round: u32,
    /// Learning rate of the common network.
    pub rate: f64,
    /// Its momentum.
    pub nesterov: f64,
}

impl Settings {
    /// Settings of a TOML text, changed by `key=value` texts in order; a key's section may be left
    /// out where only one has such a key.
    ///
    /// # Errors
    /// Bad TOML, unknown or missing keys, values that make no sense.
    pub fn parse(text: &str, changes: &[String]) -> Result<Self, SettingsError> {
        let settings = keys::settings(text, changes)?;
        settings.validate()?;
        Ok(settings)
    }

    /// These settings, changed by `key=value` texts.
    ///
    /// # Errors
    /// As [`Settings::parse`].
    pub fn changed(&self, changes: &[String]) -> Result<Self, SettingsError> {
        Self::parse(&self.to_toml(), changes)
    }

    /// These settings for a network of the sizes and parts of another.
    pub fn sized_like(mut self, config: &Config) -> Self {
        let Config { n_layer, n_head, n_embd, block_size, timestep_embedding, .. } = *config;
        let Config { value_mixing, embedding_shortcut, skips, head_gates, .. } = *config;
        let ModelSettings { init_std, zero_projections, .. } = self.model;
        self.model = ModelSettings {
            n_layer,
            n_head,
            n_embd,
            block_size,
            timestep_embedding,
            value_mixing,
            embedding_shortcut,
            skips,
            head_gates,
            init_std,
            zero_projections,
        };
        let Config { vocab_size, timesteps, .. } = *config;
        self.data.vocab_size = vocab_size;
        self.diffusion.timesteps = timesteps;
        self
    }

    /// These settings for a vocabulary of another size.
    pub fn with_vocabulary(&self, vocab_size: usize) -> Self {
        Self { data: DataSettings { vocab_size, ..self.data.clone() }, ..self.clone() }
    }

    /// The settings as a TOML file.
    pub fn to_toml(&self) -> String {
        let body = toml::to_string(self).expect("settings have a TOML form");
        format!("# Settings of this run, as resolved when it was started.\n\n{body}")
    }

    /// The network for a tokenizer.
    pub fn config(&self, vocab_size: usize, mask_id: u32) -> Config {
        let ModelSettings { n_layer, n_head, n_embd, block_size, .. } = self.model;
        let ModelSettings { timestep_embedding, value_mixing, .. } = self.model;
        let ModelSettings { embedding_shortcut, skips, head_gates, .. } = self.model;
        let timesteps = self.diffusion.timesteps;
        Config {
            n_layer,
            n_head,
            n_embd,
            block_size,
            vocab_size,
            timesteps,
            mask_id,
            timestep_embedding,
            value_mixing,
            embedding_shortcut,
            skips,
            head_gates,
        }
    }

    /// Tokens of an optimizer step.
    pub fn tokens_per_step(&self) -> usize {
        self.train.batch_size * self.train.accumulation as usize * self.model.block_size
    }

    /// What the network learns to predict.
    pub fn objective(&self) -> Objective {
        match self.diffusion.objective {
            ObjectiveName::Masked => Objective::Masked,
            ObjectiveName::Span => Objective::Span,
            ObjectiveName::Uniform => Objective::Uniform,
            ObjectiveName::Replaced => Objective::Replaced,
            ObjectiveName::Block => Objective::Block(self.diffusion.block),
            ObjectiveName::Autoregressive => Objective::Autoregressive,
        }
    }

    /// How devices agree that train on their own for some steps.
    pub fn outer(&self) -> Option<OuterConfig> {
        let OuterSettings { round: every, rate: lr, nesterov: momentum } = self.train.outer;
        (every > 0).then_some(OuterConfig { every, lr, momentum })
    }

    /// What a step trains on, all of it on one device, with a tokenizer whose texts end at this token.
    pub fn training(&self, end_of_text: Option<u32>) -> TrainingOptions {
        TrainingOptions {
            batch: self.train.batch_size,
            length: self.model.block_size,
            accumulation: self.train.accumulation as usize,
            objective: self.objective(),
            span_length: self.diffusion.span_length,
            schedule: self.diffusion.schedule,
            times: match self.diffusion.times {
                TimesName::Uniform => Times::Uniform,
                TimesName::Beta => Times::Beta(self.diffusion.beta),
            },
            weighting: self.diffusion.weighting,
            stratified: self.diffusion.stratified,
            story_starts: self.train.story_starts,
            end_of_text,
            complementary: self.diffusion.complementary,
            dropout: self.train.dropout,
            seed: self.train.seed,
            recompute: self.train.recompute,
            window: self.train.window,
            share: Share::WHOLE,
            outer: None,
        }
    }

    /// How its weights are drawn.
    pub fn init(&self) -> Init {
        let ModelSettings { init_std: std, zero_projections, .. } = self.model;
        Init { std, zero_projections, seed: self.train.seed }
    }

    /// The optimizer with its learning rate over the whole run.
    pub fn optimizer(&self) -> OptimizerConfig {
        let OptimizerSettings { name, lr, beta1, beta2, eps, weight_decay, .. } = self.optimizer;
        let OptimizerSettings { decay_schedule: decay, cautious_decay: cautious, .. } =
            self.optimizer;
        let OptimizerSettings { average, scalar_lr, clip, muon, .. } = self.optimizer;
        let total = self.train.steps;
        let fall = (self.schedule.decay_share * f64::from(total)).round() as u32;
        OptimizerConfig {
            adamw: AdamW { lr, beta1, beta2, eps, weight_decay },
            scalar_lr,
            muon: (name == OptimizerName::Muon).then_some(muon),
            clip,
            schedule: LrSchedule {
                shape: if fall == 0 { LrDecay::Constant } else { self.schedule.shape },
                warmup: self.schedule.warmup,
                decay_start: total - fall.min(total),
                total,
                floor: self.schedule.floor,
            },
            decay,
            cautious,
            average,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, changes: &[String]) -> Result<Settings, SettingsError> {
        Settings::parse(preset(name).expect("a preset"), changes)
    }

    #[test]
    fn presets_are_complete_and_possible() -> Result<(), SettingsError> {
        let stories = include_str!("../../../../tools/gpu/stories.toml");
        for (name, text) in PRESETS.iter().copied().chain([("tools/gpu/stories.toml", stories)]) {
            let settings = Settings::parse(text, &[])?;
            let again = Settings::parse(&settings.to_toml(), &[])?;
            assert_eq!(settings, again, "{name}");
        }
        Ok(())
    }

    #[test]
    fn the_seed_is_the_seed() -> Result<(), SettingsError> {
        let seed = read("seed", &[])?;
        assert_eq!(seed.config(2048, 2), Config::reference(2048));
        let optimizer = seed.optimizer();
        let adamw = AdamW { lr: 3e-4, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 };
        assert_eq!(optimizer.adamw, adamw);
        assert_eq!((optimizer.clip, optimizer.muon), (f64::INFINITY, None));
        assert!([1, 2_500, 5_000].iter().all(|&step| optimizer.schedule.factor(step) == 1.0));
        let TrainSettings { steps, batch_size, accumulation, .. } = seed.train;
        assert_eq!((steps, batch_size, accumulation), (5_000, 64, 1));
        assert_eq!(seed.diffusion.schedule, Schedule::Cosine);
        assert_eq!(seed.training(None).times, Times::Uniform);
        Ok(())
    }

    #[test]
    fn the_fall_ends_with_the_run() -> Result<(), SettingsError> {
        let settings = read("small", &["train.steps=1000".to_owned()])?;
        let schedule = settings.optimizer().schedule;
        assert_eq!((schedule.decay_start, schedule.total), (600, 1_000));
        // Too short to fall: it is constant.
        for changes in [["steps=1", "floor=0"], ["steps=9", "decay_share=0"]] {
            let settings = read("small", &changes.map(str::to_owned))?;
            assert_eq!(settings.optimizer().schedule.shape, LrDecay::Constant);
        }
        Ok(())
    }
}
