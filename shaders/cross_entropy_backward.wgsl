// Gradient of the weighted cross-entropy with respect to the logits, in place. One row per
// workgroup.
//
//   d_logits = weight * (exp(logits - lse) - [v = target])
//
//   targets  (N)
//   weights  (N)     the row's share of the loss; rows of weight 0 get zeros
//   lse      (N)
//   logits   (N, V)  in place: logits before, d_logits after
//
// Host side and CPU twin: crates/kernels/src/cross_entropy.rs.

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    rows: u32,
    vocabulary: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> lse: array<f32>;
@group(0) @binding(4) var<storage, read_write> logits: array<f32>;

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
    let start = row * params.vocabulary;
    let weight = weights[row];
    for (var v = lane; v < params.vocabulary; v += WORKGROUP_SIZE) {
        let hot = select(0.0, 1.0, v == targets[row]);
        logits[start + v] = weight * (exp(logits[start + v] - lse[row]) - hot);
    }
}
