//! The probability of a text: all ways to tell it, summed.

use super::Grammar;
use super::pen::Reader;
use super::teller::{Stop, Teller};

impl Grammar {
    /// Bits of a text, -log2 of its probability, where every way in which the grammar may come to
    /// write it counts; none if it cannot.
    ///
    /// Exact: follows every beginning of a story that agrees with the text. As a decision is made
    /// where it shows, few of them live for long; a grammar with many ways to write the same would
    /// take time that grows with their number.
    #[must_use]
    pub fn bits(&self, text: &str) -> Option<f64> {
        sum(&self.ways(text))
    }

    /// Bits of each way to tell a text.
    pub(super) fn ways(&self, text: &str) -> Vec<f64> {
        let mut ways = Vec::new();
        let mut open = vec![(Teller::new(&self.parts, Reader::new(text)), 0.0)];
        while let Some((mut teller, bits)) = open.pop() {
            match teller.tell() {
                Stop::Refused => {}
                Stop::End if teller.pen.finished() => ways.push(bits),
                Stop::End => {}
                Stop::Decide(decision) => {
                    let weights = teller.weights(&decision);
                    let total: u32 = weights.iter().sum();
                    for (option, &weight) in weights.iter().enumerate().filter(|(_, w)| **w > 0) {
                        let mut next = teller.clone();
                        next.decide(&decision, option);
                        open.push((next, bits + (f64::from(total) / f64::from(weight)).log2()));
                    }
                }
            }
        }
        ways
    }
}

/// Bits of a text from those of its ways.
pub(super) fn sum(ways: &[f64]) -> Option<f64> {
    let likeliest = ways.iter().copied().reduce(f64::min)?;
    let sum: f64 = ways.iter().map(|bits| (likeliest - bits).exp2()).sum();
    Some(likeliest - sum.log2())
}
