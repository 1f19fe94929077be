//! Bidirectional attention, forward and backward; the scores are never stored (FlashAttention-2,
//! arXiv 2307.08691).

mod twin;

use device::{Kernel, Launch, Recording, Requirements, Slice, buffers, params};

use crate::grid;
use crate::imports::kernel;
use crate::variants::{AttentionVariant, LANES, Variants};

/// Sizes of attention.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Sequences.
    pub batch: usize,
    /// Positions of a sequence.
    pub length: usize,
    /// Heads (H).
    pub heads: usize,
    /// Width of a head (D), at most 128.
    pub head_dim: usize,
}

params! {
    struct Params {
        batch: u32,
        length: u32,
        heads: u32,
        head_dim: u32,
    }
}

buffers! {
    /// Buffers of the forward pass.
    pub struct Forward {
        /// `(N, 3, H, D)`
        qkv: floats,
        /// Written: `(N, H, D)`.
        y: floats_mut,
        /// Written: log sum exp of the scores, `(N, H)`.
        lse: floats_mut,
    }
}

/// `shaders/attention_forward.wgsl`
pub static FORWARD: Kernel = kernel!("attention_forward", Params, Forward, twin::forward);

buffers! {
    struct Delta {
        y: floats,
        d_y: floats,
        delta: floats_mut,
    }
}

/// `shaders/attention_delta.wgsl`
pub static DELTA: Kernel = kernel!("attention_delta", Params, Delta, twin::delta);

buffers! {
    struct Gradient {
        qkv: floats,
        lse: floats,
        d_y: floats,
        delta: floats,
        d_qkv: floats_mut,
    }
}

/// `shaders/attention_backward_q.wgsl`
pub static BACKWARD_Q: Kernel = kernel!("attention_backward_q", Params, Gradient, twin::backward_q);

/// `shaders/attention_backward_kv.wgsl`
pub static BACKWARD_KV: Kernel =
    kernel!("attention_backward_kv", Params, Gradient, twin::backward_kv);

/// `shaders/attention_subgroup_forward.wgsl`
pub static SUBGROUP_FORWARD: Kernel =
    kernel!("attention_subgroup_forward", Params, Forward, twin::forward)
        .requires(Requirements::subgroups(LANES));

/// `shaders/attention_subgroup_backward_q.wgsl`
pub static SUBGROUP_BACKWARD_Q: Kernel =
    kernel!("attention_subgroup_backward_q", Params, Gradient, twin::backward_q)
        .requires(Requirements::subgroups(LANES));

/// `shaders/attention_subgroup_backward_kv.wgsl`
pub static SUBGROUP_BACKWARD_KV: Kernel =
    kernel!("attention_subgroup_backward_kv", Params, Gradient, twin::backward_kv)
        .requires(Requirements::subgroups(LANES));

/// The kernels of one variant.
struct VariantKernels {
    forward: &'static Kernel,
    backward_q: &'static Kernel,
    backward_kv: &'static Kernel,
    /// Queries or keys of a workgroup.
    rows: usize,
}

impl VariantKernels {
    /// The chosen variant, or the tile where vectors do not divide the width of a head.
    fn of(variants: &Variants, shape: Shape) -> Self {
        match variants.attention {
            AttentionVariant::Subgroup if shape.head_dim.is_multiple_of(4) => Self {
                forward: &SUBGROUP_FORWARD,
                backward_q: &SUBGROUP_BACKWARD_Q,
                backward_kv: &SUBGROUP_BACKWARD_KV,
                rows: 32,
            },
            _ => Self {
                forward: &FORWARD,
                backward_q: &BACKWARD_Q,
                backward_kv: &BACKWARD_KV,
                rows: 64,
            },
        }
    }
}

/// A launch over all heads and runs of `rows` positions that does `products` matrix products of
/// the scores' size.
fn launch(
    kernel: &'static Kernel,
    buffers: impl device::Buffers,
    shape: Shape,
    rows: usize,
    products: usize,
) -> Launch {
    let Shape { batch, length, heads, head_dim } = shape;
    let grid = [length.div_ceil(rows) as u32, (batch * heads) as u32, 1];
    Launch::new(kernel, &params(shape), buffers, grid)
        .constants([("HEAD_DIM", head_dim as u32)])
        .flop(2 * products * batch * heads * length * length * head_dim)
}

fn params(shape: Shape) -> Params {
    let Shape { batch, length, heads, head_dim } = shape;
    let [batch, length, heads, head_dim] = [batch, length, heads, head_dim].map(|n| n as u32);
    Params { batch, length, heads, head_dim }
}

/// Records the forward pass.
pub fn forward(step: &mut Recording, variants: &Variants, io: Forward, shape: Shape) {
    let kernels = VariantKernels::of(variants, shape);
    step.push(launch(kernels.forward, io, shape, kernels.rows, 2));
}

/// Buffers of the backward pass.
#[derive(Clone, Copy, Debug)]
pub struct Backward {
    /// Of the forward pass, `(N, 3, H, D)`.
    pub qkv: Slice,
    /// Of the forward pass, `(N, H, D)`.
    pub y: Slice,
    /// Of the forward pass, `(N, H)`.
    pub lse: Slice,
    /// Gradient of `y`, `(N, H, D)`.
    pub d_y: Slice,
    /// Scratch, `(N, H)`.
    pub delta: Slice,
    /// Written: gradient of `qkv`, `(N, 3, H, D)`.
    pub d_qkv: Slice,
}

/// Records the backward pass.
pub fn backward(step: &mut Recording, variants: &Variants, io: Backward, shape: Shape) {
    let Shape { batch, length, heads, head_dim } = shape;
    let Backward { qkv, y, lse, d_y, delta, d_qkv } = io;
    let kernels = VariantKernels::of(variants, shape);
    let grid = grid::fold((batch * length * heads).div_ceil(64));
    step.push(
        Launch::new(&DELTA, &params(shape), Delta { y, d_y, delta }, grid)
            .flop(2 * batch * length * heads * head_dim),
    );
    let buffers = Gradient { qkv, lse, d_y, delta, d_qkv };
    step.push(launch(kernels.backward_q, buffers, shape, kernels.rows, 3));
    step.push(launch(kernels.backward_kv, buffers, shape, kernels.rows, 4));
}
