//! Training on a device: one recorded step, replayed.
//!
//! A step draws its batch, runs both passes, and updates the parameters without anything being
//! uploaded, downloaded or waited for; losses and gradient norms collect in a ring on the device
//! until [`Training::log`] reads them.

mod batches;
mod corpus;
mod evaluation;
mod options;
mod outer;
mod state;
pub mod step;
pub mod team;

use device::{Device, DeviceError, Element, Program, Recording, Slice, Timing};
use kernels::Variants;
use kernels::dropout::Dropout;
use model::{Config, Model, TensorInfo};
use optim::OptimizerConfig;

pub use batches::{BatchData, Batches};
use corpus::Windows;
pub use corpus::{Corpus, Data, MAX_WINDOW, Tokens, pieces};
use evaluation::Evaluator;
pub use evaluation::{Evaluation, Split};
use options::check;
pub use options::{NoPairs, TrainingOptions, check_length};
use outer::Outer;
pub use outer::OuterConfig;
pub use state::TrainingState;
use step::Parts;
use team::{Alone, Pairs, Team, TeamError};

/// Steps whose losses the device remembers.
pub const RING: usize = 1024;

/// Skipped steps in a row after which a training has diverged.
///
/// A step whose gradient is not finite is skipped: it changes neither parameters nor moments. A
/// single one, from an outlier of a batch, does no harm then, and the training goes on. Once the
/// parameters themselves have run away, every step is skipped, so several in a row mean that.
pub const MAX_SKIPPED: u32 = 10;

/// Why training cannot begin.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TrainingError {
    /// The corpus is too short.
    #[error(
        "the {split} corpus has {tokens} tokens, a sequence needs {length}; use more text or a smaller block_size"
    )]
    ShortCorpus {
        /// Which part of the corpus.
        split: &'static str,
        /// Its length.
        tokens: usize,
        /// Length of a sequence.
        length: usize,
    },
    /// A token is outside the vocabulary.
    #[error(
        "the corpus has the token {id}, the model's vocabulary ends at {vocabulary}; use the tokenizer that belongs to the model"
    )]
    UnknownToken {
        /// The token.
        id: u32,
        /// Size of the vocabulary.
        vocabulary: usize,
    },
    /// A size is impossible.
    #[error("{0}")]
    Impossible(String),
    /// A saved state has other buffers than the optimizer.
    #[error(
        "the saved optimizer state and the settings do not agree on `{name}`; the optimizer cannot change in a run"
    )]
    OtherOptimizer {
        /// The buffer that one of them lacks, or that has another length.
        name: String,
    },
    /// A saved state has another number of parameters than the model.
    #[error("the saved state has {saved} parameters and the model {model}")]
    OtherParameters {
        /// Of the state, gaps included.
        saved: usize,
        /// Of the model, gaps included.
        model: usize,
    },
    /// A corpus that was there before is not any more.
    #[error("the corpus cannot be read any more: {0}")]
    Unreadable(String),
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Another device that trains the same network is gone.
    #[error(transparent)]
    Team(#[from] TeamError),
}

/// What one step reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepLog {
    /// Number of the step, from 1.
    pub step: u32,
    /// Cross-entropy of the masked positions of its batch, before the update: their mean, or else
    /// weighted as the options say; nats.
    pub loss: f32,
    /// Norm of the gradient before clipping; where it is not finite, the step was skipped.
    pub grad_norm: f32,
    /// Factor of the learning rate.
    pub lr_factor: f64,
}

impl StepLog {
    /// Whether the step changed nothing, because its gradient is not finite.
    pub fn skipped(&self) -> bool {
        !self.grad_norm.is_finite()
    }
}

/// What runs a step.
#[derive(Debug)]
enum Step {
    /// All of it at once.
    Whole(Program),
    /// The gradient of each part that this device computes, then the update by the sum of all.
    Divided { gradients: Vec<Program>, update: Program },
}

/// A network in training.
#[derive(Debug)]
pub struct Training {
    parts: Parts,
    optimizer_config: OptimizerConfig,
    windows: Windows,
    step: Step,
    /// Losses of the latest steps, one ring for each part of a step that this device computes.
    losses: Vec<Slice>,
    outer: Option<Outer>,
    /// Only the first of a team evaluates.
    evaluator: Option<Evaluator>,
    steps_done: u32,
    steps_logged: u32,
    skipped_in_a_row: u32,
}

