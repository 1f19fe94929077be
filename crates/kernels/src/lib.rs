//! One module per operation. Each pairs WGSL files of `shaders/` with their host side: bindings,
//! parameters, the size of the grid, and the CPU twin (the same bindings, obvious code, generic
//! over f32 and f64). This is the only crate that includes WGSL.
//!
//! In shapes, N is the number of positions (batch x length), C the width of the residual stream,
//! H the number of heads, D = C / H, V the vocabulary.

use device::{Kernel, Sources};

pub mod adamw;
pub mod begin_step;
pub mod cross_entropy;
pub mod draw_batch;
pub mod embed;
pub mod grad_norm;
mod grid;
pub mod loss;
pub mod norm;
pub mod relu_squared;
pub mod rng;
pub mod rope_norm;

/// Files that kernels may `#import`.
pub const COMMON: Sources = &[
    ("elements", include_str!("../../../shaders/common/elements.wgsl")),
    ("reduce", include_str!("../../../shaders/common/reduce.wgsl")),
    ("rng", include_str!("../../../shaders/common/rng.wgsl")),
];

/// Every kernel, for the tests that check them all.
pub const ALL: &[&Kernel] = &[
    &adamw::KERNEL,
    &begin_step::KERNEL,
    &cross_entropy::BACKWARD,
    &cross_entropy::FORWARD,
    &draw_batch::KERNEL,
    &embed::FORWARD,
    &embed::INDEX,
    &embed::TIMESTEP_BACKWARD,
    &embed::TOKEN_BACKWARD,
    &grad_norm::CLIP,
    &grad_norm::SUM_SQUARES,
    &loss::WEIGHTED,
    &loss::WEIGHTS,
    &norm::BACKWARD,
    &norm::FORWARD,
    &norm::RESIDUAL_FORWARD,
    &relu_squared::BACKWARD,
    &relu_squared::FORWARD,
    &rope_norm::BACKWARD,
    &rope_norm::FORWARD,
];
