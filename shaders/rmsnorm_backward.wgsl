// Backward pass of every RMSNorm over channels. One row per workgroup.
//
//   d_x      = inv_rms * (d_h - h * mean(d_h * h))
//
//   d_h      (N, C)
//   h        (N, C)  output of the forward pass
//   inv_rms  (N)
//   d_x      (N, C)  =, or += when params.accumulate is 1
//
// Host side and CPU twin: crates/kernels/src/rmsnorm.rs.

#import reduce

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    rows: u32,
    channels: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> d_h: array<f32>;
@group(0) @binding(2) var<storage, read> h: array<f32>;
@group(0) @binding(3) var<storage, read> inv_rms: array<f32>;
@group(0) @binding(4) var<storage, read_write> d_x: array<f32>;

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

    var dot = 0.0;
    for (var c = lane; c < params.channels; c += WORKGROUP_SIZE) {
        dot += d_h[start + c] * h[start + c];
    }
    let mean = workgroup_sum(dot, lane) / f32(params.channels);
    let scale = inv_rms[row];

    for (var c = lane; c < params.channels; c += WORKGROUP_SIZE) {
        var value = scale * (d_h[start + c] - h[start + c] * mean);
        if params.accumulate == 1u {
            value += d_x[start + c];
        }
        d_x[start + c] = value;
    }
}
