// What a row of logits says of its target: loss, whether it is the most likely token, and how
// unsure the prediction is. One row per workgroup.
//
//   lse      = log sum exp(logits)
//   loss     = lse - logits[target]
//   hit      = 1 if target is the first of the largest logits, else 0
//   entropy  = lse - sum softmax(logits) * logits
//
//   logits   (N, V)
//   targets  (N)
//   lse      (N)  =  kept for the backward pass
//   loss     (N)  =  nats
//   hit      (N)  =
//   entropy  (N)  =  nats
//
// Host side and CPU twin: crates/kernels/src/cross_entropy.rs.

#import reduce

const WORKGROUP_SIZE: u32 = 256u;
const LOWEST: f32 = -3.4028234e38;

struct Params {
    rows: u32,
    vocabulary: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> targets: array<u32>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;
@group(0) @binding(4) var<storage, read_write> loss: array<f32>;
@group(0) @binding(5) var<storage, read_write> hit: array<f32>;
@group(0) @binding(6) var<storage, read_write> entropy: array<f32>;

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
    let wanted = targets[row];

    var lane_max = LOWEST;
    for (var v = lane; v < params.vocabulary; v += WORKGROUP_SIZE) {
        lane_max = max(lane_max, logits[start + v]);
    }
    let largest = workgroup_max(lane_max, lane);

    var sum = 0.0;
    var weighted = 0.0;
    var earlier = 0.0;
    for (var v = lane; v < params.vocabulary; v += WORKGROUP_SIZE) {
        let shifted = logits[start + v] - largest;
        let e = exp(shifted);
        sum += e;
        weighted += e * shifted;
        if shifted == 0.0 && v < wanted {
            earlier += 1.0;
        }
    }
    let total = workgroup_sum(sum, lane);
    let mean_shifted = workgroup_sum(weighted, lane) / total;
    let ties_before = workgroup_sum(earlier, lane);

    if lane == 0u {
        let target_shifted = logits[start + wanted] - largest;
        let log_total = log(total);
        lse[row] = largest + log_total;
        loss[row] = log_total - target_shifted;
        hit[row] = select(0.0, 1.0, target_shifted == 0.0 && ties_before == 0.0);
        entropy[row] = log_total - mean_shifted;
    }
}
