//! How much memory a training takes, before it is taken.

use device::Device;
use diffusion::sampler::Workspace;
use diffusion::training::{Data, Training, TrainingError};
use kernels::Variants;

use crate::Settings;
use crate::zeros::Zeros;

/// Bytes that a training of these settings, on parts of a corpus of so many `tokens`, takes on
/// `device`. Nothing is taken for it, there.
///
/// # Errors
/// Settings that cannot be trained with; something is larger than what the device can be bound to.
pub fn memory(
    device: &Device,
    variants: &Variants,
    settings: &Settings,
    tokens: [usize; 2],
) -> Result<u64, TrainingError> {
    let mut plan = device.plan();
    let config = settings.config(settings.data.vocab_size, 2);
    // Zeros that are never looked at take no memory here.
    let init = vec![0.0; config.flat_len()];
    let [train, validation] = tokens.map(|tokens| Zeros(tokens.max(config.block_size)));
    let data = Data::new(train, validation);
    // Stories would be told apart by a token that does not occur.
    let (options, optimizer) = (settings.training(Some(1)), settings.optimizer());
    let training = Training::new(&mut plan, variants, config, &init, &data, &options, &optimizer)?;
    Workspace::for_model(&mut plan, training.model(), 1, settings.train.sample_tokens)?;
    Ok(plan.memory())
}
