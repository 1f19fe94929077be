// First half of a norm: the squares of the elements of a long vector, summed by each workgroup over
// every groups-th run of elements. The vector may lie in several pages: each launch adds those of
// one to the sums of the pages before it, in the same order as if there were one page.
//
//   sums[s]        = or +=  sum of x[i]² over the places first + i that are s mod (groups * 256)
//   partial_sums[w]  =      the sums of workgroup w, added up
//
//   x             (count)         places first, first + 1, ... of the vector; += unless first = 0
//   sums          (groups * 256)
//   partial_sums  (groups)
//
// Host side and CPU twin: crates/kernels/src/grad_norm.rs.

#import reduce

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    first: u32,
    groups: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;
@group(0) @binding(3) var<storage, read_write> partial_sums: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let stride = params.groups * WORKGROUP_SIZE;
    let slot = workgroup.x * WORKGROUP_SIZE + lane;
    var sum = 0.0;
    if params.first > 0u {
        sum = sums[slot];
    }
    for (var i = (slot + stride - params.first % stride) % stride; i < params.count; i += stride) {
        sum += x[i] * x[i];
    }
    sums[slot] = sum;
    let total = workgroup_sum(sum, lane);
    if lane == 0u {
        partial_sums[workgroup.x] = total;
    }
}
