//! A pass over the last positions of every text, with the keys and values of those before them in a
//! cache.

use device::{Args, Kernel, Launch, Real, Recording, Slice, buffers, params};

use crate::imports::kernel;
use crate::parallel::*;
use crate::product::{Matrix, multiply};
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
        queries: u32,
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
        /// Queries, keys and values of the positions, `(texts, queries, 3, H, D)`.
        qkv: floats,
        /// Positions in the cache, the queries' included, `(1)`.
        filled: words,
        /// In place: keys and values, `(texts, length, 2, H, D)`; those of the positions are added.
        cache: floats_mut,
        /// Written: `(texts, queries, H, D)`.
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

/// Sizes of attention with a cache.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Texts.
    pub texts: usize,
    /// Positions of each that the pass is over; all see each other, and those before them.
    pub queries: usize,
    /// Positions of each in the cache, at most.
    pub length: usize,
    /// Heads (H).
    pub heads: usize,
    /// Width of a head (D), at most 128.
    pub head_dim: usize,
}

/// Records `y` for the last positions of texts.
pub fn attention(step: &mut Recording, io: Attention, shape: Shape) {
    let Shape { texts, queries, length, heads, head_dim } = shape;
    let params = Params { heads: heads as u32, queries: queries as u32, length: length as u32 };
    // On average a text is half done.
    let flop = 2 * texts * queries * length * heads * head_dim;
    let grid = [heads, queries, texts].map(|size| size as u32);
    step.push(
        Launch::new(&ATTENTION, &params, io, grid)
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
    let Params { heads, queries, length } = params;
    let [width, queries, length] = [heads as usize * head_dim, queries as usize, length as usize];
    let count = filled.words()[0] as usize;
    let scale = (head_dim as f64).sqrt().recip();
    let texts = qkv.floats().par_chunks_exact(queries * 3 * width);
    let texts = texts.zip(cache.floats_mut().par_chunks_exact_mut(length * 2 * width));
    let texts = texts.zip(y.floats_mut().par_chunks_exact_mut(queries * width));
    texts.for_each(|((qkv, cache), y)| {
        let added = cache[(count - queries) * 2 * width..].chunks_exact_mut(2 * width);
        for (row, added) in qkv.chunks_exact(3 * width).zip(added) {
            added.copy_from_slice(&row[width..]);
        }
        let mut scores = vec![E::zero(); queries * count];
        for head in (0..width).step_by(head_dim) {
            let q = Matrix::new(&qkv[head..], queries, head_dim, 3 * width);
            let k = Matrix::new(&cache[head..], count, head_dim, 2 * width);
            let v = Matrix::new(&cache[width + head..], count, head_dim, 2 * width);
            multiply(&mut scores, count, q, k.transposed(), scale, false);
            for scores in scores.chunks_exact_mut(count) {
                let most = scores.iter().copied().fold(E::neg_infinity(), E::max);
                scores.iter_mut().for_each(|score| *score = (*score - most).exp());
                let total: E = scores.iter().copied().sum();
                scores.iter_mut().for_each(|score| *score /= total);
            }
            let p = Matrix::new(&scores, queries, count, count);
            multiply(&mut y[head..], width, p, v, 1.0, false);
        }
    });
}
