//! What the model expected, in flat arrays that travel well.

use diffusion::sampler::Prediction;
use serde::{Deserialize, Serialize};

/// Tokens that are kept of each position.
pub const TOP: usize = kernels::sample_explain::BEST;

/// What the model expected during a step, at the positions that it was asked about: those that were
/// masked, or all that are drawn again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Predictions {
    /// Likeliest tokens of each position, `(len, TOP)`, the likeliest first; `u32::MAX` for none.
    pub tokens: Vec<u32>,
    /// Their probabilities, `(len, TOP)`.
    pub probabilities: Vec<f32>,
    /// Entropy of each position, in nats, 0 where it was not asked, `(len)`.
    pub entropy: Vec<f32>,
}

impl Predictions {
    /// The likeliest tokens of a position with their probabilities; nothing behind the last one.
    pub fn top(&self, position: usize) -> impl Iterator<Item = (u32, f32)> + use<'_> {
        let range = position * TOP..(position + 1) * TOP;
        let tokens = self.tokens.get(range.clone()).unwrap_or_default();
        let probabilities = self.probabilities.get(range).unwrap_or_default();
        let top = tokens.iter().copied().zip(probabilities.iter().copied());
        top.filter(|&(token, _)| token != u32::MAX)
    }

    /// Entropy of a position in nats, if the model was asked about it.
    pub fn entropy(&self, position: usize) -> Option<f32> {
        self.top(position).next().and_then(|_| self.entropy.get(position).copied())
    }
}

impl FromIterator<Option<Prediction>> for Predictions {
    fn from_iter<I: IntoIterator<Item = Option<Prediction>>>(all: I) -> Self {
        let mut packed = Self::default();
        let unasked = || Prediction { top: Vec::new(), entropy: 0.0 };
        for prediction in all {
            let Prediction { top, entropy } = prediction.unwrap_or_else(unasked);
            let filled = top.into_iter().chain(std::iter::repeat((u32::MAX, 0.0)));
            for (token, probability) in filled.take(TOP) {
                packed.tokens.push(token);
                packed.probabilities.push(probability);
            }
            packed.entropy.push(entropy);
        }
        packed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_and_read() {
        let short = Prediction { top: vec![(7, 0.6), (3, 0.4)], entropy: 0.7 };
        let full = Prediction { top: (0..5).map(|id| (id, 0.2)).collect(), entropy: 1.6 };
        let packed: Predictions =
            [Some(short.clone()), Some(full.clone()), None].into_iter().collect();
        assert_eq!((packed.tokens.len(), packed.entropy.len()), (3 * TOP, 3));
        assert_eq!(packed.top(0).collect::<Vec<_>>(), short.top);
        assert_eq!(packed.top(1).collect::<Vec<_>>(), full.top);
        assert_eq!((packed.top(2).count(), packed.entropy(2)), (0, None));
        assert_eq!((packed.top(3).count(), packed.entropy(3)), (0, None));
        assert_eq!(packed.entropy(1), Some(1.6));
    }
}
