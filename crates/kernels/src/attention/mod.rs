//! Attention, forward and backward; the scores are never stored (FlashAttention-2,
//! arXiv 2307.08691).
//!
//! Queries and keys may differ in number: queries are then the last positions of a longer text whose
//! keys and values lie in a cache. A [`Mask`] says which keys a query sees; what it hides from a
//! whole tile is skipped.

mod mask;
mod twin;

use device::{Kernel, Launch, Recording, Requirements, Slice, buffers, params};

pub use self::mask::Mask;
use self::mask::Visibility;
use crate::grid;
use crate::imports::kernel;
use crate::variants::{LANES, Table, Variant, Variants};

/// Sizes of attention.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Sequences.
    pub batch: usize,
    /// Heads (H).
    pub heads: usize,
    /// Width of a head (D), at most 128.
    pub head_dim: usize,
    /// Queries of a sequence.
    pub queries: usize,
    /// Keys of a sequence.
    pub keys: usize,
    /// Position of the first query among the keys.
    pub query_offset: usize,
    /// Which keys a query sees.
    pub mask: Mask,
    /// Rows of a sequence in a cache `(batch, rows, 2, H, D)` of keys and values, of which the first
    /// `keys` are used. `None`: keys and values are parts 1 and 2 of the queries' own buffer.
    pub cache: Option<usize>,
}

impl Shape {
    /// All positions of sequences of `length` see each other.
    pub const fn bidirectional(batch: usize, length: usize, heads: usize, head_dim: usize) -> Self {
        Self {
            batch,
            heads,
            head_dim,
            queries: length,
            keys: length,
            query_offset: 0,
            mask: Mask::Full,
            cache: None,
        }
    }

    fn visibility(&self) -> Visibility {
        let (mask, block) = self.mask.kind();
        let Self { queries, keys, query_offset, .. } = *self;
        Visibility { mask, block, queries, keys, query_offset }
    }

    /// # Panics
    /// When the sizes contradict each other.
    fn params(&self) -> Params {
        let Self { heads, queries, keys, query_offset, mask, cache, .. } = *self;
        let kv_rows = cache.unwrap_or(keys);
        assert!(cache.is_some() || queries == keys, "as many queries as keys without a cache");
        assert!(keys <= kv_rows, "{keys} keys in a cache of {kv_rows}");
        let within = query_offset + queries <= keys;
        assert!(within || mask == Mask::Full, "{queries} queries at {query_offset} of {keys} keys");
        let halves = keys.is_multiple_of(2) || !matches!(mask, Mask::BlockDiffusion(_));
        assert!(halves, "block diffusion over two halves of {keys} keys");
        let (_, block) = mask.kind();
        assert!(block > 0, "blocks of no positions");
        let word = |size: usize| size as u32;
        Params {
            heads: word(heads),
            queries: word(queries),
            keys: word(keys),
            query_offset: word(query_offset),
            kv_rows: word(kv_rows),
            kv_parts: if cache.is_some() { 2 } else { 3 },
            block: word(block),
        }
    }
}

params! {
    struct Params {
        heads: u32,
        queries: u32,
        keys: u32,
        query_offset: u32,
        kv_rows: u32,
        kv_parts: u32,
        block: u32,
    }
}

params! {
    struct DeltaParams {
        rows: u32,
        head_dim: u32,
    }
}

buffers! {
    /// Buffers of the forward pass.
    pub struct Forward {
        /// Queries: part 0 of `(batch, queries, 3, H, D)`.
        q: floats,
        /// Keys and values: the same buffer, or a cache, see [`Shape::cache`].
        kv: floats,
        /// Written: `(batch, queries, H, D)`.
        y: floats_mut,
        /// Written: log-sum-exp of each query's scores, `(batch, queries, H)`.
        lse: floats_mut,
    }
}

buffers! {
    struct BackwardQ {
        q: floats,
        kv: floats,
        lse: floats,
        d_y: floats,
        delta: floats,
        d_q: floats_mut,
    }
}

buffers! {
    struct BackwardKv {
        q: floats,
        kv: floats,
        lse: floats,
        d_y: floats,
        delta: floats,
        d_kv: floats_mut,
    }
}

buffers! {
    struct Delta {
        y: floats,
        d_y: floats,
        delta: floats_mut,
    }
}

/// `shaders/attention_forward.wgsl`
pub static FORWARD: Kernel = kernel!("attention_forward", Params, Forward, twin::forward);

