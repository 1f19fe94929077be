//! A training as a state machine: each call does one thing and says what it was.

use std::collections::VecDeque;
use std::f64::consts::LN_2;

use corpus::tokenizer::Tokenizer;
use device::{Device, DeviceError};
use diffusion::sampler::SampleError;
use diffusion::training::team::{self, Alone, Share, Team, TeamError};
use diffusion::training::{
    Data, Evaluation, Split, StepLog, Tokens, Training, TrainingError, TrainingOptions,
    TrainingState, pieces,
};
use model::{Card, Config};

use crate::checkpoint::State;
use crate::event::{Event, NonFinite, Outcome};
use crate::sample::Sampler;
use crate::{Log, Progress, Record, Saved, Setup};

/// Where a run begins.
#[derive(Clone, Debug)]
pub enum Start {
    /// At random weights.
    Random,
    /// At the weights of another model, with an optimizer that knows nothing yet: fine-tuning.
    Weights(Box<model::Checkpoint>),
    /// Where it was left.
    Progress(Box<Progress>),
}

/// Why a run cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The settings of a resumed run were changed too much.
    #[error(
        "the model to go on from has other sizes than the settings ({0}); the sizes of a trained network cannot change"
    )]
    OtherSizes(String),
    /// Settings and corpus cannot be trained with, or the checkpoint's optimizer is another.
    #[error(transparent)]
    Training(#[from] TrainingError),
    /// The settings of samples make no sense.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Another device that trains the same network is gone.
    #[error(transparent)]
    Team(#[from] TeamError),
}

impl RunError {
    /// Whether it says only that another device of the team is gone.
    pub fn is_of_others(&self) -> bool {
        matches!(self, Self::Team(_) | Self::Training(TrainingError::Team(_)))
    }
}

/// What is to be done before the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Losses,
    Evaluation,
    Sample,
    Checkpoint,
    End(Outcome),
}

#[derive(Clone, Copy, Debug)]
struct BytesPerToken {
    train: f64,
    validation: f64,
}

/// A training under way.
///
/// Times are seconds of any clock that goes on evenly, which the caller reads.
#[derive(Debug)]
pub struct Run {
    name: String,
    setup: Setup,
    training: Training,
    team: Box<dyn Team>,
    /// Only the first of a team writes.
    sampler: Option<Sampler>,
    /// Bytes that a token of either part of the corpus stands for, on average.
    bytes_per_token: BytesPerToken,
    log: Log,
    /// Where it stood at the last evaluation.
    state: State,
    begun: f64,
    /// Steps since the last line of the log, without those that were skipped.
    unlogged: Vec<StepLog>,
    /// Skipped steps since the last event that told them.
    skipped: u32,
    /// First of the latest steps, if these were all skipped.
    first_skipped: Option<StepLog>,
    /// When the speed was last measured, with the steps done then; `None` when what was done since
    /// is no training.
    measured: Option<(f64, u32)>,
    due: VecDeque<Due>,
    /// A step was done, and what is due after it is not decided yet.
    stepped: bool,
}

/// Bytes that a token stands for on average, among as many as a window holds.
fn bytes_per_token(
    tokenizer: &Tokenizer,
    tokens: &dyn Tokens,
    window: usize,
) -> Result<f64, TrainingError> {
    let count = tokens.len().min(window);
    let mut bytes = 0;
    for piece in pieces(tokens, 0..count) {
        bytes += tokenizer.text_bytes(&piece?.1);
    }
    Ok(bytes as f64 / count as f64)
}

/// The sizes in which two networks differ, as people read them.
fn difference(saved: &Config, wanted: &Config) -> String {
    let [saved, wanted] = [saved, wanted].map(|config| {
        let json = serde_json::to_value(config).expect("sizes have a JSON form");
        json.as_object().cloned().unwrap_or_default()
    });
    let names = saved.keys().chain(wanted.keys().filter(|name| !saved.contains_key(*name)));
    let differ = names.filter(|name| saved.get(*name) != wanted.get(*name));
    let shown =
        |value: Option<&serde_json::Value>| value.map_or("unset".to_owned(), |v| v.to_string());
    let texts = differ.map(|name| {
        format!("{name} is {} and {}", shown(saved.get(name)), shown(wanted.get(name)))
    });
    texts.collect::<Vec<_>>().join(", ")
}

