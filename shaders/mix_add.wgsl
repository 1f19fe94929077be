// Adds a second gradient where two paths meet. One element per invocation.
//
//   out  += x
//
//   x    (N, C)
//   out  (N, C)  +=, within rows of `stride` elements, from `offset`
//
// Host side and CPU twin: crates/kernels/src/mix.rs.

#import elements

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    channels: u32,
    stride: u32,
    offset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = element_index(workgroup, groups, lane);
    if i >= params.count {
        return;
    }
    out[i / params.channels * params.stride + params.offset + i % params.channels] += x[i];
}
