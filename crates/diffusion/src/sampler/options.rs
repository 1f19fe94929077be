//! How a text is to be generated.

use std::fmt;

use device::DeviceError;
use kernels::sample_tokens::Sampling;
use model::{Config, Objective, Schedule};
use serde::{Deserialize, Serialize};

use super::{Layout, Sampler};
use crate::objective::default_sampler;

/// Temperatures below this draw the likeliest token.
const GREEDY_BELOW: f32 = 1e-4;

/// A well-known sampler: a preset of the parts of a [`Sampler`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SamplerKind {
    /// MaskGIT (arXiv 2202.04200).
    #[default]
    MaskGit,
    /// The surest stay, old ones and new ones alike.
    Carry,
    /// The seed's: every free position is drawn again in every pass.
    #[serde(rename = "seed")]
    Reference,
    /// MDLM's ancestral sampling (arXiv 2406.07524).
    Ancestral,
    /// Fast-dLLM's confidence threshold (arXiv 2505.22618).
    Threshold,
    /// The EB-Sampler (arXiv 2505.24857).
    Entropy,
    /// ReMDM (arXiv 2503.00307).
    Remdm,
    /// The reverse process of uniform diffusion (D3PM, arXiv 2107.03006): from random tokens to a text.
    Uniform,
    /// One token after the other, each from those before it (and, in a masked model, from given
    /// tokens behind it).
    LeftToRight,
}

impl SamplerKind {
    /// All of them, the default first.
    pub const ALL: [Self; 9] = [
        Self::MaskGit,
        Self::Carry,
        Self::Reference,
        Self::Ancestral,
        Self::Threshold,
        Self::Entropy,
        Self::Remdm,
        Self::Uniform,
        Self::LeftToRight,
    ];

    /// Its name on the command line, in links and in traces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MaskGit => "maskgit",
            Self::Carry => "carry",
            Self::Reference => "seed",
            Self::Ancestral => "ancestral",
            Self::Threshold => "threshold",
            Self::Entropy => "entropy",
            Self::Remdm => "remdm",
            Self::Uniform => "uniform",
            Self::LeftToRight => "left-to-right",
        }
    }

    /// What it does, in one line.
    pub const fn about(self) -> &'static str {
        match self {
            Self::MaskGit => {
                "Visible tokens stay; which new ones stay is partly random, confident ones first"
            }
            Self::Carry => "Visible tokens stay, unless others are more confident",
            Self::Reference => "Every token is drawn again in every step",
            Self::Ancestral => "Tokens appear at random places and stay",
            Self::Threshold => "All tokens that are confident enough appear at once; ends early",
            Self::Entropy => {
                "As many tokens appear at once as hardly depend on each other; ends early"
            }
            Self::Remdm => "Tokens appear at random places, and a few are masked again",
            Self::Uniform => {
                "Random tokens give way to others; the only one for models of uniform diffusion"
            }
            Self::LeftToRight => {
                "One token after the other; the only one for autoregressive models"
            }
        }
    }

    /// The sampler of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sampler| sampler.name() == name)
    }
}

impl fmt::Display for SamplerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a text is generated from a prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SampleOptions {
    /// Which tokens come first, how many stay, and what is drawn again.
    pub sampler: Sampler,
    /// Noise schedule, best the one that the model was trained with.
    pub schedule: Schedule,
    /// Denoising steps; `None` takes the model's number of timesteps. Without meaning for samplers
    /// that are [adaptive](Sampler::adaptive).
    pub steps: Option<usize>,
    /// What logits are divided by, 0 to 100; 0 takes the likeliest token.
    pub temperature: f32,
    /// Noise in [`Order::Noisy`](super::Order::Noisy), 0 to 1000. 0 keeps the
    /// most confident; 1 keeps a token with a probability proportional to its confidence; large
    /// values keep any, as in MDLM's ancestral sampling (arXiv 2406.07524).
    pub choice_temperature: f32,
    /// Top-k sampling: draw among this many likeliest tokens; 1 takes the likeliest.
    pub top_k: Option<u32>,
    /// Nucleus (top-p) sampling: draw among the smallest set of likeliest tokens whose
    /// probabilities sum to at least this; (0, 1].
    pub top_p: Option<f32>,
    /// Seed of all draws.
    pub seed: u64,
    /// Number of the first sample of the batch: sample n draws the same in every batch.
    pub first_sample: u32,
    /// Token that ends a text; it is not drawn before given tokens.
    pub end_token: Option<u32>,
    /// Whether texts may end before their last position; if not, `end_token` is never drawn.
    pub may_end: bool,
}

impl Default for SampleOptions {
    fn default() -> Self {
        Self {
            sampler: Sampler::default(),
            schedule: Schedule::default(),
            steps: None,
            temperature: 1.0,
            choice_temperature: 1.0,
            top_k: None,
            top_p: None,
            seed: 0,
            first_sample: 0,
            end_token: None,
            may_end: true,
        }
    }
}

/// Why no text can be generated.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SampleError {
    /// Prompt or options make no sense.
    #[error("{0}")]
    Impossible(String),
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

impl SampleOptions {
    /// Number of denoising steps for a model of `timesteps` timesteps.
    pub fn steps(&self, timesteps: usize) -> usize {
        self.steps.unwrap_or(timesteps)
    }

    /// How tokens are drawn; whether the mask can be depends on what the sampler is for. With `top_k` 1 only one token is left to be drawn, with probability
    /// 1; it is drawn greedily instead, so that confidences still say something.
    pub(super) fn sampling(&self, mask_id: u32, exclude_mask: bool) -> Sampling {
        let greedy = self.temperature < GREEDY_BELOW || self.top_k == Some(1);
        Sampling {
            mask_id,
            exclude_mask,
            end_id: self.end_token,
            temperature: (!greedy).then_some(self.temperature),
            top_k: self.top_k,
            top_p: self.top_p,
        }
    }

