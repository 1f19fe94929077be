// What the model thought of every position: its best tokens and how unsure it was. One position
// per workgroup.
//
//   p              = softmax(logits), the mask token left out when params.exclude_mask is 1
//   tokens         = the BEST tokens of largest p, ties by lower id
//   probabilities  = their p
//   entropy        = - sum p log p
//
//   logits         (N, V)
//   tokens         (N, BEST)  =  0xffffffff where the vocabulary has no more
//   probabilities  (N, BEST)  =
//   entropy        (N)        =  nats
//
// Host side and CPU twin: crates/kernels/src/sample_explain.rs.

#import reduce
#import largest

const WORKGROUP_SIZE: u32 = 256u;
const BEST: u32 = 5u;
const LOWEST: f32 = -3.4028234e38;
const NONE: u32 = 0xffffffffu;

struct Params {
    rows: u32,
    vocabulary: u32,
    mask_id: u32,
    exclude_mask: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read_write> tokens: array<u32>;
@group(0) @binding(3) var<storage, read_write> probabilities: array<f32>;
@group(0) @binding(4) var<storage, read_write> entropy: array<f32>;

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

    var largest = LOWEST;
    var total = 0.0;
    var before = Largest(0.0, NONE);
    for (var place = 0u; place < BEST; place++) {
        // The largest of those that come after the one before.
        var lane_best = Largest(LOWEST, NONE);
        for (var v = lane; v < params.vocabulary; v += WORKGROUP_SIZE) {
            let logit = logits[start + v];
            let excluded = params.exclude_mask == 1u && v == params.mask_id;
            let after = logit < before.value || (logit == before.value && v > before.index);
            if !excluded && (place == 0u || after) {
                lane_best = larger(lane_best, Largest(logit, v));
            }
        }
        let best = workgroup_largest(lane_best, lane);

        if place == 0u {
            largest = best.value;
            var sum = 0.0;
            var weighted = 0.0;
            for (var v = lane; v < params.vocabulary; v += WORKGROUP_SIZE) {
                if params.exclude_mask == 0u || v != params.mask_id {
                    let shifted = logits[start + v] - largest;
                    sum += exp(shifted);
                    weighted += exp(shifted) * shifted;
                }
            }
            total = workgroup_sum(sum, lane);
            let mean_shifted = workgroup_sum(weighted, lane) / total;
            if lane == 0u {
                entropy[row] = log(total) - mean_shifted;
            }
        }
        if lane == 0u {
            tokens[row * BEST + place] = best.index;
            probabilities[row * BEST + place] =
                select(exp(best.value - largest) / total, 0.0, best.index == NONE);
        }
        before = best;
    }
}
