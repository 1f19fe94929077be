// What the gates add to the gradient of their input. One of its gate channels per invocation.
//
//   d_h[n, c]  += sum over the heads of d_z[n, head] * gate[head, c]
//
//   gate  (H, GATE_CHANNELS)
//   d_z   (N, H)
//   d_h   (N, C)              +=  channels 0 .. GATE_CHANNELS
//
// Host side and CPU twin: crates/kernels/src/gate.rs.

#import elements

const WORKGROUP_SIZE: u32 = 256u;
const GATE_CHANNELS: u32 = 12u;

struct Params {
    count: u32,
    heads: u32,
    head_dim: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gate: array<f32>;
@group(0) @binding(2) var<storage, read> d_z: array<f32>;
@group(0) @binding(3) var<storage, read_write> d_h: array<f32>;

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
    let n = i / GATE_CHANNELS;
    let c = i % GATE_CHANNELS;
    var sum = 0.0;
    for (var head = 0u; head < params.heads; head++) {
        sum += d_z[n * params.heads + head] * gate[head * GATE_CHANNELS + c];
    }
    d_h[n * params.heads * params.head_dim + c] += sum;
}