    /// These options for passes over whole texts of a model that writes in blocks of so many tokens.
    ///
    /// # Errors
    /// Samplers that compare tokens of several blocks, with a sentence.
    pub(super) fn over_blocks(&self, config: &Config, block: usize) -> Result<Self, SampleError> {
        if config.timestep_embedding {
            return Err(SampleError::Impossible(
                "the model is told the time of each block, so it needs a cache to write, which holds the finished ones"
                    .to_owned(),
            ));
        }
        let layout = match self.sampler.layout {
            Layout::Whole => Layout::Blocks(block as u32),
            layout => layout,
        };
        let sampler = Sampler { layout, ..self.sampler };
        if layout == Layout::Apart || sampler.check().is_err() {
            return Err(SampleError::Impossible(format!(
                "the sampler `{}` needs a cache to write with a model of blocks, since it looks at one block alone; use one such as `maskgit` or `threshold`",
                self.sampler
            )));
        }
        Ok(Self { sampler, ..self.clone() })
    }

    /// Refuses what makes no sense for a model, in one sentence.
    pub fn validate(&self, config: &Config, objective: Objective) -> Result<(), SampleError> {
        let fail = |sentence: String| Err(SampleError::Impossible(sentence));
        let sampler = self.sampler;
        match (objective.replaces(), sampler.writes_from_noise()) {
            (true, false) => {
                return fail(format!(
                    "the model has learned to write from random tokens, and the sampler `{sampler}` needs masks; use the sampler `uniform`"
                ));
            }
            (false, true) => {
                return fail(format!(
                    "the sampler `{sampler}` writes from random tokens, which the model has never seen; use another one, as `{}`",
                    default_sampler(objective)
                ));
            }
            _ => (),
        }
        if !self.sampler.suits(objective) {
            return fail(format!(
                "the model is autoregressive, it writes one token after the other, and the sampler `{}` does not; use the sampler `left-to-right`",
                self.sampler
            ));
        }
        if let (Objective::Block(block), Layout::Blocks(size)) = (objective, self.sampler.layout)
            && !block.is_multiple_of(size.max(1) as usize)
        {
            return fail(format!(
                "the model writes blocks of {block} tokens, which blocks of {size} do not divide; use a divisor of {block}, or the layout `whole`, the model's own blocks"
            ));
        }
        let steps = self.steps(config.timesteps);
        if steps == 0 || steps > config.timesteps {
            let most = config.timesteps;
            return fail(format!(
                "steps is {steps}, it must be between 1 and {most}, the model's number of timesteps"
            ));
        }
        if let Err(sentence) = self.sampler.check() {
            return fail(sentence);
        }
        if !(0.0..=100.0).contains(&self.temperature) {
            let temperature = self.temperature;
            return fail(format!(
                "temperature is {temperature}, it must be between 0 (the likeliest token) and 100"
            ));
        }
        if !(0.0..=1000.0).contains(&self.choice_temperature) {
            let temperature = self.choice_temperature;
            return fail(format!(
                "choice_temperature is {temperature}, it must be between 0 (the most confident stay) and 1000"
            ));
        }
        if self.top_k == Some(0) {
            return fail("top_k is 0, it must be at least 1, or left out".to_owned());
        }
        if let Some(top_p) = self.top_p.filter(|top_p| !(*top_p > 0.0 && *top_p <= 1.0)) {
            return fail(format!("top_p is {top_p}, it must be above 0 and at most 1"));
        }
        Ok(())
    }
}

/// Refuses prompts that do not fit each other or the model, in one sentence.
pub(super) fn check_prompts(
    prompts: &[Vec<Option<u32>>],
    config: &Config,
    objective: Objective,
    most: usize,
) -> Result<(), SampleError> {
    let fail = |sentence: String| Err(SampleError::Impossible(sentence));
    let Some(first) = prompts.first() else {
        return fail("there is no prompt to generate from".to_owned());
    };
    let length = first.len();
    if prompts.iter().any(|prompt| prompt.len() != length) {
        return fail("the prompts of a batch differ in length; make them equally long".to_owned());
    }
    if length > most {
        return fail(format!(
            "prompt and text to generate are {length} tokens together, the model's block holds {most}; shorten the prompt or generate fewer tokens"
        ));
    }
    for prompt in prompts {
        if let Some(id) = prompt.iter().flatten().find(|&&id| id as usize >= config.vocab_size) {
            let vocabulary = config.vocab_size;
            return fail(format!(
                "the prompt has the token {id}, the model's vocabulary ends at {vocabulary}; use the tokenizer that belongs to the model"
            ));
        }
        let given = |token: &Option<u32>| token.is_some_and(|id| id != config.mask_id);
        let gap_inside = !prompt.is_sorted_by_key(|token| !given(token));
        if objective == Objective::Autoregressive && gap_inside {
            return fail(
                "the model is autoregressive, it sees only what stands before a gap and cannot fill one before given text; put the gap at the end, or use a masked model"
                    .to_owned(),
            );
        }
        if let Objective::Block(block) = objective {
            let gap = prompt.iter().position(|token| !given(token)).unwrap_or(length);
            let last = prompt.iter().rposition(given).unwrap_or(0);
            if gap / block < last / block {
                return fail(format!(
                    "the model writes blocks of {block} tokens from left to right, it does not see given text in a block behind a gap; put the gap at the end, or use a masked model"
                ));
            }
        }
        if prompt.iter().all(given) {
            return fail(
                "there is nothing to generate: give the prompt a gap or ask for more tokens"
                    .to_owned(),
            );
        }
    }
    Ok(())
}
