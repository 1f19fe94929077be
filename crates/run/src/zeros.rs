//! A training without a corpus.

use device::Device;
use diffusion::training::{Training, TrainingError};
use kernels::Variants;

use crate::Settings;

/// A training of these settings on a corpus of zeros: its step can be printed and timed.
///
/// # Errors
/// Settings that cannot be trained with; the device failed.
pub fn on_zeros(
    device: &mut Device,
    variants: &Variants,
    settings: &Settings,
) -> Result<Training, TrainingError> {
    let config = settings.config(settings.data.vocab_size, 2);
    let ids = vec![0; config.block_size + 1];
    let init = model::initial_values(&config, &settings.init());
    let (options, optimizer) = (settings.training(Some(0)), settings.optimizer());
    Training::new(device, variants, config, &init, &ids, &ids, &options, &optimizer)
}
