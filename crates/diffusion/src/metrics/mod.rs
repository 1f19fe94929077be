//! Metrics: of the predictions at masked positions, and of generated texts.
//!
//! * [`MaskedScores`]: masked perplexity and reconstruction accuracy (not a likelihood bound).
//! * [`EntropyByTime`]: how unsure predictions are at each time.
//! * [`NoiseBound`]: the negative evidence lower bound (NELBO), as bits per byte.
//! * [`ChainRule`]: the likelihood itself, one token after the other in some order.
//! * [`change_rate`], [`distinct`], [`unigram_entropy`], [`Overlap`]: of generated texts.
//! * [`Scorer`] computes the statistics of positions on a device; [`corrupt`] corrupts them.

mod chain_rule;
mod corruption;
pub(crate) mod costs;
mod masked;
mod noise_bound;
mod scorer;
mod texts;

#[cfg(test)]
mod tests;

pub use chain_rule::{ChainOrder, ChainOrderError, ChainRule};
pub use corruption::corrupt;
pub use masked::{EntropyByTime, MaskedScores};
pub use noise_bound::{BitsPerByte, NoiseBound, stratified_times};
pub(crate) use scorer::floats;
pub use scorer::{Scorer, Scores};
pub use texts::{Overlap, change_rate, distinct, unigram_entropy};
