// Backward pass of dropout_forward. Four elements per invocation.
//
//   d_x  = scale * d_out   where kept (common/dropout.wgsl), else 0
//
//   counter  (1)      of the forward pass
//   d_out    (count)
//   d_x      (count)  =
//
// Host side and CPU twin: crates/kernels/src/dropout.rs.

#import dropout
#import elements
#import rng

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    rate: f32,
    scale: f32,
    place: u32,
    seed_low: u32,
    seed_high: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> counter: array<u32>;
@group(0) @binding(2) var<storage, read> d_out: array<f32>;
@group(0) @binding(3) var<storage, read_write> d_x: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let quad = element_index(workgroup, groups, lane);
    if 4u * quad >= params.count {
        return;
    }
    let keep = kept(quad);
    for (var k = 0u; k < 4u; k++) {
        let i = 4u * quad + k;
        if i < params.count {
            d_x[i] = select(0.0, params.scale * d_out[i], keep[k]);
        }
    }
}
