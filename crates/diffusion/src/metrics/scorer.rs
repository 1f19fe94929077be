//! Statistics of positions, computed on a device.

use device::{Device, DeviceError, Element, Program, Recording, Slice};
use kernels::cross_entropy::TokenStats;
use kernels::{Variants, sample_explain};
use model::forward::Pass;
use model::{Activations, Model, Schedule};

use super::costs::{self, Costs};

/// Statistics of the predictions for noisy tokens, `(N)` each.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// Cross-entropy of the clean token, in nats.
    pub loss: Vec<f32>,
    /// 1 where the clean token is the likeliest.
    pub hit: Vec<f32>,
    /// Entropy of the prediction, in nats.
    pub entropy: Vec<f32>,
    /// What a step costs in [`NoiseBound`](super::NoiseBound), in nats: the cross-entropy, unless the
    /// model is one of uniform diffusion.
    pub costs: Vec<f32>,
    /// Probability of the likeliest token; empty unless the scorer is one
    /// [with confidence](Scorer::with_confidence).
    pub confidence: Vec<f32>,
}

/// A recorded forward pass over batches of `batch` sequences of `length` tokens: of as many positions
/// as the model's objective makes of them, see [`Objective::positions`](model::Objective::positions).
#[derive(Debug)]
pub struct Scorer {
    program: Program,
    ids: Slice,
    targets: Slice,
    timesteps: Slice,
    stats: TokenStats,
    /// With the times at which sequences are corrupted, `(batch)`.
    costs: Option<(Costs, Slice)>,
    best: Option<Best>,
}

/// The likeliest tokens of every position, of which a scorer wants the probability of the first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Best {
    tokens: Slice,
    probabilities: Slice,
    entropy: Slice,
}

impl Best {
    fn new(device: &mut Device, rows: usize) -> Result<Self, DeviceError> {
        let best = rows * sample_explain::BEST;
        Ok(Self {
            tokens: device.allocate("scored_best", Element::Word, best)?,
            probabilities: device.allocate("scored_probabilities", Element::Float, best)?,
            entropy: device.allocate("scored_entropy", Element::Float, rows)?,
        })
    }

    /// Records them from the `logits` of `count` rows from `first` on.
    pub(super) fn record(self, step: &mut Recording, logits: Slice, first: usize, count: usize) {
        let part = |slice: Slice, width| slice.part(first * width, count * width);
        let io = sample_explain::Buffers {
            logits,
            tokens: part(self.tokens, sample_explain::BEST),
            probabilities: part(self.probabilities, sample_explain::BEST),
            entropy: part(self.entropy, 1),
        };
        sample_explain::record(step, io, None);
    }
}

/// What a scorer says beside loss, hit and entropy.
enum More {
    Nothing,
    Costs(Schedule),
    Confidence,
}

impl Scorer {
    /// Takes device memory for its batches, for as long as the device lives.
    pub fn new(
        device: &mut Device,
        variants: &Variants,
        model: &Model,
        batch: usize,
        length: usize,
    ) -> Result<Self, DeviceError> {
        Self::recorded(device, variants, model, More::Nothing, [batch, length])
    }

    /// The same with the costs of denoising steps, for texts that are corrupted by a schedule.
    pub fn with_costs(
        device: &mut Device,
        variants: &Variants,
        model: &Model,
        schedule: Schedule,
        size: [usize; 2],
    ) -> Result<Self, DeviceError> {
        Self::recorded(device, variants, model, More::Costs(schedule), size)
    }

    /// The same with the probability of the likeliest token.
    pub fn with_confidence(
        device: &mut Device,
        variants: &Variants,
        model: &Model,
        size: [usize; 2],
    ) -> Result<Self, DeviceError> {
        Self::recorded(device, variants, model, More::Confidence, size)
    }

    fn recorded(
        device: &mut Device,
        variants: &Variants,
        model: &Model,
        more: More,
        [batch, length]: [usize; 2],
    ) -> Result<Self, DeviceError> {
        let positions = model.objective.positions(length);
        let parts = model.objective.parts(length) * positions / length;
        let mut acts = Activations::for_inference(device, &model.config, batch, positions)?;
        acts.mask = model.objective.attention();
        let stats = model::alloc_stats(device, batch * positions)?;
        let rows = batch * positions;
        let (costs, best) = match more {
            More::Nothing => (None, None),
            More::Costs(schedule) => (Costs::new(device, model, schedule, rows)?, None),
            More::Confidence => (None, Some(Best::new(device, rows)?)),
        };
        let mut words = |label, len| device.allocate(label, Element::Word, len);
        let ids = words("scored_ids", batch * positions)?;
        let targets = words("scored_targets", batch * positions)?;
        let timesteps = words("scored_timesteps", batch * parts)?;
        let mut step = Recording::default();
        let pass = Pass { variants, model, acts: &acts, ids, timesteps, dropout: None };
        let costs = match costs {
            Some(costs) => Some((costs, words("scored_times", batch)?)),
            None => None,
        };
        let recorded = costs.as_ref().map(|(costs, times)| (costs, *times));
        costs::record(&mut step, &pass, targets, stats, recorded, best);
        let program = device.compile(step)?;
        Ok(Self { program, ids, targets, timesteps, stats, costs, best })
    }

    /// Scores `ids (N)`, as a [`Probe`](crate::Probe) presents them, against clean `targets (N)`, with
    /// the times that the network is told.
    ///
    /// # Panics
    /// When these are of another size than the scorer.
    pub async fn score(
        &self,
        device: &mut Device,
        ids: &[u32],
        targets: &[u32],
        told: &[u32],
    ) -> Result<Scores, DeviceError> {
        let sizes = (ids.len(), targets.len(), told.len());
        assert_eq!(sizes, (self.ids.len, self.targets.len, self.timesteps.len), "size of a batch");
        device.write_words(self.ids, ids)?;
        device.write_words(self.targets, targets)?;
        device.write_words(self.timesteps, told)?;
        device.run(&self.program)?;
        let TokenStats { loss, hit, entropy, .. } = self.stats;
        let costs = self.costs.as_ref().map_or(loss, |(costs, _)| costs.nats);
        let best = self.best.map(|best| best.probabilities);
        let read = [loss, hit, entropy, costs].into_iter().chain(best).collect::<Vec<_>>();
        let mut read = device.read_bits(&read).await?.into_iter().map(floats);
        let mut next = || read.next().unwrap_or_default();
        Ok(Scores {
            loss: next(),
            hit: next(),
            entropy: next(),
            costs: next(),
            confidence: next().into_iter().step_by(sample_explain::BEST).collect(),
        })
    }

    /// The same where sequences are corrupted at `times`, of which the costs are a function.
    ///
    /// # Panics
    /// When these are of another size than the scorer.
    pub async fn score_at(
        &self,
        device: &mut Device,
        ids: &[u32],
        targets: &[u32],
        times: &[u32],
        told: &[u32],
    ) -> Result<Scores, DeviceError> {
        if let Some((_, slice)) = &self.costs {
            device.write_words(*slice, times)?;
        }
        self.score(device, ids, targets, told).await
    }
}

/// The numbers of which these are the bits.
pub(crate) fn floats(bits: Vec<u32>) -> Vec<f32> {
    bits.into_iter().map(f32::from_bits).collect()
}
