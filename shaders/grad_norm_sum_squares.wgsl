// First half of a norm: the squares of the elements, summed by each workgroup over every
// groups-th run of elements.
//
//   partial_sums[w] = sum of x[i]² over the elements of workgroup w
//
//   x             (count)
//   partial_sums  (workgroups)  =
//
// Host side and CPU twin: crates/kernels/src/grad_norm.rs.

#import reduce

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    groups: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> partial_sums: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    var sum = 0.0;
    let stride = params.groups * WORKGROUP_SIZE;
    for (var i = workgroup.x * WORKGROUP_SIZE + lane; i < params.count; i += stride) {
        sum += x[i] * x[i];
    }
    let total = workgroup_sum(sum, lane);
    if lane == 0u {
        partial_sums[workgroup.x] = total;
    }
}
