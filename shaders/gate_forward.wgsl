// Gates of the heads (arXiv 2505.06708): each scales its output by what the block reads in its first
// channels. One element per invocation.
//
//   g      = 2 sigmoid(h[0 .. GATE_CHANNELS] . gate of the head)
//   gated  = g y
//
//   h      (N, C)              normalised input of attention
//   gate   (H, GATE_CHANNELS)
//   y      (N, H, D)
//   gated  (N, H, D)           =
//
// Host side and CPU twin: crates/kernels/src/gate.rs.

#import elements
#import gate

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    heads: u32,
    head_dim: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> h: array<f32>;
@group(0) @binding(2) var<storage, read> gate: array<f32>;
@group(0) @binding(3) var<storage, read> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> gated: array<f32>;

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
    let head = i / params.head_dim % params.heads;
    let row = i / (params.head_dim * params.heads) * params.head_dim * params.heads;
    gated[i] = 2.0 / (1.0 + exp(-gate_argument(row, head))) * y[i];
}
