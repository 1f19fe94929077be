// Second half of the gradients of a mixture's weights. A single workgroup.
//
//   d_scale[0]    += slope * sum of partial_sums[0]
//   d_scale[last] += sum of partial_sums[1]
//
//   partial_sums  (2, groups)
//   d_scale       (last + 1)   set first, unless params.accumulate is 1
//
// Host side and CPU twin: crates/kernels/src/mix.rs.

#import reduce

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    groups: u32,
    slope: f32,
    last: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial_sums: array<f32>;
@group(0) @binding(2) var<storage, read_write> d_scale: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
    var sum_x = 0.0;
    var sum_y = 0.0;
    for (var i = lane; i < params.groups; i += WORKGROUP_SIZE) {
        sum_x += partial_sums[i];
        sum_y += partial_sums[params.groups + i];
    }
    let total_x = workgroup_sum(sum_x, lane);
    let total_y = workgroup_sum(sum_y, lane);
    if lane == 0u {
        if params.accumulate == 0u {
            d_scale[0] = 0.0;
            d_scale[params.last] = 0.0;
        }
        d_scale[0] += params.slope * total_x;
        d_scale[params.last] += total_y;
    }
}
