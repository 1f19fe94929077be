//! What an objective means for training, scoring and writing: the one place that decides by it,
//! beside [`Objective`] itself, which says what the network sees.

use kernels::draw_batch::{Level, Noise};
use model::{Config, Levels, Objective, Schedule, Times, Weighting};

use crate::metrics::{NoiseBound, corrupt};
use crate::sampler::SamplerKind;
use crate::training::TrainingOptions;

/// How batches of a training, or of its evaluation, are drawn. Masked tokens have a loss.
#[derive(Clone, Debug)]
pub(crate) struct Corruption {
    /// What is masked and what the network is told at each noise level, from 0.
    pub(crate) levels: Vec<Level>,
    /// Factor of the cross-entropy of a masked token at each level, `(levels + 1)`, see
    /// [`Weighting::factors`].
    pub(crate) factors: Option<Vec<f32>>,
    /// Whether every token has a loss, corrupted or not.
    pub(crate) everywhere: bool,
}

impl Corruption {
    /// For a network of `timesteps` diffusion steps.
    pub(crate) fn new(options: &TrainingOptions, timesteps: usize) -> Self {
        let TrainingOptions { objective, span_length, schedule, times, weighting, .. } = *options;
        let drawn = || weighting.times(times).levels(schedule, timesteps);
        let (levels, span) = match objective {
            Objective::Masked | Objective::Uniform | Objective::Replaced | Objective::Block(_) => {
                (drawn(), 1.0)
            }
            Objective::Span => (drawn(), span_length),
            // Every token is to be predicted: no number is as low.
            Objective::Autoregressive => {
                (Levels { alpha: vec![1.0, -1.0], times: vec![0, 1] }, 1.0)
            }
        };
        let factors = weighting.factors(&levels);
        let everywhere = objective == Objective::Uniform;
        let thresholds = levels.thresholds(span);
        let times = levels.times.iter().zip(levels.opposite_times());
        let levels = thresholds.as_chunks().0.iter().zip(times);
        let levels = levels.map(|(&thresholds, (&time, opposite_time))| Level {
            thresholds,
            time,
            opposite_time,
        });
        Self { levels: levels.collect(), factors, everywhere }
    }
}

/// The options with which a training is evaluated: whatever it trains on, runs are compared at all
/// times, on independent masks, the noise that their bound is about, and on windows from anywhere.
pub(crate) fn evaluation(options: &TrainingOptions) -> TrainingOptions {
    let objective = match options.objective {
        Objective::Masked | Objective::Span => Objective::Masked,
        other => other,
    };
    let (times, weighting) = (Times::Uniform, Weighting::Mean);
    let (story_starts, complementary) = (0.0, 0.0);
    TrainingOptions {
        objective,
        times,
        weighting,
        story_starts,
        complementary,
        stratified: false,
        ..*options
    }
}

/// Most tokens of a text that is written in blocks with a cache: its passes are planned ahead.
const LONGEST: usize = 16_384;

/// Most tokens of a text that a model writes with a workspace
/// [of its own](crate::sampler::Workspace::for_model). Blocks go on beyond its context.
pub fn longest_text(objective: Objective, config: &Config) -> usize {
    match objective {
        Objective::Block(_) => LONGEST.max(config.block_size),
        _ => config.block_size,
    }
}

/// The sampler that models of an objective write with, unless their card names one.
pub fn default_sampler(objective: Objective) -> SamplerKind {
    match objective {
        Objective::Masked | Objective::Span | Objective::Block(_) => SamplerKind::MaskGit,
        Objective::Uniform | Objective::Replaced => SamplerKind::Uniform,
        Objective::Autoregressive => SamplerKind::LeftToRight,
    }
}

/// The sampler whose texts evaluations measure: the seed's, where the model can write with it.
pub fn reference_sampler(objective: Objective) -> SamplerKind {
    match objective {
        Objective::Masked | Objective::Span | Objective::Block(_) => SamplerKind::Reference,
        Objective::Uniform | Objective::Replaced => SamplerKind::Uniform,
        Objective::Autoregressive => SamplerKind::LeftToRight,
    }
}

/// What a network is asked about a text in order to score it.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    /// What the network was trained for.
    pub objective: Objective,
    /// Schedule of its training: it is told the time with the nearest share of masks.
    pub trained: Schedule,
    /// Schedule that masks the text at the times 1..=T.
    pub masks: Schedule,
    /// Diffusion steps of the network.
    pub timesteps: usize,
    /// Id of the token `[MASK]`.
    pub mask_id: u32,
    /// What a corrupted token becomes.
    pub noise: Noise,
}

