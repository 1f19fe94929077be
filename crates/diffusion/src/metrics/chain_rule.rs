//! The likelihood of a text by the chain rule: one token after the other, each from those that are
//! known before it.

use std::fmt;

use device::{Device, DeviceError};
use kernels::Variants;
use kernels::rng::{Philox, Stream};
use model::{Model, Objective};
use serde::{Deserialize, Serialize};

use super::Scorer;
use crate::Probe;

/// Seed of random orders, the same for every model.
const SEED: u64 = 0x6f72_6465;

/// Which token of a text, or of a block of it, comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChainOrder {
    /// The first that is hidden.
    LeftToRight,
    /// The one that the network is surest of: its likeliest token has the highest probability. What
    /// really stands there has no say.
    Confidence,
    /// Any.
    Random,
}

/// Why a text cannot be read in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainOrderError {
    /// An autoregressive network was asked for another order than its own.
    #[error("an autoregressive model reads left to right only, not in the order `{0}`")]
    OnlyLeftToRight(ChainOrder),
    /// A network of uniform diffusion.
    #[error(
        "a model of the objective `{0}` cannot be told which tokens are not known yet, so that its texts have no order; only its bound can be measured"
    )]
    NoOrder(Objective),
}

impl fmt::Display for ChainOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl ChainOrder {
    /// Every order.
    pub const ALL: [Self; 3] = [Self::LeftToRight, Self::Confidence, Self::Random];

    /// Its name, as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LeftToRight => "left-to-right",
            Self::Confidence => "confidence",
            Self::Random => "random",
        }
    }

    /// Passes over a text of `length` tokens: one for each token of a block, or of the text.
    ///
    /// # Errors
    /// A network with this objective cannot read in this order.
    pub fn passes(self, objective: Objective, length: usize) -> Result<usize, ChainOrderError> {
        match (objective, self) {
            (Objective::Autoregressive, Self::LeftToRight) => Ok(1),
            (Objective::Autoregressive, _) => Err(ChainOrderError::OnlyLeftToRight(self)),
            (Objective::Uniform | Objective::Replaced, _) => {
                Err(ChainOrderError::NoOrder(objective))
            }
            (Objective::Masked | Objective::Span | Objective::Block(_), _) => {
                Ok(length / objective.parts(length))
            }
        }
    }

    /// The place that comes next where `hidden` are left; `shuffled` are all places in random order.
    fn next(self, hidden: &[bool], confidence: &[f32], shuffled: &[usize]) -> usize {
        let left = |&place: &usize| hidden[place];
        let next = match self {
            Self::LeftToRight => (0..hidden.len()).find(left),
            // Of equals the first.
            Self::Confidence => (0..hidden.len())
                .rev()
                .filter(left)
                .max_by(|&a, &b| confidence[a].total_cmp(&confidence[b])),
            Self::Random => shuffled.iter().copied().find(left),
        };
        next.expect("a hidden token")
    }
}

/// Places in random order, another one for each number.
fn shuffled(length: usize, number: u32) -> Vec<usize> {
    let generator = Philox::new(SEED);
    let mut places: Vec<usize> = (0..length).collect();
    places.sort_by_cached_key(|&place| generator.of(Stream::Order, [place as u32, number, 0]));
    places
}

/// Reads batches of texts in an order, with the blocks of a text side by side: what a block is read
/// from are its own known tokens and the whole blocks before it.
#[derive(Debug)]
pub struct ChainRule {
    scorer: Scorer,
    probe: Probe,
    order: ChainOrder,
    passes: usize,
    length: usize,
}

impl ChainRule {
    /// For batches of `[texts, tokens]`.
    ///
    /// # Errors
    /// The device has no memory for them.
    ///
    /// # Panics
    /// When a network with this objective cannot read in this order, see [`ChainOrder::passes`].
    pub fn new(
        device: &mut Device,
        variants: &Variants,
        model: &Model,
        probe: Probe,
        order: ChainOrder,
        [batch, length]: [usize; 2],
    ) -> Result<Self, DeviceError> {
        let passes = order.passes(probe.objective, length).expect("an order of this objective");
        let scorer = Scorer::with_confidence(device, variants, model, [batch, length])?;
        Ok(Self { scorer, probe, order, passes, length })
    }

    /// Information of each of the texts `(batch, length)`, in nats. `numbers (batch)` are those of
    /// their random orders; `pass` is called after each pass of the network.
    ///
    /// # Errors
    /// The device failed.
    ///
    /// # Panics
    /// When `texts` are of another size than the batches.
    pub async fn nats(
        &self,
        device: &mut Device,
        texts: &[u32],
        numbers: &[u32],
        mut pass: impl FnMut(),
    ) -> Result<Vec<f64>, DeviceError> {
        let Self { ref scorer, probe, order, passes, length } = *self;
        let autoregressive = probe.objective == Objective::Autoregressive;
        let size = if autoregressive { length } else { passes };
        let places: Vec<_> = numbers.iter().map(|&number| shuffled(size, number)).collect();
        let mut hidden = vec![true; texts.len()];
        let mut nats = vec![0.0; numbers.len()];
        for known in 0..passes {
            let question = probe.partly_known(texts, &hidden, length, known as f64 / size as f64);
            let scores = scorer.score(device, &question.seen, &question.targets, &question.told);
            let scores = scores.await?;
            let positions = probe.objective.positions(length);
            for (text, nats) in nats.iter_mut().enumerate() {
                for first in (0..length).step_by(size) {
                    let [from, at] = [text * length, text * positions].map(|start| start + first);
                    if autoregressive {
                        let loss = &scores.loss[at..at + size];
                        *nats += loss.iter().map(|&nats| f64::from(nats)).sum::<f64>();
                        continue;
                    }
                    let hidden = &mut hidden[from..from + size];
                    let confidence = &scores.confidence[at..at + size];
                    let next = order.next(hidden, confidence, &places[text]);
                    *nats += f64::from(scores.loss[at + next]);
                    hidden[next] = false;
                }
            }
            pass();
        }
        Ok(nats)
    }
}

