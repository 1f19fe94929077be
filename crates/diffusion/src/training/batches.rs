//! Where the batches of a step come from.

use device::{Device, DeviceError, Element, Recording, Slice};
use kernels::draw_batch::{self, Buffers, Draw};
use kernels::{draw_blocks, loss, loss_by_level, shift};
use model::{Config, Objective};

use super::TrainingOptions;
use super::corpus::Corpus;
use crate::objective::Corruption;

/// The batch of a step on the device, in the microbatches that its passes take, one after the
/// other. N is the number of positions of a microbatch, M the number of microbatches.
///
/// An objective fills these buffers: it decides which tokens are corrupted, which positions have
/// a loss, and how much each counts. Both passes take them as they are.
#[derive(Clone, Debug)]
pub struct Batches {
    source: Source,
    /// Sequences of a microbatch.
    pub(super) batch: usize,
    /// Positions of a sequence, which block diffusion sees twice, see [`Objective::positions`].
    pub(super) positions: usize,
    /// 1 where a token is corrupted, `(M N)`. All microbatches lie together, because the weight of a
    /// position depends on the masks of the whole batch.
    pub(super) mask: Slice,
    /// Weight of each position in the loss of the step, `(M N)`.
    pub(super) loss_weights: Slice,
    /// What the passes take.
    pub(super) microbatches: Vec<Microbatch>,
}

/// The sequences of one pass.
#[derive(Clone, Copy, Debug)]
pub(super) struct Microbatch {
    /// What the network sees: noisy tokens, clean ones one position later, or both noisy and clean
    /// ones, `(N)`.
    pub(super) ids: Slice,
    /// Clean tokens, `(N)`.
    pub(super) targets: Slice,
    /// Diffusion step of each sequence, or of each block and its clean twin, `(batch)` or
    /// `(batch, 2, blocks)`.
    pub(super) timesteps: Slice,
}

/// What fills the buffers.
#[derive(Clone, Debug)]
enum Source {
    /// `draw_batch` or `draw_blocks`, from a corpus on the device.
    Drawn(Box<Drawn>),
    /// The host, before each step.
    Written,
}

/// What batches are drawn from.
#[derive(Clone, Debug)]
struct Drawn {
    corpus: Corpus,
    levels: Slice,
    /// Factor of the loss at each level; without, the loss is a mean.
    factors: Option<Slice>,
    /// Whether every position has a loss, corrupted or not.
    everywhere: bool,
    draw: Draw,
    objective: Objective,
    /// Id of the token `[MASK]`.
    mask_id: u32,
}

/// A whole batch, as the host writes it; its microbatches one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchData {
    /// Noisy tokens, `(M N)`.
    pub ids: Vec<u32>,
    /// Clean tokens, `(M N)`.
    pub targets: Vec<u32>,
    /// 1 where masked, else 0, `(M N)`.
    pub mask: Vec<u32>,
    /// Diffusion step of each sequence, `(M batch)`.
    pub timesteps: Vec<u32>,
}

impl Batches {
    /// Batches that every step draws from `corpus` on the device: windows, timesteps and masks
    /// follow from the seed and the number of the step.
    pub fn drawn(
        device: &mut Device,
        config: &Config,
        options: &TrainingOptions,
        corpus: Corpus,
    ) -> Result<Self, DeviceError> {
        let TrainingOptions { batch, length, accumulation, stratified, seed, .. } = *options;
        let TrainingOptions { story_starts, complementary, .. } = *options;
        let corruption = Corruption::new(options, config.timesteps);
        let Corruption { levels: table, factors, everywhere } = corruption;
        let levels = device.words("noise levels", &draw_batch::table(&table))?;
        let factors = factors.map(|factors| device.floats("loss_factors", &factors)).transpose()?;
        let draw = Draw {
            first: 0,
            count: batch,
            total: accumulation * batch,
            length,
            levels: table.len() - 1,
            noise: options.objective.noise(config),
            stratified,
            story_starts,
            complementary,
            seed,
        };
        let (objective, mask_id) = (options.objective, config.mask_id);
        let drawn = Drawn { corpus, levels, factors, everywhere, draw, objective, mask_id };
        let source = Source::Drawn(Box::new(drawn));
        let positions = objective.positions(length);
        // As many parts in each copy of a text.
        let parts = objective.parts(length) * positions / length;
        let batches = Self::new(device, source, [accumulation, batch, positions, parts])?;
        if everywhere {
            let count = batches.loss_weights.len;
            device.write_floats(batches.loss_weights, &vec![1.0 / count as f32; count])?;
        }
        Ok(batches)
    }