/// `shaders/attention_delta.wgsl`
pub static DELTA: Kernel = kernel!("attention_delta", DeltaParams, Delta, twin::delta);

/// `shaders/attention_backward_q.wgsl`
pub static BACKWARD_Q: Kernel =
    kernel!("attention_backward_q", Params, BackwardQ, twin::backward_q);

/// `shaders/attention_backward_kv.wgsl`
pub static BACKWARD_KV: Kernel =
    kernel!("attention_backward_kv", Params, BackwardKv, twin::backward_kv);

/// `shaders/attention_subgroup_forward.wgsl`
pub static SUBGROUP_FORWARD: Kernel =
    kernel!("attention_subgroup_forward", Params, Forward, twin::forward)
        .requires(Requirements::subgroups(LANES));

/// `shaders/attention_subgroup_backward_q.wgsl`
pub static SUBGROUP_BACKWARD_Q: Kernel =
    kernel!("attention_subgroup_backward_q", Params, BackwardQ, twin::backward_q)
        .requires(Requirements::subgroups(LANES));

/// `shaders/attention_subgroup_backward_kv.wgsl`
pub static SUBGROUP_BACKWARD_KV: Kernel =
    kernel!("attention_subgroup_backward_kv", Params, BackwardKv, twin::backward_kv)
        .requires(Requirements::subgroups(LANES));

/// A launch of `tiles` workgroups per head that does `products` matrix products of the visible
/// scores' size.
fn launch(
    kernel: &'static Kernel,
    buffers: impl device::Buffers,
    shape: &Shape,
    tiles: usize,
    products: usize,
) -> Launch {
    let Shape { batch, heads, head_dim, mask, .. } = *shape;
    let (mask, _) = mask.kind();
    let grid = [tiles, heads, batch].map(|count| count as u32);
    Launch::new(kernel, &shape.params(), buffers, grid)
        .constants([("HEAD_DIM", head_dim as u32), ("MASK", mask)])
        .flop(2 * products * batch * heads * head_dim * shape.visibility().pairs())
}

/// Records the forward pass.
///
/// # Panics
/// When the sizes of `shape` contradict each other.
pub fn forward(step: &mut Recording, variants: &Variants, io: Forward, shape: &Shape) {
    let variant = variants.attention.row(&[shape.head_dim]);
    let tiles = shape.queries.div_ceil(variant.tile[0]);
    step.push(launch(variant.kernels[0], io, shape, tiles, 2));
}

/// Buffers of the backward pass.
#[derive(Clone, Copy, Debug)]
pub struct Backward {
    /// As in [`Forward`].
    pub q: Slice,
    /// As in [`Forward`].
    pub kv: Slice,
    /// Output of the forward pass.
    pub y: Slice,
    /// Output of the forward pass.
    pub lse: Slice,
    /// Gradient of `y`.
    pub d_y: Slice,
    /// Scratch: `(batch, queries, H)`.
    pub delta: Slice,
    /// Written: gradient of the queries, laid out as they are.
    pub d_q: Slice,
    /// Written: gradient of keys and values, laid out as they are; the same buffer without a cache.
    pub d_kv: Slice,
}

/// Records the backward pass.
///
/// # Panics
/// When the sizes of `shape` contradict each other.
pub fn backward(step: &mut Recording, variants: &Variants, io: Backward, shape: &Shape) {
    let Backward { q, kv, y, lse, d_y, delta, d_q, d_kv } = io;
    let Shape { batch, heads, head_dim, queries, keys, .. } = *shape;
    let Variant { kernels, tile: [tile, _], .. } = variants.attention.row(&[head_dim]);
    let rows = batch * queries * heads;
    let params = DeltaParams { rows: rows as u32, head_dim: head_dim as u32 };
    let grid = grid::fold(rows.div_ceil(64));
    step.push(
        Launch::new(&DELTA, &params, Delta { y, d_y, delta }, grid).flop(2 * rows * head_dim),
    );
    let buffers = BackwardQ { q, kv, lse, d_y, delta, d_q };
    step.push(launch(kernels[1], buffers, shape, queries.div_ceil(*tile), 3));
    let buffers = BackwardKv { q, kv, lse, d_y, delta, d_kv };
    step.push(launch(kernels[2], buffers, shape, keys.div_ceil(*tile), 4));
}