impl Run {
    /// A new run, or one that goes on, as `start` says. `name` is what the model will be called,
    /// `now` the time.
    ///
    /// All of a `team` begin alike and end alike. Each has its share of every step, and the network
    /// as it is then; the first one alone evaluates, writes texts, and collects checkpoints.
    ///
    /// # Errors
    /// Settings, corpus and checkpoint do not fit together; the team cannot share a step; the device
    /// failed.
    pub async fn new(
        device: &mut Device,
        name: String,
        setup: Setup,
        data: &Data,
        start: Start,
        team: Box<dyn Team>,
        now: f64,
    ) -> Result<Self, RunError> {
        let Setup { settings, tokenizer, variants } = &setup;
        let tokenizer = tokenizer.tokenizer();
        let config = settings.config(tokenizer.vocab_size() as usize, tokenizer.mask_id());
        config.validate().map_err(|error| TrainingError::Impossible(error.to_string()))?;
        let same_sizes = |saved: Config| match saved == config {
            true => Ok(()),
            false => Err(RunError::OtherSizes(difference(&saved, &config))),
        };
        let (mut origin, mut restored) = (None, None);
        let (mut state, mut log) = (State::default(), Log::default());
        let init = match start {
            Start::Random => model::initial_values(&config, &settings.init()),
            Start::Weights(model) => {
                same_sizes(model.config)?;
                origin = Some(model.card.name.unwrap_or_else(|| "unnamed".to_owned()));
                model.values
            }
            Start::Progress(progress) => {
                same_sizes(progress.model.config)?;
                (state, log) = (progress.state, progress.log);
                restored = Some(TrainingState {
                    step: state.step,
                    parameters: progress.model.values,
                    moments: progress.optimizer,
                });
                vec![0.0; config.flat_len()]
            }
        };
        let share =
            Share { parts: settings.train.parts as usize, rank: team.rank(), ranks: team.ranks() };
        let options = TrainingOptions {
            share,
            outer: settings.outer(),
            ..settings.training(tokenizer.end_of_text_id())
        };
        let mut training =
            Training::new(device, variants, config, &init, data, &options, &settings.optimizer())?;
        if let Some(state) = &restored {
            training.restore(device, state)?;
        }
        let sampler = match share.rank {
            0 => {
                let model = training.model();
                Some(Sampler::new(device, variants, model, settings, tokenizer).await?)
            }
            _ => None,
        };
        let average = |tokens| bytes_per_token(tokenizer, tokens, settings.train.window);
        let bytes_per_token = BytesPerToken {
            train: average(&*data.train)?,
            validation: average(&*data.validation)?,
        };
        let [train_tokens, validation_tokens] = data.lengths();
        log.push(Record::Start {
            step: state.step,
            device: device.to_string(),
            parameters: config.parameters(),
            vocabulary: config.vocab_size,
            tokens: settings.tokens_per_step(),
            train_tokens,
            validation_tokens,
            entropy: Some(settings.data.entropy).filter(|&bits| bits > 0.0),
            origin,
        });
        let mut due = VecDeque::new();
        if state.step == 0 && share.rank == 0 {
            due.push_back(Due::Evaluation);
        }
        if state.step >= settings.train.steps {
            due.push_back(Due::End(Outcome::Complete));
        }
        Ok(Self {
            name,
            setup,
            training,
            team,
            sampler,
            bytes_per_token,
            log,
            state,
            begun: now - state.seconds,
            unlogged: Vec::new(),
            skipped: 0,
            first_skipped: None,
            measured: None,
            due,
            stepped: false,
        })
    }

