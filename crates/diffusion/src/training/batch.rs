//! The batch of a step on the device.

use device::{Device, DeviceError, Element, Recording, Slice};
use kernels::draw_batch::{self, Buffers, Draw};
use model::Config;

use super::TrainingOptions;

/// A drawn batch, in the parts that its passes take. Masks lie together, so that the loss of each
/// position is its share of the whole batch.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    corpus: Slice,
    alpha: Slice,
    /// 1 where masked, all parts one after the other.
    pub(super) mask: Slice,
    /// What the passes take.
    pub(super) parts: Vec<Part>,
}

/// The sequences of one pass, N = batch x length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    draw: Draw,
    mask: Slice,
    /// Noisy tokens, `(N)`.
    pub(super) ids: Slice,
    /// Clean tokens, `(N)`.
    pub(super) targets: Slice,
    /// `(batch)`
    pub(super) timesteps: Slice,
}

impl Batch {
    pub(super) fn new(
        device: &mut Device,
        config: &Config,
        options: &TrainingOptions,
        corpus: Slice,
        parts: usize,
    ) -> Result<Self, DeviceError> {
        let TrainingOptions { batch, length, schedule, stratified, seed, .. } = *options;
        let alpha = schedule.alpha_table(config.timesteps);
        let alpha = device.floats("alpha", &alpha)?;
        let rows = batch * length;
        let mut words = |label, len| device.allocate(label, Element::Word, len);
        let mask = words("mask", parts * rows)?;
        let parts = (0..parts).map(|index| {
            Ok(Part {
                draw: Draw {
                    first: index * batch,
                    count: batch,
                    total: parts * batch,
                    length,
                    max_timestep: config.timesteps,
                    mask_id: config.mask_id,
                    stratified,
                    seed,
                },
                mask: mask.part(index * rows, rows),
                ids: words("ids", rows)?,
                targets: words("targets", rows)?,
                timesteps: words("timesteps", batch)?,
            })
        });
        let parts = parts.collect::<Result<_, DeviceError>>()?;
        Ok(Self { corpus, alpha, mask, parts })
    }

    /// Records the draw of all parts for the counter's step.
    pub(super) fn draw(&self, step: &mut Recording, counter: Slice) {
        for part in &self.parts {
            let buffers = Buffers {
                corpus: self.corpus,
                counter,
                alpha: self.alpha,
                ids: part.ids,
                targets: part.targets,
                mask: part.mask,
                timesteps: part.timesteps,
            };
            draw_batch::record(step, buffers, &part.draw);
        }
    }
}
