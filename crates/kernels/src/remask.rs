//! Last stage of a denoising pass: re-masks the tokens with the lowest score, usually the
//! confidence.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::grid;
use crate::imports::kernel;
use crate::sample_begin::HEADER;

/// Kind of a position: a given token, which never changes.
pub const GIVEN: u32 = 0;
/// Kind of a position: the model writes it.
pub const FREE: u32 = 1;
/// Kind of a position: the model writes it, but the text cannot end there.
pub const FREE_NO_END: u32 = 2;

/// Score of a token that stays, whatever the others are.
pub const STAYS: f32 = 3e38;
/// Score of a position that becomes or stays a mask, whatever the others are.
pub const WAITS: f32 = -3e38;

/// Whether the score leaves open if the token stays.
pub(crate) fn open<E: Real>(score: E) -> bool {
    score > E::from_f64(f64::from(WAITS)) && score < E::from_f64(f64::from(STAYS))
}

/// The positions of a sequence whose scores are open, highest first; of equals the one further to
/// the right.
pub(crate) fn ranked<E: Real>(order: &[E]) -> Vec<usize> {
    let mut ranked: Vec<usize> = (0..order.len()).filter(|&i| open(order[i])).collect();
    ranked.sort_by(|&a, &b| order[b].as_f64().total_cmp(&order[a].as_f64()).then(b.cmp(&a)));
    ranked
}

params! {
    struct Params {
        count: u32,
        length: u32,
        mask_id: u32,
    }
}

buffers! {
    /// Buffers of re-masking, for N positions in sequences of equal length.
    pub struct Buffers {
        /// Tokens drawn in this pass or kept, `(N)`.
        tokens: words,
        /// Confidence of each, `(N)`.
        token_confidence: floats,
        /// Score by which they are masked again, lowest first, `(N)`: the confidence itself, or that of
        /// [`crate::sample_order`]; [`STAYS`] and [`WAITS`] are decided already.
        order: floats,
        /// [`GIVEN`] or one of the free kinds, `(N)`.
        kinds: words,
        /// Of [`crate::sample_begin`]: behind [`HEADER`], how many become masks in each sequence.
        control: words,
        /// Written: `(N)`.
        ids: words_mut,
        /// Written: `(N)`, 0 at masks.
        confidence: floats_mut,
        /// Written: ids and the bits of confidence in f32, `(2, N)`, to be read back in one piece.
        readback: words_mut,
    }
}

/// `shaders/remask.wgsl`
pub static KERNEL: Kernel = kernel!("remask", Params, Buffers, twin);

/// Records `ids` and `confidence` after the pass, for sequences of `length` positions.
pub fn record(step: &mut Recording, io: Buffers, length: usize, mask_id: u32) {
    let count = io.tokens.len;
    step.push(Launch::new(
        &KERNEL,
        &Params { count: count as u32, length: length as u32, mask_id },
        io,
        grid::elements(count),
    ));
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, buffers) = args.take::<Params, 8>();
    let [tokens, token_confidence, order, kinds, control, ids, confidence, readback] = buffers;
    let (token_confidence, order) = (token_confidence.floats(), order.floats());
    let kinds = kinds.words();
    let (ids, confidence) = (ids.words_mut(), confidence.floats_mut());
    ids.copy_from_slice(tokens.words());
    confidence.copy_from_slice(token_confidence);
    let length = params.length as usize;
    for (b, &count) in control.words()[HEADER..].iter().enumerate() {
        let positions = b * length..(b + 1) * length;
        let score = |n: usize| order[n].as_f64();
        let may = |&n: &usize| kinds[n] != GIVEN && score(n) < f64::from(STAYS);
        let mut sorted: Vec<usize> = positions.filter(may).collect();
        sorted.sort_by(|&a, &b| score(a).total_cmp(&score(b)));
        let forced = sorted.iter().filter(|&&n| score(n) == f64::from(WAITS)).count();
        for &n in sorted.iter().take(forced.max(count as usize)) {
            ids[n] = params.mask_id;
            confidence[n] = E::zero();
        }
    }
    let (first, second) = readback.words_mut().split_at_mut(ids.len());
    first.copy_from_slice(ids);
    for (bits, confidence) in second.iter_mut().zip(confidence) {
        *bits = (confidence.as_f64() as f32).to_bits();
    }
}
