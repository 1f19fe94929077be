// Scales a matrix to Frobenius norm 1, where the Newton-Schulz iteration starts. Each workgroup
// takes every groups-th run of elements.
//
//   x    = u / (|u| + 1e-7)
//
//   u             (count)
//   partial_sums  (groups)   |u|² = their sum, of grad_norm_sum_squares
//   x             (count)  =
//
// Host side and CPU twin: crates/kernels/src/muon.rs.

#import reduce

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    groups: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> u: array<f32>;
@group(0) @binding(2) var<storage, read> partial_sums: array<f32>;
@group(0) @binding(3) var<storage, read_write> x: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    var sum = 0.0;
    for (var i = lane; i < params.groups; i += WORKGROUP_SIZE) {
        sum += partial_sums[i];
    }
    let scale = 1.0 / (sqrt(workgroup_sum(sum, lane)) + 1e-7);
    let stride = params.groups * WORKGROUP_SIZE;
    for (var i = workgroup.x * WORKGROUP_SIZE + lane; i < params.count; i += stride) {
        x[i] = u[i] * scale;
    }
}
