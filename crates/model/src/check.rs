//! What a network must compute for a fixed input, so that a device that computes wrongly is found out.

use serde::{Deserialize, Serialize};

/// A fixed input and what the network makes of it. `export` writes one into the model's card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Token ids, `(len)`; `None` is a mask. All of them are at the first diffusion time.
    pub tokens: Vec<Option<u32>>,
    /// Position, token, and the natural logarithm of the token's probability there: its logit but for
    /// a constant.
    pub expected: Vec<(usize, u32, f32)>,
}

impl Check {
    /// Whether its tokens are among the `vocabulary` tokens of a model, and its positions are there.
    pub(crate) fn fits(&self, vocabulary: usize) -> bool {
        let known = |id: &u32| (*id as usize) < vocabulary;
        let Self { tokens, expected } = self;
        tokens.iter().flatten().all(known)
            && expected.iter().all(|(at, id, _)| *at < tokens.len() && known(id))
    }
}
