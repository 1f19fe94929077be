//! Bidirectional attention, forward and backward; the scores are never stored (FlashAttention-2,
//! arXiv 2307.08691).

mod twin;

use bytemuck::{Pod, Zeroable};
use device::{Binding, Kernel, Launch, Recording, Slice, floats, floats_mut, twin};

use crate::variants::{AttentionVariant, Variants};
use crate::{COMMON, grid};

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

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct Params {
    batch: u32,
    length: u32,
    heads: u32,
    head_dim: u32,
}

const FORWARD_BINDINGS: &[Binding] = &[floats("qkv"), floats_mut("y"), floats_mut("lse")];

const BACKWARD_BINDINGS: &[Binding] =
    &[floats("qkv"), floats("lse"), floats("d_y"), floats("delta"), floats_mut("d_qkv")];

/// `shaders/attention_forward.wgsl`
pub static FORWARD: Kernel = Kernel {
    name: "attention_forward",
    source: include_str!("../../../../shaders/attention_forward.wgsl"),
    imports: COMMON,
    bindings: FORWARD_BINDINGS,
    params_size: size_of::<Params>(),
    subgroups: false,
    twin: twin!(twin::forward),
};

/// `shaders/attention_delta.wgsl`
pub static DELTA: Kernel = Kernel {
    name: "attention_delta",
    source: include_str!("../../../../shaders/attention_delta.wgsl"),
    imports: COMMON,
    bindings: &[floats("y"), floats("d_y"), floats_mut("delta")],
    params_size: size_of::<Params>(),
    subgroups: false,
    twin: twin!(twin::delta),
};

/// `shaders/attention_backward_q.wgsl`
pub static BACKWARD_Q: Kernel = Kernel {
    name: "attention_backward_q",
    source: include_str!("../../../../shaders/attention_backward_q.wgsl"),
    imports: COMMON,
    bindings: BACKWARD_BINDINGS,
    params_size: size_of::<Params>(),
    subgroups: false,
    twin: twin!(twin::backward_q),
};

/// `shaders/attention_backward_kv.wgsl`
pub static BACKWARD_KV: Kernel = Kernel {
    name: "attention_backward_kv",
    source: include_str!("../../../../shaders/attention_backward_kv.wgsl"),
    imports: COMMON,
    bindings: BACKWARD_BINDINGS,
    params_size: size_of::<Params>(),
    subgroups: false,
    twin: twin!(twin::backward_kv),
};

/// `shaders/attention_subgroup_forward.wgsl`
pub static SUBGROUP_FORWARD: Kernel = Kernel {
    name: "attention_subgroup_forward",
    source: include_str!("../../../../shaders/attention_subgroup_forward.wgsl"),
    imports: COMMON,
    bindings: FORWARD_BINDINGS,
    params_size: size_of::<Params>(),
    subgroups: true,
    twin: twin!(twin::forward),
};

/// `shaders/attention_subgroup_backward_q.wgsl`
pub static SUBGROUP_BACKWARD_Q: Kernel = Kernel {
    name: "attention_subgroup_backward_q",
    source: include_str!("../../../../shaders/attention_subgroup_backward_q.wgsl"),
    imports: COMMON,
    bindings: BACKWARD_BINDINGS,
    params_size: size_of::<Params>(),
    subgroups: true,
    twin: twin!(twin::backward_q),
};

/// `shaders/attention_subgroup_backward_kv.wgsl`
pub static SUBGROUP_BACKWARD_KV: Kernel = Kernel {
    name: "attention_subgroup_backward_kv",
    source: include_str!("../../../../shaders/attention_subgroup_backward_kv.wgsl"),
    imports: COMMON,
    bindings: BACKWARD_BINDINGS,
    params_size: size_of::<Params>(),
    subgroups: true,
    twin: twin!(twin::backward_kv),
};

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
    buffers: Vec<Slice>,
    shape: Shape,
    rows: usize,
    products: usize,
) -> Launch {
    let Shape { batch, length, heads, head_dim } = shape;
    Launch {
        kernel,
        constants: vec![("HEAD_DIM", head_dim as u32)],
        params: params(shape),
        buffers,
        grid: [length.div_ceil(rows) as u32, (batch * heads) as u32, 1],
        flop: (2 * products * batch * heads * length * length * head_dim) as u64,
    }
}

fn params(shape: Shape) -> Vec<u8> {
    let Shape { batch, length, heads, head_dim } = shape;
    let [batch, length, heads, head_dim] = [batch, length, heads, head_dim].map(|n| n as u32);
    bytemuck::bytes_of(&Params { batch, length, heads, head_dim }).to_vec()
}

/// Records `y (N, H, D)` and `lse (N, H)` from `qkv (N, 3, H, D)`.
pub fn forward(
    step: &mut Recording,
    variants: &Variants,
    qkv: Slice,
    y: Slice,
    lse: Slice,
    shape: Shape,
) {
    let kernels = VariantKernels::of(variants, shape);
    step.push(launch(kernels.forward, vec![qkv, y, lse], shape, kernels.rows, 2));
}

/// Records `d_qkv (N, 3, H, D)` from `d_y (N, H, D)`; `delta (N, H)` is scratch.
#[expect(clippy::too_many_arguments, reason = "each is a tensor of the backward pass")]
pub fn backward(
    step: &mut Recording,
    variants: &Variants,
    qkv: Slice,
    y: Slice,
    lse: Slice,
    d_y: Slice,
    delta: Slice,
    d_qkv: Slice,
    shape: Shape,
) {
    let Shape { batch, length, heads, head_dim } = shape;
    let kernels = VariantKernels::of(variants, shape);
    step.push(Launch {
        kernel: &DELTA,
        constants: vec![],
        params: params(shape),
        buffers: vec![y, d_y, delta],
        grid: grid::fold((batch * length * heads).div_ceil(64)),
        flop: 2 * (batch * length * heads * head_dim) as u64,
    });
    let buffers = vec![qkv, lse, d_y, delta, d_qkv];
    step.push(launch(kernels.backward_q, buffers.clone(), shape, kernels.rows, 3));
    step.push(launch(kernels.backward_kv, buffers, shape, kernels.rows, 4));
}