impl Training {
    /// Puts a network of flat parameters `init` on the device and records its step.
    pub fn new(
        device: &mut Device,
        variants: &Variants,
        config: Config,
        init: &[f32],
        data: &Data,
        options: &TrainingOptions,
        optimizer_config: &OptimizerConfig,
    ) -> Result<Self, TrainingError> {
        check(&config, options, data)?;
        let model = Model { objective: options.objective, ..Model::new(device, config)? };
        model.parameters.write(device, init)?;
        let windows = Windows::new(device, data.train.clone(), options, config.vocab_size)?;
        let batches = Batches::drawn(device, &config, options, windows.corpus)?;
        let recompute = options.recompute;
        let mut parts =
            Parts::new(device, variants, model, batches, optimizer_config, RING, recompute)?;
        let TrainingOptions { dropout: rate, seed, .. } = *options;
        parts.dropout = (rate > 0.0).then_some(Dropout { rate, seed });
        let mut losses = vec![parts.losses];
        let step = if options.share.parts == 1 {
            let mut step = Recording::default();
            step::record(&mut step, variants, &parts);
            Step::Whole(device.compile(step)?)
        } else {
            let own = options.share.own();
            for _ in 1..own.len() {
                losses.push(device.allocate("losses", Element::Float, RING)?);
            }
            let count = options.accumulation / options.share.parts;
            let mut gradients = Vec::new();
            for (part, &losses) in own.clone().zip(&losses) {
                let mut pass = Recording::default();
                if part == own.start {
                    step::record_batch(&mut pass, &parts);
                }
                let which = part * count..(part + 1) * count;
                step::record_passes(&mut pass, variants, &parts, which, losses);
                gradients.push(device.compile(pass)?);
            }
            let mut update = Recording::default();
            step::record_update(&mut update, variants, &parts);
            Step::Divided { gradients, update: device.compile(update)? }
        };
        let Parts { model, acts, .. } = &parts;
        let evaluator = match options.share.rank {
            0 => {
                let (label, most) = ("validation corpus", options.window);
                let validation =
                    Corpus::new(device, label, &*data.validation, most, config.vocab_size)?;
                let corpora = [windows.corpus, validation];
                Some(Evaluator::new(device, variants, model, acts, corpora, options)?)
            }
            _ => None,
        };
        Ok(Self {
            windows,
            step,
            losses,
            outer: options.outer.map(|config| Outer::new(config, init.to_vec())),
            parts,
            optimizer_config: *optimizer_config,
            evaluator,
            steps_done: 0,
            steps_logged: 0,
            skipped_in_a_row: 0,
        })
    }

    /// Runs one step; a GPU is not waited for.
    ///
    /// # Panics
    /// When the step is divided, or rounds are to end.
    pub fn step(&mut self, device: &mut Device) -> Result<(), TrainingError> {
        assert!(self.outer.is_none(), "somebody must end the rounds");
        self.windows.turn(device, self.steps_done)?;
        device.run(self.whole())?;
        self.steps_done += 1;
        Ok(())
    }

    /// Runs one step with others that have a share in it. If it is divided or ends a round, a GPU is
    /// waited for.
    pub async fn step_with(
        &mut self,
        device: &mut Device,
        team: &mut dyn Team,
    ) -> Result<(), TrainingError> {
        self.windows.turn(device, self.steps_done)?;
        match &self.step {
            Step::Whole(step) => device.run(step)?,
            Step::Divided { gradients, update } => {
                let mut sum = Pairs::default();
                for part in gradients {
                    device.run(part)?;
                    sum.push(self.parts.gradient.read(device).await?);
                }
                let mut sum = sum.sum();
                match self.outer {
                    None => team::sum(team, &mut sum)?,
                    // Each part has its share of the mean.
                    Some(_) => sum.iter_mut().for_each(|value| *value *= team.ranks() as f32),
                }
                self.parts.gradient.write(device, &sum)?;
                device.run(update)?;
            }
        }
        self.steps_done += 1;
        if let Some(outer) = self.outer.as_mut().filter(|outer| outer.is_common(self.steps_done)) {
            outer.agree(device, team, &self.parts).await?;
        }
        Ok(())
    }

    /// Whether all devices that train together have the same network after the latest step.
    pub fn is_common(&self) -> bool {
        self.outer.as_ref().is_none_or(|outer| outer.is_common(self.steps_done))
    }

    fn whole(&self) -> &Program {
        match &self.step {
            Step::Whole(step) => step,
            Step::Divided { .. } => panic!("the step is divided"),
        }
    }

