//! Losses on fixed batches.

use device::{Device, DeviceError, Element, Program, Recording, Slice};
use kernels::Variants;
use kernels::cross_entropy::TokenStats;
use model::forward::{self, Pass};
use model::{Activations, Model};

use super::TrainingOptions;
use super::batches::{Batches, Microbatch};

/// Seed of the batches of every evaluation, so that runs of different seeds can be compared.
const SEED: u64 = 0x6576_616c;

/// Part of the corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// What is trained on.
    Train,
    /// What is held out.
    Validation,
}

/// How well clean tokens were predicted at masked positions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// Mean over the batches of the mean cross-entropy of their masked positions, in nats.
    pub loss: f64,
    /// Share of the masked positions whose token was the most likely one.
    pub accuracy: f64,
    /// Mean entropy of the predictions at masked positions, in nats.
    pub entropy: f64,
    /// Masked positions.
    pub masked: u64,
}

/// Both splits' recorded evaluation.
#[derive(Debug)]
pub(super) struct Evaluator {
    train: Program,
    validation: Program,
    counter: Slice,
    train_mask: Slice,
    validation_mask: Slice,
    stats: TokenStats,
}

impl Evaluator {
    pub(super) fn new(
        device: &mut Device,
        variants: &Variants,
        model: &Model,
        acts: &Activations,
        train: Slice,
        validation_ids: &[u32],
        options: &TrainingOptions,
    ) -> Result<Self, DeviceError> {
        let counter = device.allocate("evaluation step", Element::Word, 1)?;
        let stats = model::alloc_stats(device, acts.rows())?;
        let options =
            TrainingOptions { accumulation: 1, seed: SEED, stratified: false, ..*options };
        let record = |device: &mut Device, corpus| {
            let batches = Batches::drawn(device, &model.config, &options, corpus)?;
            let mut step = Recording::default();
            batches.record(&mut step, counter);
            let Microbatch { ids, targets, timesteps } = batches.microbatches[0];
            let pass = Pass { variants, model, acts, ids, timesteps };
            forward::record_stats(&mut step, &pass, targets, stats);
            Ok::<_, DeviceError>((device.compile(step)?, batches.mask))
        };
        let (train, train_mask) = record(device, train)?;
        let validation = device.words("validation corpus", validation_ids)?;
        let (validation, validation_mask) = record(device, validation)?;
        Ok(Self { train, validation, counter, train_mask, validation_mask, stats })
    }

    pub(super) async fn evaluate(
        &self,
        device: &mut Device,
        split: Split,
        batches: u32,
    ) -> Result<Evaluation, DeviceError> {
        let (program, mask) = match split {
            Split::Train => (&self.train, self.train_mask),
            Split::Validation => (&self.validation, self.validation_mask),
        };
        let (mut losses, mut hits, mut entropies, mut masked) = (0.0, 0.0, 0.0, 0);
        for batch in 0..batches {
            device.write_words(self.counter, &[batch])?;
            device.run(program)?;
            let mask = device.read_words(mask).await?;
            let loss = device.read_floats(self.stats.loss).await?;
            let hit = device.read_floats(self.stats.hit).await?;
            let entropy = device.read_floats(self.stats.entropy).await?;
            // As in training: without a masked position, all count.
            let count = mask.iter().filter(|&&m| m == 1).count();
            let counts = |n: &usize| count == 0 || mask[*n] == 1;
            let sum = |values: &[f32]| -> f64 {
                (0..mask.len()).filter(counts).map(|n| f64::from(values[n])).sum()
            };
            let count = if count == 0 { mask.len() } else { count };
            losses += sum(&loss) / count as f64;
            hits += sum(&hit);
            entropies += sum(&entropy);
            masked += count as u64;
        }
        Ok(Evaluation {
            loss: losses / f64::from(batches),
            accuracy: hits / masked as f64,
            entropy: entropies / masked as f64,
            masked,
        })
    }
}