#[cfg(test)]
mod tests {
    use model::{Config, Init, Schedule, initial_values};
    use pollster::block_on;

    use super::*;

    const VOCABULARY: u32 = 3;
    const LENGTH: usize = 3;

    /// A network whose every weight matters: nats of all texts of three tokens of three, in an order.
    fn all_texts(objective: Objective, order: ChainOrder) -> Vec<f64> {
        let config = Config {
            n_layer: 1,
            n_head: 2,
            n_embd: 8,
            block_size: LENGTH,
            timesteps: 5,
            mask_id: VOCABULARY - 1,
            timestep_embedding: objective != Objective::Autoregressive,
            ..Config::reference(VOCABULARY as usize)
        };
        let mut device = Device::oracle();
        let init = Init { std: 0.7, zero_projections: false, seed: 4 };
        let model = Model { objective, ..Model::new(&mut device, config).expect("it fits") };
        model.parameters.write(&mut device, &initial_values(&config, &init)).expect("it fits");
        let texts: Vec<u32> = (0..27).flat_map(|n| [n / 9, n / 3 % 3, n % 3]).collect();
        let probe = Probe::new(&config, objective, Schedule::Linear, Schedule::Linear);
        let variants = Variants::default();
        let rule = ChainRule::new(&mut device, &variants, &model, probe, order, [27, LENGTH]);
        let rule = rule.expect("it fits");
        let mut passes = 0;
        let nats = rule.nats(&mut device, &texts, &[7; 27], || passes += 1);
        let nats = block_on(nats).expect("a device that works");
        assert_eq!(Ok(passes), order.passes(objective, LENGTH));
        nats
    }

    /// The probabilities of all texts there are sum to one, whatever the order, and differ with it.
    #[test]
    fn likelihoods_are_those_of_a_distribution() {
        let mut found = vec![];
        for objective in [Objective::Masked, Objective::Span, Objective::Block(3)] {
            for order in ChainOrder::ALL {
                let nats = all_texts(objective, order);
                let total: f64 = nats.iter().map(|nats| (-nats).exp()).sum();
                assert!((total - 1.0).abs() < 1e-5, "{objective}, {order}: {total}");
                found.push(nats);
            }
        }
        assert!(found[0] != found[1] && found[0] != found[2] && found[1] != found[2]);
        // Masks are masks, and a text in one block is a whole one.
        assert_eq!(found[..3], found[3..6]);
        for (whole, block) in found[..3].iter().zip(&found[6..]) {
            let differ = whole.iter().zip(block).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(differ < 1e-5, "{differ}");
        }
    }

    /// Blocks of a token are read left to right in every order, and an autoregressive network reads so.
    #[test]
    fn blocks_are_read_one_after_the_other() {
        let [first, second, third] =
            ChainOrder::ALL.map(|order| all_texts(Objective::Block(1), order));
        let total: f64 = first.iter().map(|nats| (-nats).exp()).sum();
        assert!((total - 1.0).abs() < 1e-5, "{total}");
        assert!(first == second && first == third);
        let nats = all_texts(Objective::Autoregressive, ChainOrder::LeftToRight);
        let total: f64 = nats.iter().map(|nats| (-nats).exp()).sum();
        assert!((total - 1.0).abs() < 1e-5, "{total}");
    }

    #[test]
    fn what_comes_next() {
        let (hidden, confidence) = ([false, true, true, true], [0.9, 0.2, 0.6, 0.6]);
        let next = |order: ChainOrder| order.next(&hidden, &confidence, &[0, 3, 1, 2]);
        assert_eq!(ChainOrder::ALL.map(next), [1, 2, 3]);
        let places = shuffled(100, 1);
        assert_ne!(places, shuffled(100, 2));
        let mut sorted = places;
        sorted.sort_unstable();
        assert_eq!(sorted, Vec::from_iter(0..100));
    }

    #[test]
    fn impossible_orders_get_a_sentence() {
        let error = |objective, order: ChainOrder| {
            order.passes(objective, 8).expect_err("an impossible order").to_string()
        };
        assert_eq!(
            error(Objective::Autoregressive, ChainOrder::Confidence),
            "an autoregressive model reads left to right only, not in the order `confidence`"
        );
        assert!(
            error(Objective::Uniform, ChainOrder::Random)
                .starts_with("a model of the objective `uniform`")
        );
        assert_eq!(ChainOrder::Random.passes(Objective::Block(4), 8), Ok(4));
    }
}
