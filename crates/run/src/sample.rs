//! Texts that the network writes during training.

use corpus::tokenizer::Tokenizer;
use device::{Device, DeviceError};
use diffusion::sampler::{Parts, SampleError, SampleOptions, Workspace};
use kernels::Variants;
use model::Model;
use writer::Run;

use crate::Settings;

/// Below 1, so that the text shows what a young model is confident of.
const TEMPERATURE: f32 = 0.7;

/// Writes a text from an empty prompt, always with the same draws.
#[derive(Debug)]
pub(crate) struct Sampler {
    run: Run,
}

impl Sampler {
    /// A sampler of the network as it is whenever [`Sampler::write`] is called.
    pub(crate) async fn new(
        device: &mut Device,
        variants: &Variants,
        model: &Model,
        settings: &Settings,
        tokenizer: &Tokenizer,
    ) -> Result<Self, SampleError> {
        let length = settings.train.sample_tokens;
        let workspace = &Workspace::for_model(device, model, 1, length)?;
        let options = SampleOptions {
            temperature: TEMPERATURE,
            ..writer::options(model.objective, settings.diffusion.schedule, tokenizer)
        };
        let parts = Parts { model, variants, workspace };
        let run = Run::new(device, parts, &[vec![None; length]], &options, false).await?;
        Ok(Self { run })
    }

    /// Writes a text, on one line.
    pub(crate) async fn write(
        &mut self,
        device: &mut Device,
        tokenizer: &Tokenizer,
    ) -> Result<String, DeviceError> {
        self.run.restart(device)?;
        while !self.run.over() {
            self.run.step(device)?;
        }
        let state = self.run.state(device).await?;
        let text = tokenizer.decode(self.run.text(&state, 0));
        Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}