    /// Does what comes next. With `stop`, no step follows the one that is done or under way, only
    /// a checkpoint; one of a team stops all. A round of steps that devices do on their own is ended
    /// before.
    /// `clock` tells the time.
    ///
    /// # Errors
    /// The device failed, or another of the team.
    pub async fn advance(
        &mut self,
        device: &mut Device,
        clock: impl Fn() -> f64,
        stop: bool,
    ) -> Result<Event, RunError> {
        let step = self.training.steps_done();
        if std::mem::take(&mut self.stepped) {
            let mut stops = [f32::from(u8::from(stop))];
            team::sum(&mut *self.team, &mut stops)?;
            self.plan(step, stops[0] > 0.0 && self.training.is_common());
        }
        let Some(due) = self.due.pop_front() else {
            self.measured.get_or_insert_with(|| (clock(), step));
            self.training.step_with(device, &mut *self.team).await?;
            self.stepped = true;
            return Ok(Event::Step { step: step + 1 });
        };
        match due {
            Due::Losses => self.read_losses(device, clock).await,
            Due::Evaluation => {
                self.measured = None;
                Ok(self.evaluate(device, step).await?)
            }
            Due::Sample => {
                self.measured = None;
                let sampler = self.sampler.as_mut().expect("it is the first of its team");
                let text = sampler.write(device, self.setup.tokenizer.tokenizer()).await?;
                self.log.push(Record::Sample { step, text: text.clone() });
                Ok(Event::Sample { step, text })
            }
            Due::Checkpoint => {
                self.measured = None;
                let saved = self.collect(device, clock() - self.begun).await?;
                Ok(Event::Checkpoint(Box::new(saved)))
            }
            Due::End(outcome) => {
                // Whoever asks again gets the same answer.
                self.due.push_back(due);
                Ok(Event::End(outcome))
            }
        }
    }

    /// What is to be done after step `step`.
    fn plan(&mut self, step: u32, stop: bool) {
        let train = &self.setup.settings.train;
        let last = step >= train.steps;
        let due = |every: u32| step.is_multiple_of(every) || last;
        let checkpoint = due(train.checkpoint_every) || stop;
        let evaluation = due(train.eval_every) || checkpoint;
        let sample = due(train.sample_every);
        let losses = due(train.log_every) || evaluation || sample;
        let outcome = if last { Outcome::Complete } else { Outcome::Interrupted };
        let first = self.team.rank() == 0;
        let all = [
            (losses, Due::Losses),
            (evaluation && first, Due::Evaluation),
            (sample && first, Due::Sample),
            (checkpoint && first, Due::Checkpoint),
            (last || stop, Due::End(outcome)),
        ];
        self.due.extend(all.into_iter().filter_map(|(wanted, due)| wanted.then_some(due)));
    }

    /// Reads the losses of the steps since the last call and logs their mean.
    async fn read_losses(
        &mut self,
        device: &Device,
        clock: impl Fn() -> f64,
    ) -> Result<Event, RunError> {
        let entries = self.training.log_with(device, &mut *self.team).await?;
        for entry in entries {
            if entry.skipped() {
                self.skipped += 1;
                self.first_skipped.get_or_insert(entry);
            } else {
                self.first_skipped = None;
                self.unlogged.push(entry);
            }
        }
        if let (true, Some(first)) = (self.training.diverged(), self.first_skipped) {
            let StepLog { step, loss, grad_norm, .. } = first;
            let tensor = self.training.find_non_finite(device).await?;
            return Ok(Event::NonFinite(NonFinite::Steps { step, loss, grad_norm, tensor }));
        }
        let now = clock();
        let step = self.training.steps_done();
        let (since, before) = self.measured.replace((now, step)).expect("measured since a step");
        let tokens = f64::from(step - before) * self.setup.settings.tokens_per_step() as f64;
        let tokens_per_second = tokens / (now - since);
        let skipped = std::mem::take(&mut self.skipped);
        let Some(&StepLog { step, grad_norm, lr_factor, .. }) = self.unlogged.last() else {
            return Ok(Event::Losses { loss: None, tokens_per_second, skipped });
        };
        let count = self.unlogged.len() as f64;
        let loss = self.unlogged.iter().map(|entry| f64::from(entry.loss)).sum::<f64>() / count;
        self.unlogged.clear();
        let lr = self.setup.settings.optimizer.lr * lr_factor;
        let grad_norm = grad_norm.into();
        self.log.push(Record::Step { step, loss, grad_norm, lr, tokens_per_second, skipped });
        Ok(Event::Losses { loss: Some(loss), tokens_per_second, skipped })
    }

