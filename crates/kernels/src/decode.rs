//! A pass over one position of every text, with the keys and values of those before it in a cache.

use device::{Args, Kernel, Launch, Real, Recording, Slice, buffers, params};

use crate::imports::kernel;
use crate::remask::GIVEN;

params! {
    struct BeginParams {
        count: u32,
        length: u32,
        head_dim: u32,
        mask_id: u32,
    }
}

params! {
    struct Params {
        heads: u32,
        length: u32,
    }
}

buffers! {
    /// Buffers of the beginning of a pass over N = texts x length positions.
    pub struct Begin {
        /// Tokens before the pass, `(N)`.
        ids: words,
        /// Kind of each position, see [`crate::remask`], `(N)`.
        kinds: words,
        /// See [`crate::rope_norm::table`], `(length, D)`.
        rope: floats,
        /// In place: positions whose keys and values lie in the cache, `(1)`. The pass is over the next
        /// one, and counts it.
        filled: words_mut,
        /// Written: the token before the position, `(texts)`.
        inputs: words_mut,
        /// Written: angles of the position, `(D)`.
        angles: floats_mut,
        /// Written: place of the position if its token is to be drawn, else N; `(texts)`, as
        /// [`crate::sample_tokens`] takes it.
        rows: words_mut,
    }
}

/// `shaders/decode_begin.wgsl`
pub static BEGIN: Kernel = kernel!("decode_begin", BeginParams, Begin, begin_twin);

buffers! {
    /// Buffers of attention with a cache.
    pub struct Attention {
        /// Queries, keys and values of the position, `(texts, 3, H, D)`.
        qkv: floats,
        /// Positions in the cache, the query's included, `(1)`.
        filled: words,
        /// In place: keys and values, `(texts, length, 2, H, D)`; those of the position are added.
        cache: floats_mut,
        /// Written: `(texts, H, D)`.
        y: floats_mut,
    }
}

/// Where a layer finds keys and values of earlier positions.
#[derive(Clone, Copy, Debug)]
pub struct Cache {
    /// `(texts, length, 2, H, D)`
    pub keys_values: Slice,
    /// Positions that it holds, `(1)`.
    pub filled: Slice,
    /// Positions that it has room for.
    pub length: usize,
}

/// `shaders/decode_attention.wgsl`
pub static ATTENTION: Kernel = kernel!("decode_attention", Params, Attention, attention_twin);

/// Records the beginning of a pass over the next position of texts of `length` tokens. What stands
/// before the first position is `mask_id`.
pub fn begin(step: &mut Recording, io: Begin, length: usize, mask_id: u32) {
    let params = BeginParams {
        count: io.inputs.len as u32,
        length: length as u32,
        head_dim: io.angles.len as u32,
        mask_id,
    };
    step.push(Launch::new(&BEGIN, &params, io, [1, 1, 1]));
}

/// Records `y` for `[texts, length, heads, head_dim]`; heads are at most 128 wide.
pub fn attention(
    step: &mut Recording,
    io: Attention,
    [texts, length, heads, head_dim]: [usize; 4],
) {
    let params = Params { heads: heads as u32, length: length as u32 };
    // On average a text is half done.
    let flop = 2 * texts * length * heads * head_dim;
    step.push(
        Launch::new(&ATTENTION, &params, io, [heads as u32, texts as u32, 1])
            .constants([("HEAD_DIM", head_dim as u32)])
            .flop(flop),
    );
}

fn begin_twin<E: Real>(args: Args<'_, E>) {
    let (params, buffers) = args.take::<BeginParams, 7>();
    let [ids, kinds, rope, filled, inputs, angles, rows] = buffers;
    let (ids, kinds, filled) = (ids.words(), kinds.words(), filled.words_mut());
    let position = filled[0];
    filled[0] += 1;
    let texts = inputs.words_mut().iter_mut().zip(rows.words_mut());
    for (text, (input, row)) in (0..).zip(texts) {
        let n = text * params.length + position;
        *input = if position == 0 { params.mask_id } else { ids[n as usize - 1] };
        let asked = kinds[n as usize] != GIVEN && ids[n as usize] == params.mask_id;
        *row = if asked { n } else { params.count * params.length };
    }
    let head_dim = params.head_dim as usize;
    angles.floats_mut().copy_from_slice(&rope.floats()[position as usize * head_dim..][..head_dim]);
}

fn attention_twin<E: Real>(args: Args<'_, E>) {
    let head_dim = args.constant("HEAD_DIM") as usize;
    let (params, [qkv, filled, cache, y]) = args.take::<Params, 4>();
    let (width, length) = (params.heads as usize * head_dim, params.length as usize);
    let (count, y, cache) = (filled.words()[0] as usize, y.floats_mut(), cache.floats_mut());
    let rows = qkv.floats().chunks_exact(3 * width).zip(cache.chunks_exact_mut(length * 2 * width));
    for ((row, cache), y) in rows.zip(y.chunks_exact_mut(width)) {
        let (query, own) = row.split_at(width);
        cache[(count - 1) * 2 * width..][..2 * width].copy_from_slice(own);
        for (head, y) in y.chunks_exact_mut(head_dim).enumerate() {
            let part = head * head_dim..(head + 1) * head_dim;
            let query = &query[part.clone()];
            let scale = E::one() / E::from_f64(head_dim as f64).sqrt();
            let key = |j: usize| &cache[j * 2 * width..][..width][part.clone()];
            let value = |j: usize| &cache[(j * 2 + 1) * width..][..width][part.clone()];
            let dot = |key: &[E]| query.iter().zip(key).map(|(&q, &k)| q * k).sum::<E>();
            let scores: Vec<E> = (0..count).map(|j| scale * dot(key(j))).collect();
            let most = scores.iter().copied().fold(E::neg_infinity(), E::max);
            let weights: Vec<E> = scores.iter().map(|&score| (score - most).exp()).collect();
            let total: E = weights.iter().copied().sum();
            y.fill(E::zero());
            for (j, &weight) in weights.iter().enumerate() {
                for (y, &value) in y.iter_mut().zip(value(j)) {
                    *y += weight / total * value;
                }
            }
        }
    }
}
