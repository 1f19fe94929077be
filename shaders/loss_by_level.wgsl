// Weight of each position in the loss, where it depends on the noise level of its sequence. The level
// is drawn again from its counter, as by `draw_batch`.
//
//   weights[n] = mask[n] factors[level] / N
//   level      as in common/level.wgsl               stream 0, index b = n / length
//
//   mask     (N)           1 = masked; N is the whole batch
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
    length: u32,
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
    let b = n / params.length;
    let seed = vec2<u32>(params.seed_low, params.seed_high);
    let sequence = philox(vec4<u32>(b, 0u, counter[0], 0u), seed);
    let total = params.count / params.length;
    let level = level_of(sequence.y, b, total, params.levels, params.stratified == 1u);
    weights[n] = f32(mask[n]) * factors[level] / f32(params.count);
}