    /// Measures the loss on the fixed batches of both splits.
    async fn evaluate(&mut self, device: &mut Device, step: u32) -> Result<Event, DeviceError> {
        let batches = self.setup.settings.train.eval_batches;
        let train = self.training.evaluate(device, Split::Train, batches).await?;
        let validation = self.training.evaluate(device, Split::Validation, batches).await?;
        let (mut bits_per_byte, mut bits_per_byte_error) = (f64::NAN, f64::NAN);
        for (split, found, bytes) in [
            (Split::Train, &train, self.bytes_per_token.train),
            (Split::Validation, &validation, self.bytes_per_token.validation),
        ] {
            let Evaluation { loss, accuracy, entropy, bound, bound_error, .. } = *found;
            let bits = |nats: f64| nats / LN_2 / bytes;
            (bits_per_byte, bits_per_byte_error) = (bits(bound), bits(bound_error));
            if !loss.is_finite() {
                let tensor = self.training.find_non_finite(device).await?;
                return Ok(Event::NonFinite(NonFinite::Evaluation { step, split, loss, tensor }));
            }
            let finite = |bits: f64| Some(bits).filter(|bits| bits.is_finite());
            self.log.push(Record::Evaluation {
                step,
                split,
                loss,
                accuracy,
                entropy,
                bits_per_byte: finite(bits_per_byte),
                bits_per_byte_error: finite(bits_per_byte_error),
            });
        }
        let loss = validation.loss;
        self.state.validation_loss = Some(loss);
        self.state.best_loss = Some(self.state.best_loss.map_or(loss, |best| best.min(loss)));
        Ok(Event::Evaluation { step, train, validation, bits_per_byte, bits_per_byte_error })
    }

    /// Everything that a training resumes from.
    async fn collect(&mut self, device: &Device, seconds: f64) -> Result<Saved, DeviceError> {
        let TrainingState { step, parameters, moments } = self.training.state(device).await?;
        self.state.step = step;
        self.state.seconds = seconds;
        let card = Card {
            objective: self.setup.settings.objective(),
            schedule: self.setup.settings.diffusion.schedule,
            name: Some(self.name.clone()),
            step: Some(step),
            end_of_text: self.setup.tokenizer.tokenizer().end_of_text_id(),
            sampling: None,
            check: None,
        };
        let config = self.training.model().config;
        let model = model::Checkpoint { config, card, values: parameters };
        let progress =
            Progress { model, optimizer: moments, state: self.state, log: self.log.clone() };
        Ok(Saved { setup: self.setup.clone(), progress })
    }

    /// Everything that a training resumes from, as it is after the latest step at the time `now`.
    ///
    /// # Errors
    /// The device failed.
    pub async fn save(&mut self, device: &Device, now: f64) -> Result<Saved, DeviceError> {
        self.collect(device, now - self.begun).await
    }

    /// Seconds of a step: the quickest of some that are undone afterwards.
    ///
    /// # Errors
    /// The device failed.
    pub async fn time_step(
        &mut self,
        device: &mut Device,
        clock: impl Fn() -> f64,
    ) -> Result<f64, RunError> {
        let before = self.training.state(device).await?;
        let mut quickest = f64::INFINITY;
        // The first one may have to compile shaders.
        for _ in 0..3 {
            let begun = clock();
            self.training.step_with(device, &mut *self.team).await?;
            self.training.wait(device).await?;
            quickest = quickest.min(clock() - begun);
        }
        self.training.restore(device, &before)?;
        Ok(quickest)
    }

    /// Waits until the device has done all steps.
    ///
    /// # Errors
    /// The device failed.
    pub async fn wait(&self, device: &Device) -> Result<(), DeviceError> {
        self.training.wait(device).await
    }

    /// Goes on without the team, whose others learn that this one has ended.
    pub fn leave(&mut self) {
        self.team = Box::new(Alone);
    }

    /// Logs that the run, or this part of it, ends at the time `now`.
    pub fn close(&mut self, reason: String, now: f64) {
        let (step, seconds) = (self.steps_done(), now - self.begun);
        self.log.push(Record::End { step, seconds, reason });
    }

    /// Optimizer steps done, over all parts of the run.
    pub fn steps_done(&self) -> u32 {
        self.training.steps_done()
    }

    /// Settings, tokenizer and shader variants.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Sizes of the network.
    pub fn config(&self) -> &Config {
        &self.training.model().config
    }

    /// Everything logged so far, earlier parts of the run included.
    pub fn log(&self) -> &Log {
        &self.log
    }
}
