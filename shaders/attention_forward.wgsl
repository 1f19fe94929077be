// Bidirectional attention without ever storing the scores (FlashAttention-2, arXiv 2307.08691): one
// query per invocation, keys and values pass through workgroup memory in runs.
//
//   s_j  = q . k_j / sqrt(D)
//   y    = sum_j exp(s_j - lse) v_j
//   lse  = log sum_j exp(s_j)          kept for the backward pass
//
//   qkv  (N, 3, H, D)
//   y    (N, H, D)  =
//   lse  (N, H)     =
//
// Host side and CPU twin: crates/kernels/src/attention.rs.

const HEAD_DIM: u32 = 64u;
const WORKGROUP_SIZE: u32 = 64u;
const LOWEST: f32 = -3.4028235e38;
// Keys in workgroup memory at a time: 2 * 8 * 128 floats at most, 8 KiB.
const RUN: u32 = 8u;

struct Params {
    batch: u32,
    length: u32,
    heads: u32,
    head_dim: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> qkv: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;

var<workgroup> keys: array<f32, RUN * HEAD_DIM>;
var<workgroup> values: array<f32, RUN * HEAD_DIM>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let sequence = workgroup.y / params.heads;
    let head = workgroup.y % params.heads;
    let query = workgroup.x * WORKGROUP_SIZE + lane;
    let inside = query < params.length;
    let row = sequence * params.length + min(query, params.length - 1u);
    let width = params.heads * HEAD_DIM;
    let scale = 1.0 / sqrt(f32(HEAD_DIM));

    var q: array<f32, HEAD_DIM>;
    var sum: array<f32, HEAD_DIM>;
    for (var d = 0u; d < HEAD_DIM; d++) {
        q[d] = qkv[row * 3u * width + head * HEAD_DIM + d] * scale;
        sum[d] = 0.0;
    }
    var largest = LOWEST;
    var total = 0.0;

    for (var start = 0u; start < params.length; start += RUN) {
        for (var i = lane; i < RUN * HEAD_DIM; i += WORKGROUP_SIZE) {
            let key = min(start + i / HEAD_DIM, params.length - 1u);
            let at = (sequence * params.length + key) * 3u * width + head * HEAD_DIM + i % HEAD_DIM;
            keys[i] = qkv[at + width];
            values[i] = qkv[at + 2u * width];
        }
        workgroupBarrier();
        for (var j = 0u; j < min(RUN, params.length - start); j++) {
            var score = 0.0;
            for (var d = 0u; d < HEAD_DIM; d++) {
                score += q[d] * keys[j * HEAD_DIM + d];
            }
            let larger = max(largest, score);
            let shrink = exp(largest - larger);
            let weight = exp(score - larger);
            total = total * shrink + weight;
            for (var d = 0u; d < HEAD_DIM; d++) {
                sum[d] = sum[d] * shrink + weight * values[j * HEAD_DIM + d];
            }
            largest = larger;
        }
        workgroupBarrier();
    }

    if inside {
        for (var d = 0u; d < HEAD_DIM; d++) {
            y[row * width + head * HEAD_DIM + d] = sum[d] / total;
        }
        lse[row * params.heads + head] = largest + log(total);
    }
}
