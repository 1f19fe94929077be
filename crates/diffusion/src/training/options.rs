//! What a training is asked for, and whether it can be done.

use kernels::draw_batch::MAX_SEQUENCES;
use model::{Config, Objective, Schedule, Times, Weighting};

use super::TrainingError;
use super::corpus::{Data, MAX_WINDOW};
use super::outer::OuterConfig;
use super::team::Share;

/// What a step trains on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingOptions {
    /// Sequences of a pass.
    pub batch: usize,
    /// Tokens of a sequence.
    pub length: usize,
    /// Passes whose gradients make one step; the batch of a step is `batch * accumulation`.
    pub accumulation: usize,
    /// What the network learns to predict.
    pub objective: Objective,
    /// Mean length of masked spans, at least 1, for [`Objective::Span`].
    pub span_length: f64,
    /// Noise schedule.
    pub schedule: Schedule,
    /// How the time of a sequence is drawn.
    pub times: Times,
    /// How much a masked position counts in the loss.
    pub weighting: Weighting,
    /// Whether the times of a batch are spread evenly instead of drawn independently.
    pub stratified: bool,
    /// Share of the sequences that begin where a story does, not anywhere.
    pub story_starts: f64,
    /// The token behind every story; needed where sequences begin at stories.
    pub end_of_text: Option<u32>,
    /// Share of the pairs of sequences in which the second one is the first once more, with the opposite
    /// masks: each token is asked for in one of them.
    pub complementary: f64,
    /// Probability that dropout sets an element of what attention and MLP add to the residual stream to
    /// zero, below 1.
    pub dropout: f64,
    /// Seed of batches, masks and dropout.
    pub seed: u64,
    /// Whether the backward pass computes the activations of the blocks again, from their inputs:
    /// less memory, more time, the same gradients.
    pub recompute: bool,
    /// Most tokens of the corpus that are on the device at a time, at most [`MAX_WINDOW`]. Of a larger one
    /// there is a window, and after some steps another.
    pub window: usize,
    /// What of a step this device computes.
    pub share: Share,
    /// How devices agree that train on their own for some steps. Without, each step is that of all.
    pub outer: Option<OuterConfig>,
}

impl TrainingOptions {
    /// Refuses complementary masks where there can be none.
    ///
    /// # Errors
    /// [`NoPairs`].
    pub fn check_pairs(&self) -> Result<(), NoPairs> {
        let Self { objective, weighting, complementary, .. } = *self;
        match objective {
            _ if complementary == 0.0 => Ok(()),
            Objective::Block(_) | Objective::Autoregressive => Err(NoPairs::Objective(objective)),
            _ if weighting != Weighting::Mean => Err(NoPairs::Weighting(weighting.name())),
            _ if self.batch * self.accumulation < 2 => Err(NoPairs::Batch),
            _ => Ok(()),
        }
    }
}

/// Why there can be no sequences with opposite masks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPairs {
    /// Not one mask for a whole text.
    #[error(
        "the objective `{0}` does not draw one mask for a whole text, so that there is no opposite one; set diffusion.complementary to 0"
    )]
    Objective(Objective),
    /// Factors for each noise level.
    #[error(
        "the weighting `{0}` is about shares of masks that are drawn, and the opposite of a mask is not; set diffusion.weighting to \"mean\" or diffusion.complementary to 0"
    )]
    Weighting(&'static str),
    /// A single sequence.
    #[error(
        "a step of one sequence has no second one for the opposite mask; raise train.batch_size or set diffusion.complementary to 0"
    )]
    Batch,
}

pub(super) fn check(
    config: &Config,
    options: &TrainingOptions,
    data: &Data,
) -> Result<(), TrainingError> {
    let impossible = |sentence: String| Err(TrainingError::Impossible(sentence));
    let TrainingOptions { objective, weighting, times, .. } = *options;
    let possible = config.validate().and_then(|()| objective.check(config));
    if let Err(error) = possible.and_then(|()| weighting.check(objective, times)) {
        return impossible(error.to_string());
    }
    if let Err(error) = options.check_pairs() {
        return impossible(error.to_string());
    }
    if options.story_starts > 0.0 && options.end_of_text.is_none() {
        return impossible(
            "sequences are to begin where stories do, and the tokenizer has no token for the end of a text that tells where that is; set train.story_starts to 0".to_owned(),
        );
    }
    let TrainingOptions { batch, length, accumulation, .. } = *options;
    if length == 0 || length > config.block_size {
        return impossible(format!(
            "sequences of {length} tokens do not fit the model's block_size {}",
            config.block_size
        ));
    }
    if batch == 0 || accumulation == 0 || batch * accumulation > MAX_SEQUENCES {
        return impossible(format!(
            "a step of {accumulation} x {batch} sequences is impossible, it must be between 1 and {MAX_SEQUENCES}"
        ));
    }
    options.share.check(accumulation)?;
    if accumulation > 1 && !(batch * length).is_multiple_of(device::ALIGNMENT) {
        return impossible(format!(
            "with accumulation, batch x length must be a multiple of 64; {batch} x {length} is not"
        ));
    }
    if let Objective::Block(block) = options.objective {
        if !length.is_multiple_of(block) {
            return impossible(format!("sequences of {length} tokens are no blocks of {block}"));
        }
        let blocks = batch * accumulation * length / block;
        if blocks > MAX_SEQUENCES {
            return impossible(format!(
                "a step of {blocks} blocks is impossible, there can be {MAX_SEQUENCES}; train with longer blocks or fewer sequences"
            ));
        }
    }
    if !(length..=MAX_WINDOW).contains(&options.window) {
        return impossible(format!(
            "a window of {} tokens is impossible, it must be between a sequence's {length} and {MAX_WINDOW}",
            options.window
        ));
    }
    let [train, validation] = data.lengths();
    check_length("training", train, length)?;
    check_length("validation", validation, length)
}

/// Checks that a sequence of `length` can be drawn from `tokens` tokens of a part of the corpus.
///
/// # Errors
/// [`TrainingError::ShortCorpus`] if there are fewer.
pub fn check_length(
    split: &'static str,
    tokens: usize,
    length: usize,
) -> Result<(), TrainingError> {
    if tokens < length {
        return Err(TrainingError::ShortCorpus { split, tokens, length });
    }
    Ok(())
}
