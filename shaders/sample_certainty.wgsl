// How sure the model is of positions, whatever token is drawn there. One row of logits per workgroup.
//
//   p                 = softmax(logits), the mask token left out
//   margin[rows[i]]   = largest p - second largest p
//   entropy[rows[i]]  = - sum p log p
//
//   logits   (R, V)
//   rows     (R)  position of each row, from rows_select; N where there is none
//   margin   (N)  =
//   entropy  (N)  =  nats
//
// Host side and CPU twin: crates/kernels/src/sample_certainty.rs.

#import reduce
#import largest

const WORKGROUP_SIZE: u32 = 256u;
const LOWEST: f32 = -3.4028234e38;

struct Params {
    count: u32,
    positions: u32,
    vocabulary: u32,
    mask_id: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read_write> margin: array<f32>;
@group(0) @binding(4) var<storage, read_write> entropy: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = workgroup.y * groups.x + workgroup.x;
    if row >= params.count {
        return;
    }
    let n = rows[row];
    if n >= params.positions {
        return;
    }
    let start = row * params.vocabulary;

    var lane_best = Largest(LOWEST, 0xffffffffu);
    for (var v = lane; v < params.vocabulary; v += WORKGROUP_SIZE) {
        if v != params.mask_id {
            lane_best = larger(lane_best, Largest(logits[start + v], v));
        }
    }
    let best = workgroup_largest(lane_best, lane);

    var lane_second = LOWEST;
    var sum = 0.0;
    var weighted = 0.0;
    for (var v = lane; v < params.vocabulary; v += WORKGROUP_SIZE) {
        if v != params.mask_id {
            let shifted = logits[start + v] - best.value;
            sum += exp(shifted);
            weighted += exp(shifted) * shifted;
            if v != best.index {
                lane_second = max(lane_second, logits[start + v]);
            }
        }
    }
    let total = workgroup_sum(sum, lane);
    let mean_shifted = workgroup_sum(weighted, lane) / total;
    let second = workgroup_max(lane_second, lane);

    if lane == 0u {
        margin[n] = (1.0 - exp(second - best.value)) / total;
        entropy[n] = log(total) - mean_shifted;
    }
}
