//! The entropy of the stories, as a sample shows it.

use rayon::prelude::*;

use super::Grammar;
use super::likelihood::sum;

/// A mean with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Its standard error.
    pub error: f64,
}

/// Entropy of a grammar's stories, sampled: how surprising they are to somebody who knows the
/// grammar. No model can do better on average, except on stories that it was trained on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entropy {
    /// Stories of the sample.
    pub stories: u64,
    /// Bits of a story: -log2 of the probability of its text, summed over all derivations.
    pub bits: Estimate,
    /// Bytes of a story.
    pub bytes: Estimate,
    /// Bits per byte: the ratio of both means, with the error of a ratio estimator (Cochran 1977,
    /// Sampling Techniques, section 6.3).
    pub bits_per_byte: Estimate,
    /// Bits by which a story's own derivation exceeds those of its text: what would be wrong if
    /// derivations were not summed.
    pub ambiguity: Estimate,
    /// Stories with more than one derivation.
    pub ambiguous: u64,
}

/// One story.
struct Sample {
    bits: f64,
    bytes: f64,
    ambiguity: f64,
    ways: usize,
}

impl Entropy {
    /// Measures the first `stories` stories of a seed; `on_story` is called after each, from several
    /// threads. The errors are infinite for a single story.
    pub fn sample(grammar: &Grammar, seed: u64, stories: u64, on_story: impl Fn() + Sync) -> Self {
        let samples: Vec<Sample> = (0..stories)
            .into_par_iter()
            .map(|number| {
                let told = grammar.tell(seed, number);
                let ways = grammar.ways(&told.text);
                // The story itself is one of the ways.
                let bits = sum(&ways).unwrap_or(told.bits);
                let bytes = told.text.len() as f64;
                on_story();
                Sample { bits, bytes, ambiguity: told.bits - bits, ways: ways.len() }
            })
            .collect();
        let mean = |value: fn(&Sample) -> f64| Estimate::mean(samples.iter().map(value));
        let (bits, bytes) = (mean(|s| s.bits), mean(|s| s.bytes));
        let ratio = bits.mean / bytes.mean;
        let residuals = Estimate::mean(samples.iter().map(|s| s.bits - ratio * s.bytes));
        Self {
            stories,
            bits,
            bytes,
            bits_per_byte: Estimate { mean: ratio, error: residuals.error / bytes.mean },
            ambiguity: mean(|s| s.ambiguity),
            ambiguous: samples.iter().filter(|s| s.ways > 1).count() as u64,
        }
    }
}

impl Estimate {
    fn mean(values: impl Iterator<Item = f64> + Clone) -> Self {
        let count = values.clone().count() as f64;
        let mean = values.clone().sum::<f64>() / count;
        let squares: f64 = values.map(|value| (value - mean).powi(2)).sum();
        Self { mean, error: (squares / (count - 1.0) / count).sqrt() }
    }
}
