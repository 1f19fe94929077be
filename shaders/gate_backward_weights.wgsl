// Gradient of the gates. One of their elements per workgroup.
//
//   d_gate[head, c]  = sum over n of d_z[n, head] * h[n, c]
//
//   h       (N, C)
//   d_z     (N, H)
//   d_gate  (H, GATE_CHANNELS)  =, or += when params.accumulate is 1
//
// Host side and CPU twin: crates/kernels/src/gate.rs.

#import reduce

const WORKGROUP_SIZE: u32 = 256u;
const GATE_CHANNELS: u32 = 12u;

struct Params {
    rows: u32,
    heads: u32,
    head_dim: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> h: array<f32>;
@group(0) @binding(2) var<storage, read> d_z: array<f32>;
@group(0) @binding(3) var<storage, read_write> d_gate: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let head = workgroup.x / GATE_CHANNELS;
    let c = workgroup.x % GATE_CHANNELS;
    var sum = 0.0;
    for (var n = lane; n < params.rows; n += WORKGROUP_SIZE) {
        sum += d_z[n * params.heads + head] * h[n * params.heads * params.head_dim + c];
    }
    var total = workgroup_sum(sum, lane);
    if lane == 0u {
        if params.accumulate == 1u {
            total += d_gate[workgroup.x];
        }
        d_gate[workgroup.x] = total;
    }
}
