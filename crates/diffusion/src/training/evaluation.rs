//! Losses on fixed batches.

use device::{Device, DeviceError, Element, Program, Recording, Slice};
use kernels::Variants;
use kernels::cross_entropy::TokenStats;
use model::forward::Pass;
use model::{Activations, Model};
use serde::{Deserialize, Serialize};

use super::TrainingOptions;
use super::batches::{Batches, Microbatch};
use super::corpus::Corpus;
use crate::metrics::costs::{self, Costs};
use crate::metrics::{MaskedScores, floats};
use crate::objective::{Probe, evaluation};

/// Seed of the batches of every evaluation, so that runs of different seeds can be compared.
const SEED: u64 = 0x6576_616c;

/// Part of the corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// What is trained on.
    Train,
    /// What is held out.
    Validation,
}

impl Split {
    /// Its name, as in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
        }
    }
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
    /// Upper bound of the cross-entropy of a token, or exactly that of an autoregressive network, in
    /// nats (see [`NoiseBound`](crate::metrics::NoiseBound)).
    pub bound: f64,
    /// Standard error of the bound.
    pub bound_error: f64,
}

/// Both splits' recorded evaluation.
#[derive(Debug)]
pub(super) struct Evaluator {
    train: Program,
    validation: Program,
    counter: Slice,
    train_noise: Noise,
    validation_noise: Noise,
    stats: TokenStats,
    costs: Option<Costs>,
    length: usize,
    positions: usize,
    probe: Probe,
}

/// What was drawn for a batch.
#[derive(Clone, Copy, Debug)]
struct Noise {
    /// 1 where a token is masked, `(N)`.
    mask: Slice,
    /// Of each sequence or block, see [`Microbatch`].
    timesteps: Slice,
}

impl Evaluator {
    pub(super) fn new(
        device: &mut Device,
        variants: &Variants,
        model: &Model,
        acts: &Activations,
        [train, validation]: [Corpus; 2],
        options: &TrainingOptions,
    ) -> Result<Self, DeviceError> {
        let counter = device.allocate("evaluation step", Element::Word, 1)?;
        let stats = model::alloc_stats(device, acts.rows())?;
        let options = TrainingOptions { accumulation: 1, seed: SEED, ..evaluation(options) };
        let costs = Costs::new(device, model, options.schedule, acts.rows())?;
        let record = |device: &mut Device, corpus: Corpus| {
            let batches = Batches::drawn(device, &model.config, &options, corpus)?;
            let mut step = Recording::default();
            batches.record(&mut step, counter);
            let Microbatch { ids, targets, timesteps } = batches.microbatches[0];
            let pass = Pass { variants, model, acts, ids, timesteps, dropout: None };
            // The schedule is the training's, and so is what the network is told.
            let costs = costs.as_ref().map(|costs| (costs, timesteps));
            costs::record(&mut step, &pass, targets, stats, costs, None);
            let noise = Noise { mask: batches.mask, timesteps };
            Ok::<_, DeviceError>((device.compile(step)?, noise))
        };
        let (train, train_noise) = record(device, train)?;
        let (validation, validation_noise) = record(device, validation)?;
        Ok(Self {
            train,
            validation,
            counter,
            train_noise,
            validation_noise,
            stats,
            length: options.length,
            positions: acts.length,
            probe: Probe::new(&model.config, options.objective, options.schedule, options.schedule),
            costs,
        })
    }

    pub(super) async fn evaluate(
        &self,
        device: &mut Device,
        split: Split,
        batches: u32,
    ) -> Result<Evaluation, DeviceError> {
        let (program, Noise { mask, timesteps }) = match split {
            Split::Train => (&self.train, self.train_noise),
            Split::Validation => (&self.validation, self.validation_noise),
        };
        let (mut scores, mut entropies) = (MaskedScores::default(), 0.0);
        let mut bound = self.probe.bound();
        let TokenStats { loss, hit, entropy, .. } = self.stats;
        for batch in 0..batches {
            device.write_words(self.counter, &[batch])?;
            device.run(program)?;
            let costs = self.costs.as_ref().map_or(loss, |costs| costs.nats);
            let [mask, timesteps, loss, hit, entropy, costs] = device
                .read_bits(&[mask, timesteps, loss, hit, entropy, costs])
                .await?
                .try_into()
                .expect("as many parts as slices");
            let loss = floats(loss);
            scores.add(&loss, &floats(hit), &mask);
            let costs = floats(costs);
            let parts = self.probe.objective.parts(self.length);
            let times: Vec<usize> = timesteps.into_iter().map(|t| t as usize).collect();
            let times = times.chunks(parts * self.positions / self.length);
            let sequences = costs.chunks(self.positions).zip(mask.chunks(self.positions));
            for ((costs, mask), times) in sequences.zip(times) {
                // Noisy tokens come before the clean ones that they are predicted from.
                bound.add(&times[..parts], &costs[..self.length], &mask[..self.length]);
            }
            let masked = floats(entropy).into_iter().zip(mask).filter(|&(_, m)| m == 1);
            entropies += masked.map(|(entropy, _)| f64::from(entropy)).sum::<f64>();
        }
        let (nats, error) = bound.nats_per_sequence();
        Ok(Evaluation {
            loss: scores.loss(),
            accuracy: scores.accuracy(),
            entropy: entropies / scores.masked().max(1) as f64,
            masked: scores.masked(),
            bound: nats / self.length as f64,
            bound_error: error / self.length as f64,
        })
    }
}
