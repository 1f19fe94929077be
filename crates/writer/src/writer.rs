//! A model that is ready to write.

use corpus::tokenizer::Tokenizer;
use device::Device;
use diffusion::sampler::{Parts, SampleError, SampleOptions, UnknownPart, Workspace};
use diffusion::{Schedule, default_sampler};
use kernels::Variants;
use model::{Card, Model, Objective, Sampling};
use plot::{Piece, Trace, trace};

use crate::{Length, PromptError, Run, choices, frame};

/// A network on a device, its tokenizer, and what is known of it.
#[derive(Debug)]
pub struct Writer {
    /// The network.
    pub model: Model,
    /// Kernel variants for the device.
    pub variants: Variants,
    /// Device memory for one run at a time.
    pub workspace: Workspace,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// How it writes unless somebody wants otherwise, see [`defaults`].
    pub defaults: SampleOptions,
    /// Its name, for titles.
    pub name: String,
}

impl Writer {
    /// The positions of a text, for each length that its gaps may have; see [`choices`].
    ///
    /// # Errors
    /// When the prompt does not fit the model or leaves nothing to write.
    pub fn choices(
        &self,
        prompt: &str,
        length: Length,
    ) -> Result<Vec<Vec<Option<u32>>>, PromptError> {
        choices(&self.tokenizer, prompt, length, self.model.config.block_size)
    }

    /// Begins a run of `texts` texts from the same positions, see [`Run::new`].
    ///
    /// # Errors
    /// When the options are impossible or the device fails.
    pub async fn begin(
        &self,
        device: &mut Device,
        positions: &[Option<u32>],
        texts: usize,
        options: &SampleOptions,
        predictions: bool,
    ) -> Result<Run, SampleError> {
        let Self { model, variants, workspace, .. } = self;
        let prompts = vec![positions.to_vec(); texts];
        Run::new(device, Parts { model, variants, workspace }, &prompts, options, predictions).await
    }

    /// The trace of a run's first text, with the state before the first pass as its only frame.
    /// `prompt` is the prompt as it was typed.
    pub fn trace(&self, run: &Run, prompt: &str) -> Trace {
        let (generation, first) = (run.generation(), run.first());
        let options = generation.options();
        let mut trace = Trace {
            version: trace::VERSION,
            model: self.name.clone(),
            sampler: options.sampler.to_string(),
            schedule: options.schedule.to_string(),
            temperature: options.temperature,
            top_k: options.top_k,
            top_p: options.top_p,
            seed: options.seed,
            steps: generation.writing() as u32,
            corrections: (generation.passes() - generation.writing()) as u32,
            mask_id: self.model.config.mask_id,
            end_id: options.end_token,
            runs_on: !options.may_end,
            prompt: prompt.to_owned(),
            fixed: first.generated[..first.length].iter().map(|generated| !generated).collect(),
            pinned: Default::default(),
            pieces: Default::default(),
            frames: vec![],
        };
        trace.push(frame(first, 0), |id| piece(&self.tokenizer, id));
        trace
    }
}

/// Options for a model that was trained for this objective with this schedule, and the program's for
/// everything else.
pub fn options(objective: Objective, schedule: Schedule, tokenizer: &Tokenizer) -> SampleOptions {
    let (sampler, end_token) = (default_sampler(objective).into(), tokenizer.end_of_text_id());
    SampleOptions { sampler, schedule, end_token, ..SampleOptions::default() }
}

/// Options for a model with this card: what it says reads best.
///
/// # Errors
/// When the card names a sampler that this program does not know.
pub fn defaults(card: &Card, tokenizer: &Tokenizer) -> Result<SampleOptions, UnknownPart> {
    let options = options(card.objective, card.schedule, tokenizer);
    let Some(sampling) = &card.sampling else { return Ok(options) };
    let Sampling { sampler, steps, temperature, choice_temperature, top_k, top_p } = sampling;
    Ok(SampleOptions {
        sampler: sampler.parse()?,
        steps: *steps,
        temperature: *temperature,
        choice_temperature: *choice_temperature,
        top_k: *top_k,
        top_p: *top_p,
        ..options
    })
}

/// These options as a card has them.
pub fn sampling(options: &SampleOptions) -> Sampling {
    Sampling {
        sampler: options.sampler.to_string(),
        steps: options.steps,
        temperature: options.temperature,
        choice_temperature: options.choice_temperature,
        top_k: options.top_k,
        top_p: options.top_p,
    }
}

/// What a token stands for, as traces have it; `None` outside the vocabulary.
pub fn piece(tokenizer: &Tokenizer, id: u32) -> Option<Piece> {
    let known = id < tokenizer.vocab_size();
    known.then(|| Piece::from_bytes(tokenizer.token_bytes(id).to_vec()))
}
