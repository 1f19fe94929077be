// Weight of each position in the loss, where it depends on the noise level of its sequence or block. The
// level is drawn again from its counter, as by `draw_batch` and `draw_blocks`.
//
//   weights    = mask factors[level] / (total length)     at the first `length` positions of a sequence
//              = 0                                        behind them: the clean half of block diffusion
//   level      as in common/level.wgsl, of the stratum    stream 0, index stratum
//
//   mask     (N)           1 = masked; N is the whole batch, `total` sequences
//   counter  (1)
//   factors  (levels + 1)  of each level, from 0
//   weights  (N)  =
//
// Host side and CPU twin: crates/kernels/src/loss_by_level.rs.

#import elements
#import rng
#import level

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    total: u32,
    length: u32,
    block: u32,
    levels: u32,
    stratified: u32,
    seed_low: u32,
    seed_high: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> mask: array<u32>;
@group(0) @binding(2) var<storage, read> counter: array<u32>;
@group(0) @binding(3) var<storage, read> factors: array<f32>;
@group(0) @binding(4) var<storage, read_write> weights: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let n = element_index(workgroup, groups, lane);
    if n >= params.count {
        return;
    }
    let positions = params.count / params.total;
    let b = n / positions;
    let position = n % positions;
    if position >= params.length {
        weights[n] = 0.0;
        return;
    }
    let blocks = params.length / params.block;
    let seed = vec2<u32>(params.seed_low, params.seed_high);
    let sequence = philox(vec4<u32>(b, 0u, counter[0], 0u), seed);
    let stratum = stratum_of(sequence.z, b, position / params.block, blocks);
    let word = philox(vec4<u32>(stratum, 0u, counter[0], 0u), seed).y;
    let strata = params.total * blocks;
    let level = level_of(word, stratum, strata, params.levels, params.stratified == 1u);
    weights[n] = f32(mask[n]) * factors[level] / f32(params.total * params.length);
}
