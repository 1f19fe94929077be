//! Gaps whose length is open.

use device::Device;
use diffusion::default_sampler;
use diffusion::sampler::{Correction, Order, SampleError, SampleOptions, Sampler};

use crate::{Run, Writer};

/// Passes in which a length is tried: as good as more at telling lengths apart, and quick.
const PASSES: usize = 8;

impl Writer {
    /// The one of some positions (see [`Writer::choices`]) of which the model writes the likeliest tokens.
    /// Each is written on trial, in a few passes with the likeliest token at the surest places first;
    /// what counts is the mean logarithm of the tokens' probabilities when they were written, the
    /// likelihood per token in that order. Of equals, the shortest.
    ///
    /// # Errors
    /// When the options are impossible or the device fails.
    ///
    /// # Panics
    /// When there is nothing to choose from.
    pub async fn fit(
        &self,
        device: &mut Device,
        mut choices: Vec<Vec<Option<u32>>>,
        options: &SampleOptions,
    ) -> Result<Vec<Option<u32>>, SampleError> {
        let mut best = (0, f64::NEG_INFINITY);
        if choices.len() > 1 {
            let options = self.trial(options);
            for (number, positions) in choices.iter().enumerate() {
                let mut run = self.begin(device, positions, 1, &options, false).await?;
                while !run.over() {
                    run.step(device)?;
                }
                let likelihood = likelihood(&mut run, device).await?;
                if likelihood > best.1 {
                    best = (number, likelihood);
                }
            }
        }
        Ok(choices.swap_remove(best.0))
    }

    /// How lengths are tried, whatever the text is then written with.
    fn trial(&self, options: &SampleOptions) -> SampleOptions {
        let objective = self.model.objective;
        let sampler = Sampler::from(default_sampler(objective));
        let order = if objective.shifts() { sampler.order } else { Order::Confidence };
        SampleOptions {
            sampler: Sampler { order, correction: Correction::None, ..sampler },
            steps: Some(PASSES.min(self.model.config.timesteps)),
            temperature: 0.0,
            top_k: None,
            top_p: None,
            may_end: false,
            ..options.clone()
        }
    }
}

/// Mean logarithm of the probabilities with which the tokens of a text were drawn.
async fn likelihood(run: &mut Run, device: &Device) -> Result<f64, SampleError> {
    let state = run.state(device).await?;
    let drawn = state.confidence.iter().zip(&state.generated).filter(|(_, generated)| **generated);
    let (mut sum, mut count) = (0.0, 0usize);
    for (&confidence, _) in drawn {
        sum += f64::from(confidence.max(f32::MIN_POSITIVE)).ln();
        count += 1;
    }
    Ok(sum / count.max(1) as f64)
}
