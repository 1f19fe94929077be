// Draws tokens. One row of logits per workgroup.
//
//   greedy:  token = the first of the largest logits,  p = softmax(logits)
//   else:    p = softmax(logits / temperature), cut to the top_k largest logits and then to the
//            fewest largest whose probability reaches top_p (ties at either border stay), and
//            token = number of entries of the running sum of p that are <= uniform
//   tokens[rows[i]] = token,  token_confidence[rows[i]] = p[token]
//
// Before given tokens no text ends: there end_id cannot be drawn.
//
//   logits            (R, V)
//   rows              (R)  position of each row, from rows_select; N where there is none
//   uniforms          (N)
//   kinds             (N)  of the positions, see common/kinds.wgsl
//   control           (7 + batch)  element 1, whether the pass is greedy
//   tokens            (N)  =
//   token_confidence  (N)  =
//
// Nothing is sorted. The borders of top_k and top_p are found digit by digit over order-preserving
// keys of the logits, with counts (or probabilities in fixed point) in integer bins, which makes
// them independent of the order of additions. The draw goes down a tree of partial sums, so that
// the running sum is rounded a few dozen times rather than V times.
//
// Host side and CPU twin: crates/kernels/src/sample_tokens.rs.

#import kinds
#import reduce
#import largest

const WORKGROUP_SIZE: u32 = 256u;
const LOWEST: f32 = -3.4028234e38;
// One in the fixed-point numbers of top_p: sums of rounded shares stay below 2^32.
const FIXED_ONE: f32 = 1073741824.0;

struct Params {
    count: u32,
    positions: u32,
    vocabulary: u32,
    mask_id: u32,
    exclude_mask: u32,
    // Outside the vocabulary if there is none.
    end_id: u32,
    greedy: u32,
    top_k: u32,
    top_p: f32,
    inverse_temperature: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read> uniforms: array<f32>;
@group(0) @binding(4) var<storage, read> kinds: array<u32>;
@group(0) @binding(5) var<storage, read> control: array<u32>;
@group(0) @binding(6) var<storage, read_write> tokens: array<u32>;
@group(0) @binding(7) var<storage, read_write> token_confidence: array<f32>;

var<workgroup> bins: array<atomic<u32>, 16>;
// A binary tree: the root at 1, the children of i at 2 i and 2 i + 1, the lanes' sums as leaves.
var<workgroup> tree: array<f32, 2u * WORKGROUP_SIZE>;

// Whether the workgroup's position lies before given tokens.
var<private> inside: bool;

fn allowed(v: u32) -> bool {
    return (params.exclude_mask == 0u || v != params.mask_id) && !(inside && v == params.end_id);
}

// A word that orders as the float does.
fn order_key(value: f32) -> u32 {
    let bits = bitcast<u32>(value);
    return select(bits | 0x80000000u, ~bits, bits >> 31u == 1u);
}

// Probability of token v relative to the largest logit's; 0 if v is cut off.
fn weight(start: u32, v: u32, largest: f32, scale: f32, floor_key: u32) -> f32 {
    let logit = logits[start + v];
    if !allowed(v) || order_key(logit) < floor_key {
        return 0.0;
    }
    return exp((logit - largest) * scale);
}

// The largest key such that the logits of this key and above together have at least `wanted`:
// entries when total = 0, else shares of `total` in fixed point. Contains barriers.
fn border(
    start: u32,
    largest: f32,
    scale: f32,
    floor_key: u32,
    total: f32,
    wanted: u32,
    lane: u32,
) -> u32 {
    var key = 0u;
    var rest = wanted;
    for (var round = 0u; round < 8u; round++) {
        let shift = 28u - 4u * round;
        if lane < 16u {
            atomicStore(&bins[lane], 0u);
        }
        workgroupBarrier();
        for (var v = lane; v < params.vocabulary; v += WORKGROUP_SIZE) {
            let digits = order_key(logits[start + v]) >> shift;
            if digits >> 4u != key {
                continue;
            }
            let w = weight(start, v, largest, scale, floor_key);
            if total > 0.0 {
                atomicAdd(&bins[digits & 15u], u32(w / total * FIXED_ONE));
            } else if allowed(v) {
                atomicAdd(&bins[digits & 15u], 1u);
            }
        }
        workgroupBarrier();
        var digit = 15u;
        for (; digit > 0u; digit--) {
            let inside = atomicLoad(&bins[digit]);
            if inside >= rest {
                break;
            }
            rest -= inside;
        }
        key = (key << 4u) | digit;
        // The next round clears the bins: wait until all have read them.
        workgroupBarrier();
    }
    return key;
}

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
    inside = kinds[n] == FREE_NO_END;
    let start = row * params.vocabulary;
    let greedy = params.greedy == 1u || control[1] == 1u;
    let scale = select(params.inverse_temperature, 1.0, greedy);

    var lane_best = Largest(LOWEST, 0xffffffffu);
    for (var v = lane; v < params.vocabulary; v += WORKGROUP_SIZE) {
        if allowed(v) {
            lane_best = larger(lane_best, Largest(logits[start + v], v));
        }
    }
    let best = workgroup_largest(lane_best, lane);

    var floor_key = 0u;
    if !greedy && params.top_k > 0u {
        floor_key = border(start, best.value, scale, 0u, 0.0, params.top_k, lane);
    }
    if !greedy && params.top_p < 1.0 {
        var sum = 0.0;
        for (var v = lane; v < params.vocabulary; v += WORKGROUP_SIZE) {
            sum += weight(start, v, best.value, scale, floor_key);
        }
        let kept = workgroup_sum(sum, lane);
        let wanted = u32(ceil(params.top_p * FIXED_ONE));
        let key = border(start, best.value, scale, floor_key, kept, wanted, lane);
        floor_key = max(floor_key, key);
    }

    // Each lane sums a run of neighbours.
    let run = (params.vocabulary + WORKGROUP_SIZE - 1u) / WORKGROUP_SIZE;
    let first = min(lane * run, params.vocabulary);
    let end = min(first + run, params.vocabulary);
    var lane_sum = 0.0;
    for (var v = first; v < end; v++) {
        lane_sum += weight(start, v, best.value, scale, floor_key);
    }
    tree[WORKGROUP_SIZE + lane] = lane_sum;
    for (var width = WORKGROUP_SIZE / 2u; width > 0u; width /= 2u) {
        workgroupBarrier();
        if lane < width {
            let node = width + lane;
            tree[node] = tree[2u * node] + tree[2u * node + 1u];
        }
    }
    workgroupBarrier();

    if lane == 0u {
        var token = best.index;
        if !greedy {
            var rest = uniforms[n] * tree[1];
            var node = 1u;
            while node < WORKGROUP_SIZE {
                node *= 2u;
                let left = tree[node];
                // Rounding must not lead to where there is nothing.
                if rest >= left && tree[node + 1u] > 0.0 {
                    rest -= left;
                    node += 1u;
                }
            }
            let leaf = (node - WORKGROUP_SIZE) * run;
            var sum = 0.0;
            for (var v = leaf; v < min(leaf + run, params.vocabulary); v++) {
                let w = weight(start, v, best.value, scale, floor_key);
                if w > 0.0 {
                    token = v;
                    sum += w;
                    if sum > rest {
                        break;
                    }
                }
            }
        }
        tokens[n] = token;
        token_confidence[n] = weight(start, token, best.value, scale, floor_key) / tree[1];
    }
}
