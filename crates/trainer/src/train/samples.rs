//! Texts that the network writes while it is in training.

use anyhow::Result;
use corpus::tokenizer::Tokenizer;
use device::Device;
use diffusion::sampler::{Generation, SampleOptions, State, Workspace};
use kernels::Variants;
use model::Model;
use pollster::block_on;

use crate::settings::Settings;

/// Cooler than the model believes: what a young model is sure of shows earlier.
const TEMPERATURE: f32 = 0.7;

/// Writes a text from nothing, always with the same draws.
#[derive(Debug)]
pub(super) struct Sampler {
    generation: Generation,
    /// All masks.
    empty: State,
}

impl Sampler {
    /// A sampler of the network as it is whenever [`Sampler::write`] is called.
    pub(super) fn new(
        device: &mut Device,
        variants: &Variants,
        model: &Model,
        settings: &Settings,
        tokenizer: &Tokenizer,
    ) -> Result<Self> {
        let length = settings.train.sample_tokens;
        let workspace = Workspace::new(device, &model.config, 1, length)?;
        let options = SampleOptions {
            schedule: settings.diffusion.schedule,
            temperature: TEMPERATURE,
            end_token: tokenizer.end_of_text_id(),
            ..SampleOptions::default()
        };
        let prompt = [vec![None; length]];
        let generation = Generation::new(device, variants, model, &workspace, &prompt, &options)?;
        let empty = block_on(generation.read_state(device))?;
        Ok(Self { generation, empty })
    }

    /// Writes a text, on one line.
    pub(super) fn write(&mut self, device: &mut Device, tokenizer: &Tokenizer) -> Result<String> {
        self.generation.set_state(device, &self.empty)?;
        self.generation.run(device)?;
        let state = block_on(self.generation.read_state(device))?;
        let ids = state.text(0, self.generation.options().end_token);
        Ok(tokenizer.decode(ids).split_whitespace().collect::<Vec<_>>().join(" "))
    }
}
