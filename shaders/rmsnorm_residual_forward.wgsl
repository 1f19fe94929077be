// Adds a block's output to the residual stream and normalises the sum for the next block. One row
// per workgroup.
//
//   sum      = x + y
//   h        = sum / sqrt(mean(sum²) + EPS)
//
//   x        (N, C)
//   y        (N, C)
//   sum      (N, C)  =
//   h        (N, C)  =  kept for the backward pass
//   inv_rms  (N)     =  kept for the backward pass
//
// Host side and CPU twin: crates/kernels/src/rmsnorm.rs.

#import reduce

const WORKGROUP_SIZE: u32 = 256u;
const EPS: f32 = 1.1920929e-7;

struct Params {
    rows: u32,
    channels: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> sum: array<f32>;
@group(0) @binding(4) var<storage, read_write> h: array<f32>;
@group(0) @binding(5) var<storage, read_write> inv_rms: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = workgroup.y * groups.x + workgroup.x;
    if row >= params.rows {
        return;
    }
    let start = row * params.channels;

    // Each invocation meets only its own channels again below: no barrier is needed for sum.
    var sum_of_squares = 0.0;
    for (var c = lane; c < params.channels; c += WORKGROUP_SIZE) {
        let value = x[start + c] + y[start + c];
        sum[start + c] = value;
        sum_of_squares += value * value;
    }
    let mean_square = workgroup_sum(sum_of_squares, lane) / f32(params.channels);
    let scale = 1.0 / sqrt(mean_square + EPS);

    for (var c = lane; c < params.channels; c += WORKGROUP_SIZE) {
        h[start + c] = sum[start + c] * scale;
    }
    if lane == 0u {
        inv_rms[row] = scale;
    }
}
