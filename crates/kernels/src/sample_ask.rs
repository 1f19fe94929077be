//! Positions that a pass needs logits of.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::grid;
use crate::imports::kernel;
use crate::remask::GIVEN;

params! {
    struct Params {
        count: u32,
        mask_id: u32,
        redraws: u32,
    }
}

buffers! {
    /// Buffers of the question, for N positions.
    pub struct Buffers {
        /// Tokens before the pass, `(N)`.
        ids: words,
        /// What the network sees of them, see [`crate::sample_hide`]; may be `ids`: `(N)`.
        seen: words,
        /// Confidence of each token, `(N)`.
        confidence: floats,
        /// Kind of each position, see [`crate::remask`], `(N)`.
        kinds: words,
        /// Written: 1 for positions that are asked, else 0, `(N)`; the weights of
        /// [`crate::rows::select`].
        asked: floats_mut,
        /// Written: the tokens; [`crate::sample_tokens`] then draws those that are asked, `(N)`.
        tokens: words_mut,
        /// Written: their confidence, `(N)`.
        token_confidence: floats_mut,
    }
}

/// `shaders/sample_ask.wgsl`
pub static KERNEL: Kernel = kernel!("sample_ask", Params, Buffers, twin);

/// Records which positions are asked: free masks, or with `redraws` all that are free.
pub fn record(step: &mut Recording, io: Buffers, mask_id: u32, redraws: bool) {
    let count = io.ids.len;
    let params = Params { count: count as u32, mask_id, redraws: u32::from(redraws) };
    step.push(Launch::new(&KERNEL, &params, io, grid::elements(count)));
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, buffers) = args.take::<Params, 7>();
    let [ids, seen, confidence, kinds, asked, tokens, token_confidence] = buffers;
    tokens.words_mut().copy_from_slice(ids.words());
    token_confidence.floats_mut().copy_from_slice(confidence.floats());
    let before = seen.words().iter().zip(kinds.words());
    for (asked, (&seen, &kind)) in asked.floats_mut().iter_mut().zip(before) {
        let hidden = params.redraws == 1 || seen == params.mask_id;
        *asked = if kind != GIVEN && hidden { E::one() } else { E::zero() };
    }
}
