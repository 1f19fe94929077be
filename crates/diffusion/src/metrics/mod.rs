//! How good a model is: numbers over the statistics of positions and over generated texts.
//!
//! * [`MaskedScores`]: masked perplexity and reconstruction accuracy (not a likelihood bound).
//! * [`EntropyByTime`]: how unsure predictions are at each time.
//! * [`Bound`]: the evidence bound, as bits per byte.
//! * [`change_rate`], [`distinct`], [`unigram_entropy`], [`Overlap`]: of generated texts.
//! * [`Scorer`] computes the statistics of positions on a device; [`corrupt`] masks them.

mod bound;
mod corruption;
mod masked;
mod scorer;
mod texts;

#[cfg(test)]
mod tests;

pub use bound::{BitsPerByte, Bound, stratified_times};
pub use corruption::corrupt;
pub use masked::{EntropyByTime, MaskedScores};
pub use scorer::{Scorer, Scores};
pub use texts::{Overlap, change_rate, distinct, unigram_entropy};
