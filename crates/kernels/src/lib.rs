//! One module per operation. Each pairs WGSL files of `shaders/` with their host side: bindings,
//! parameters, the size of the grid, and the CPU twin (the same bindings, obvious code, generic
//! over f32 and f64). This is the only crate that includes WGSL.
//!
//! In shapes, N is the number of positions (batch x length), C the width of the residual stream,
//! H the number of heads, D = C / H, V the vocabulary.

use device::Kernel;

pub mod adamw;
pub mod attention;
pub mod average;
pub mod begin_step;
pub mod cross_entropy;
pub mod decode;
pub mod draw_batch;
pub mod draw_blocks;
pub mod dropout;
pub mod embed;
pub mod gate;
pub mod gemm;
pub mod grad_norm;
mod grid;
mod imports;
pub mod loss;
pub mod loss_by_level;
pub mod mix;
pub mod muon;
pub mod noise_divergence;
mod parallel;
mod product;
pub mod relu_squared;
pub mod remask;
pub mod rmsnorm;
pub mod rng;
pub mod rope_norm;
pub mod rows;
pub mod sample_apart;
pub mod sample_ask;
pub mod sample_begin;
pub mod sample_blocks;
pub mod sample_bound;
pub mod sample_certainty;
pub mod sample_chance;
pub mod sample_doubt;
pub mod sample_explain;
pub mod sample_hide;
pub mod sample_noise;
pub mod sample_order;
pub mod sample_posterior;
pub mod sample_survey;
pub mod sample_threshold;
pub mod sample_tokens;
pub mod sample_uniforms;
pub mod shift;
pub mod tune;
pub mod variants;
mod vectors;
pub mod window;

pub use imports::COMMON;
pub use variants::{AttentionVariant, GemmVariant, LANES, Precision, Variants};

/// A hash of the text of every shader: what was measured with other shaders is out of date.
pub fn shaders_hash() -> u64 {
    let imports = COMMON.iter().map(|(_, source)| *source);
    let text = ALL.iter().map(|kernel| kernel.source).chain(imports);
    // FNV-1a
    text.flat_map(str::bytes).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Every kernel, for the tests that check them all.
pub const ALL: &[&Kernel] = &[
    &adamw::KERNEL,
    &attention::BACKWARD_KV,
    &attention::BACKWARD_Q,
    &attention::DELTA,
    &attention::FORWARD,
    &attention::SUBGROUP_BACKWARD_KV,
    &attention::SUBGROUP_BACKWARD_Q,
    &attention::SUBGROUP_FORWARD,
    &average::KERNEL,
    &begin_step::KERNEL,
    &cross_entropy::BACKWARD,
    &cross_entropy::FORWARD,
    &decode::ATTENTION,
    &decode::BEGIN,
    &draw_batch::KERNEL,
    &draw_blocks::KERNEL,
    &dropout::BACKWARD,
    &dropout::FORWARD,
    &embed::COUNT,
    &embed::FORWARD,
    &embed::FORWARD_TOKENS,
    &embed::INDEX,
    &embed::SUM_RUNS,
    &embed::TIMESTEP_BACKWARD,
    &embed::TOKEN_BACKWARD,
    &gate::BACKWARD,
    &gate::BACKWARD_INPUT,
    &gate::BACKWARD_WEIGHTS,
    &gate::FORWARD,
    &gemm::DIRECT,
    &gemm::MATRIX_8,
    &gemm::MATRIX_16,
    &gemm::SUBGROUP,
    &gemm::SUM,
    &gemm::THIN,
    &gemm::TILE,
    &grad_norm::CLIP,
    &grad_norm::SUM_SQUARES,
    &loss::WEIGHTED,
    &loss::WEIGHTS,
    &loss_by_level::KERNEL,
    &mix::ADD,
    &mix::BACKWARD,
    &mix::FORWARD,
    &mix::SCALE,
    &mix::VALUES,
    &muon::MOMENTUM,
    &muon::NORMALIZE,
    &muon::POLYNOMIAL,
    &muon::UPDATE,
    &rmsnorm::BACKWARD,
    &rmsnorm::FORWARD,
    &rmsnorm::RESIDUAL_FORWARD,
    &noise_divergence::KERNEL,
    &relu_squared::BACKWARD,
    &relu_squared::FORWARD,
    &remask::KERNEL,
    &sample_noise::KERNEL,
    &sample_order::KERNEL,
    &sample_posterior::KERNEL,
    &rope_norm::BACKWARD,
    &rope_norm::FORWARD,
    &rows::GATHER,
    &rows::SCATTER,
    &rows::SELECT,
    &sample_apart::KERNEL,
    &sample_ask::KERNEL,
    &sample_begin::KERNEL,
    &sample_blocks::KERNEL,
    &sample_bound::KERNEL,
    &sample_certainty::KERNEL,
    &sample_chance::KERNEL,
    &sample_doubt::KERNEL,
    &sample_explain::KERNEL,
    &sample_hide::KERNEL,
    &sample_survey::KERNEL,
    &sample_threshold::KERNEL,
    &sample_tokens::KERNEL,
    &sample_uniforms::KERNEL,
    &shift::KERNEL,
    &window::ENTER,
    &window::LEAVE,
];
