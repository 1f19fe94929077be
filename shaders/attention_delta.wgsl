// First stage of attention's backward pass: the dot product of output and gradient. One head of one
// query per invocation.
//
//   delta  = y . d_y
//
//   y      (N, H, D)
//   d_y    (N, H, D)
//   delta  (N, H)     =
//
// Host side and CPU twin: crates/kernels/src/attention/.

#import elements

const WORKGROUP_SIZE: u32 = 64u;

struct Params {
    rows: u32,
    head_dim: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read> d_y: array<f32>;
@group(0) @binding(3) var<storage, read_write> delta: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = element_index(workgroup, groups, lane);
    if i >= params.rows {
        return;
    }
    var sum = 0.0;
    for (var d = 0u; d < params.head_dim; d++) {
        sum += y[i * params.head_dim + d] * d_y[i * params.head_dim + d];
    }
    delta[i] = sum;
}