/// A question about a text of `length` tokens. N is the number of positions that the network sees of
/// it, see [`Objective::positions`]; the first `length` are those of the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// What the network sees, `(N)`.
    pub seen: Vec<u32>,
    /// The tokens that stand there, `(N)`.
    pub targets: Vec<u32>,
    /// 1 where the network is asked, `(N)`.
    pub mask: Vec<u32>,
    /// Times that the network is told, of the whole sequence or of its parts in equal number of
    /// positions.
    pub told: Vec<u32>,
}

impl Question {
    /// Adds a question about another text.
    pub fn extend(&mut self, other: Self) {
        self.seen.extend(other.seen);
        self.targets.extend(other.targets);
        self.mask.extend(other.mask);
        self.told.extend(other.told);
    }
}

impl Probe {
    /// For a network whose training had this schedule, and texts that are corrupted by another one.
    pub fn new(config: &Config, objective: Objective, trained: Schedule, masks: Schedule) -> Self {
        let Config { timesteps, mask_id, .. } = *config;
        Self { objective, trained, masks, timesteps, mask_id, noise: objective.noise(config) }
    }

    /// Number of times at which a text can be asked about; an autoregressive network has one way to
    /// be asked.
    pub fn times(&self) -> usize {
        match self.objective {
            Objective::Autoregressive => 1,
            _ => self.timesteps,
        }
    }

    /// A question about `tokens` with one of [`Probe::times`] for each of the text's
    /// [parts](Objective::parts). A function of seed and number of the sequence, see [`corrupt`].
    pub fn question(&self, tokens: &[u32], times: &[usize], seed: u64, sequence: u32) -> Question {
        let targets = tokens.to_vec();
        if self.objective == Objective::Autoregressive {
            let before = tokens.iter().copied().take(tokens.len().saturating_sub(1));
            let seen = std::iter::once(self.mask_id).chain(before).take(tokens.len()).collect();
            return Question { seen, targets, mask: vec![1; tokens.len()], told: vec![0] };
        }
        let mut question = Question { seen: vec![], targets, mask: vec![], told: vec![] };
        let parts = times.len() as u32;
        let numbers = sequence * parts..;
        for ((part, &time), number) in
            tokens.chunks(tokens.len() / times.len()).zip(times).zip(numbers)
        {
            let alpha = self.masks.alpha(time, self.timesteps);
            let (seen, mask) = corrupt(part, self.noise, alpha, seed, number);
            question.seen.extend(seen);
            question.mask.extend(mask);
            question.told.push(self.told(time));
        }
        self.beside_clean(question)
    }

    /// With the clean text behind the noisy one, where the network sees both.
    fn beside_clean(&self, mut question: Question) -> Question {
        if let Objective::Block(_) = self.objective {
            let Question { seen, targets, mask, told } = &mut question;
            seen.extend_from_slice(targets);
            targets.extend_from_within(..);
            mask.resize(targets.len(), 0);
            told.resize(2 * told.len(), 0);
        }
        question
    }

    /// A question about texts of `length` tokens of which only a share is `known`: all but the `hidden`
    /// ones, which are masked. An autoregressive network is asked for every token.
    pub(crate) fn partly_known(
        &self,
        texts: &[u32],
        hidden: &[bool],
        length: usize,
        known: f64,
    ) -> Question {
        let parts = self.objective.parts(length);
        let mut all = Question::default();
        for (text, hidden) in texts.chunks(length).zip(hidden.chunks(length)) {
            let question = if self.objective == Objective::Autoregressive {
                self.question(text, &[1], 0, 0)
            } else {
                let masked = text.iter().zip(hidden);
                let seen = masked.map(|(&id, &hidden)| if hidden { self.mask_id } else { id });
                let told = self.trained.nearest(known, self.timesteps) as u32;
                self.beside_clean(Question {
                    seen: seen.collect(),
                    targets: text.to_vec(),
                    mask: hidden.iter().map(|&hidden| u32::from(hidden)).collect(),
                    told: vec![told; parts],
                })
            };
            all.extend(question);
        }
        all
    }

    /// The time that the network is told where a text is noisy.
    pub fn told(&self, time: usize) -> u32 {
        let alpha = self.masks.alpha(time, self.timesteps);
        self.trained.nearest(alpha, self.timesteps) as u32
    }

    /// Gathers the answers to one question per sequence as a likelihood.
    pub fn bound(&self) -> NoiseBound {
        match self.objective {
            Objective::Uniform | Objective::Replaced => NoiseBound::of_steps(self.timesteps),
            Objective::Autoregressive => NoiseBound::exact(),
            _ => NoiseBound::new(self.masks, self.timesteps),
        }
    }
}
