// Backward pass of gate_forward to the heads' outputs and to the argument of the sigmoid. One head
// of one position per invocation.
//
//   z    = h[0 .. GATE_CHANNELS] . gate of the head
//   g    = 2 sigmoid(z)
//   d_z  = g (1 - g / 2) (d_y . y)
//   d_y *= g
//
//   h     (N, C)
//   gate  (H, GATE_CHANNELS)
//   y     (N, H, D)
//   d_y   (N, H, D)           in place: gradient of g y before, of y after
//   d_z   (N, H)              =
//
// Host side and CPU twin: crates/kernels/src/gate.rs.

#import elements
#import gate

const WORKGROUP_SIZE: u32 = 64u;

struct Params {
    count: u32,
    heads: u32,
    head_dim: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> h: array<f32>;
@group(0) @binding(2) var<storage, read> gate: array<f32>;
@group(0) @binding(3) var<storage, read> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> d_y: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_z: array<f32>;

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
    let head = i % params.heads;
    let row = i / params.heads * params.heads * params.head_dim;
    let g = 2.0 / (1.0 + exp(-gate_argument(row, head)));
    var dot = 0.0;
    for (var d = 0u; d < params.head_dim; d++) {
        let at = i * params.head_dim + d;
        dot += d_y[at] * y[at];
        d_y[at] *= g;
    }
    d_z[i] = g * (1.0 - 0.5 * g) * dot;
}
