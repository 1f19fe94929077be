// Backward pass of mix_forward and mix_values: gradients of both terms, and the first half of the
// sums over all elements that the gradients of the weights are made of.
//
//   partial_sums[0, w]  = sum of d * x over the elements of workgroup w
//   partial_sums[1, w]  = sum of d * y over the same
//   d_y                 = q d
//   d                  *= p
//   p                   = base + slope * scale[0]
//   q                   = scale[last]
//
//   scale         (last + 1)
//   x             (N, C)
//   y             (N, C)       within rows of `stride` elements, from `offset`
//   d             (N, C)       likewise, in place: gradient of the sum before, of x after
//   d_y           (N, C)       =, or += when params.accumulate is 1
//   partial_sums  (2, groups)  =
//
// Host side and CPU twin: crates/kernels/src/mix.rs.

#import reduce

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    groups: u32,
    channels: u32,
    stride: u32,
    offset: u32,
    base: f32,
    slope: f32,
    last: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scale: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> d: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_y: array<f32>;
@group(0) @binding(6) var<storage, read_write> partial_sums: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let p = params.base + params.slope * scale[0];
    let q = scale[params.last];
    var sum_x = 0.0;
    var sum_y = 0.0;
    let turn = params.groups * WORKGROUP_SIZE;
    for (var i = workgroup.x * WORKGROUP_SIZE + lane; i < params.count; i += turn) {
        let at = i / params.channels * params.stride + params.offset + i % params.channels;
        let gradient = d[at];
        sum_x += gradient * x[i];
        sum_y += gradient * y[at];
        var value = q * gradient;
        if params.accumulate == 1u {
            value += d_y[i];
        }
        d_y[i] = value;
        d[at] = p * gradient;
    }
    let total_x = workgroup_sum(sum_x, lane);
    let total_y = workgroup_sum(sum_y, lane);
    if lane == 0u {
        partial_sums[workgroup.x] = total_x;
        partial_sums[params.groups + workgroup.x] = total_y;
    }
}