    /// Waits until the device has done all steps.
    pub async fn wait(&self, device: &Device) -> Result<(), DeviceError> {
        device.read_words(self.parts.optimizer.counter).await.map(drop)
    }

    /// Number of steps that were run, those before a restored state included.
    pub fn steps_done(&self) -> u32 {
        self.steps_done
    }

    /// The network.
    pub fn model(&self) -> &Model {
        &self.parts.model
    }

    /// Bytes that the blocks keep from the forward to the backward pass.
    pub fn kept_bytes(&self) -> u64 {
        self.parts.acts.kept_bytes()
    }

    /// The launches of a step.
    ///
    /// # Panics
    /// When the step is divided.
    pub fn recording(&self) -> &Recording {
        self.whole().recording()
    }

    /// Runs one step and times its launches; `None` on a GPU that cannot.
    ///
    /// # Panics
    /// When the step is divided.
    pub async fn profile(
        &mut self,
        device: &mut Device,
    ) -> Result<Option<Vec<Timing>>, DeviceError> {
        let timings = device.profile(self.whole()).await?;
        self.steps_done += u32::from(timings.is_some());
        Ok(timings)
    }

    /// Reports of the steps since the last call, at most the last [`RING`]; of the loss what this device
    /// computed.
    pub async fn log(&mut self, device: &Device) -> Result<Vec<StepLog>, TrainingError> {
        self.log_with(device, &mut Alone).await
    }

    /// The same for a team that shares the steps: the loss is that of all.
    pub async fn log_with(
        &mut self,
        device: &Device,
        team: &mut dyn Team,
    ) -> Result<Vec<StepLog>, TrainingError> {
        let slices = [&self.losses[..], &[self.parts.optimizer.norms]].concat();
        let mut rings = device.read_bits(&slices).await?;
        let norms = rings.pop().expect("as many rings as slices");
        let mut losses = Pairs::default();
        for ring in rings {
            losses.push(ring.into_iter().map(f32::from_bits).collect());
        }
        let mut losses = losses.sum();
        let mut norms: Vec<_> = norms.into_iter().map(f32::from_bits).collect();
        team::sum(team, &mut losses)?;
        if self.outer.is_some() {
            // Each device clips its own gradient: what is said is the mean, and a step that one skips
            // was skipped.
            outer::mean(team, &mut norms)?;
        }
        let first = self.steps_logged.max(self.steps_done.saturating_sub(RING as u32)) + 1;
        self.steps_logged = self.steps_done;
        let logs = (first..=self.steps_done).map(|step| StepLog {
            step,
            loss: losses[step as usize % RING],
            grad_norm: norms[step as usize % RING],
            lr_factor: self.optimizer_config.schedule.factor(step),
        });
        let logs: Vec<_> = logs.collect();
        for log in &logs {
            self.skipped_in_a_row = if log.skipped() { self.skipped_in_a_row + 1 } else { 0 };
        }
        Ok(logs)
    }

    /// Whether the latest [`MAX_SKIPPED`] logged steps were all skipped: others will not help.
    pub fn diverged(&self) -> bool {
        self.skipped_in_a_row >= MAX_SKIPPED
    }

    /// Losses of the first `batches` fixed batches of a split.
    ///
    /// # Panics
    /// On a device that is not the first of those that share the steps.
    pub async fn evaluate(
        &mut self,
        device: &mut Device,
        split: Split,
        batches: u32,
    ) -> Result<Evaluation, DeviceError> {
        let evaluator = self.evaluator.as_mut().expect("it is the first of its team");
        evaluator.evaluate(device, split, batches).await
    }

    /// The first tensor whose gradient, or else whose value, holds something that is not a number.
    pub async fn find_non_finite(&self, device: &Device) -> Result<Option<String>, DeviceError> {
        let tensors = self.parts.model.config.tensors();
        let Parts { gradient, model, .. } = &self.parts;
        for (what, pages) in [("gradient of", gradient), ("values of", &model.parameters)] {
            let values = pages.read(device).await?;
            let bad = |tensor: &&TensorInfo| values[tensor.range()].iter().any(|v| !v.is_finite());
            // Gradients flow backwards: the last tensor is where it began.
            if let Some(tensor) = tensors.iter().rev().find(bad) {
                return Ok(Some(format!("{what} `{}`", tensor.name)));
            }
        }
        Ok(None)
    }
}