    /// Batches of `[microbatches, sequences, tokens]` that the host writes with
    /// [`Batches::write`] before each step.
    pub fn written(
        device: &mut Device,
        [count, batch, length]: [usize; 3],
    ) -> Result<Self, DeviceError> {
        Self::new(device, Source::Written, [count, batch, length, 1])
    }

    fn new(
        device: &mut Device,
        source: Source,
        [count, batch, positions, parts]: [usize; 4],
    ) -> Result<Self, DeviceError> {
        let rows = batch * positions;
        let mut words = |label, len| device.allocate(label, Element::Word, len);
        let microbatches = (0..count).map(|_| {
            Ok(Microbatch {
                ids: words("ids", rows)?,
                targets: words("targets", rows)?,
                timesteps: words("timesteps", batch * parts)?,
            })
        });
        let microbatches = microbatches.collect::<Result<_, DeviceError>>()?;
        let mask = words("mask", count * rows)?;
        let loss_weights = device.allocate("loss_weights", Element::Float, count * rows)?;
        Ok(Self { source, batch, positions, mask, loss_weights, microbatches })
    }

    /// Records what makes the batch of the counter's step, and its loss weights.
    pub(super) fn record(&self, step: &mut Recording, counter: Slice) {
        if let Source::Drawn(drawn) = &self.source {
            let Drawn { corpus, levels, draw, objective, mask_id, .. } = **drawn;
            let Corpus { ids: corpus, starts } = corpus;
            let rows = self.batch * self.positions;
            for (index, &Microbatch { ids, targets, timesteps }) in
                self.microbatches.iter().enumerate()
            {
                let mask = self.mask.part(index * rows, rows);
                let io = Buffers { corpus, counter, levels, starts, ids, targets, mask, timesteps };
                let draw = Draw { first: index * self.batch, ..draw };
                match objective {
                    Objective::Block(block) => draw_blocks::record(step, io, &draw, block),
                    _ => draw_batch::record(step, io, &draw),
                }
                if objective.shifts() {
                    let io = shift::Buffers { tokens: targets, shifted: ids };
                    shift::record(step, io, draw.length, mask_id);
                }
            }
        }
        let (mask, weights) = (self.mask, self.loss_weights);
        match &self.source {
            // They were written once.
            Source::Drawn(drawn) if drawn.everywhere => (),
            Source::Drawn(drawn) if let Some(factors) = drawn.factors => {
                let length = drawn.draw.length;
                let io = loss_by_level::Buffers { mask, counter, factors, weights };
                let block = length / drawn.objective.parts(length);
                loss_by_level::record(step, io, &drawn.draw, block);
            }
            _ => loss::weights(step, loss::Weights { mask, weights }),
        }
    }

    /// Writes the batch of the next step.
    ///
    /// # Panics
    /// When batches are drawn on the device, or when `data` is of another size.
    pub fn write(&self, device: &mut Device, data: &BatchData) -> Result<(), DeviceError> {
        assert!(matches!(self.source, Source::Written), "batches are drawn on the device");
        let BatchData { ids, targets, mask, timesteps } = data;
        let (rows, sequences) = (self.mask.len, self.microbatches.len() * self.batch);
        let sizes = [ids.len(), targets.len(), mask.len(), timesteps.len()];
        assert_eq!(sizes, [rows, rows, rows, sequences], "sizes of a batch");
        let rows = rows / self.microbatches.len();
        for (index, microbatch) in self.microbatches.iter().enumerate() {
            let (start, first) = (index * rows, index * self.batch);
            device.write_words(microbatch.ids, &ids[start..start + rows])?;
            device.write_words(microbatch.targets, &targets[start..start + rows])?;
            device.write_words(microbatch.timesteps, &timesteps[first..first + self.batch])?;
        }
        device.write_words(self.mask, mask)
    }
}
