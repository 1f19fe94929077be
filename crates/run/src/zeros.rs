//! A training without a corpus.

use std::io;
use std::ops::Range;

use device::Device;
use diffusion::training::{Data, Tokens, Training, TrainingError};
use kernels::Variants;

use crate::Settings;

/// A corpus of so many zeros.
#[derive(Debug)]
pub(crate) struct Zeros(pub(crate) usize);

impl Tokens for Zeros {
    fn len(&self) -> usize {
        self.0
    }

    fn read(&self, range: Range<usize>) -> io::Result<Vec<u32>> {
        Ok(vec![0; range.len()])
    }
}

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
    let data = Data::new(Zeros(config.block_size + 1), Zeros(config.block_size + 1));
    let init = model::initial_values(&config, &settings.init());
    let (options, optimizer) = (settings.training(Some(0)), settings.optimizer());
    Training::new(device, variants, config, &init, &data, &options, &optimizer)
}
