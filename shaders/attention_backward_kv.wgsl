// Gradients of the keys and values. One key per invocation; queries and the gradients of their
// outputs pass through workgroup memory.
//
//   p_i    = exp(q_i . k / sqrt(D) - lse_i)
//   d_s_i  = p_i (d_y_i . v - delta_i)
//   d_k    = sum_i d_s_i q_i / sqrt(D)
//   d_v    = sum_i p_i d_y_i
//
//   qkv    (N, 3, H, D)
//   lse    (N, H)
//   d_y    (N, H, D)
//   delta  (N, H)
//   d_qkv  (N, 3, H, D)  =  the keys' and the values' part
//
// Host side and CPU twin: crates/kernels/src/attention.rs.

const HEAD_DIM: u32 = 64u;
const WORKGROUP_SIZE: u32 = 64u;
// Queries in workgroup memory at a time: 2 * 8 * 128 floats at most, 8 KiB.
const RUN: u32 = 8u;

struct Params {
    batch: u32,
    length: u32,
    heads: u32,
    head_dim: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> qkv: array<f32>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read> d_y: array<f32>;
@group(0) @binding(4) var<storage, read> delta: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_qkv: array<f32>;

var<workgroup> queries: array<f32, RUN * HEAD_DIM>;
var<workgroup> d_outs: array<f32, RUN * HEAD_DIM>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let sequence = workgroup.y / params.heads;
    let head = workgroup.y % params.heads;
    let key = workgroup.x * WORKGROUP_SIZE + lane;
    let inside = key < params.length;
    let row = sequence * params.length + min(key, params.length - 1u);
    let width = params.heads * HEAD_DIM;
    let scale = 1.0 / sqrt(f32(HEAD_DIM));

    var k: array<f32, HEAD_DIM>;
    var v: array<f32, HEAD_DIM>;
    var d_k: array<f32, HEAD_DIM>;
    var d_v: array<f32, HEAD_DIM>;
    for (var d = 0u; d < HEAD_DIM; d++) {
        let at = row * 3u * width + head * HEAD_DIM + d;
        k[d] = qkv[at + width] * scale;
        v[d] = qkv[at + 2u * width];
        d_k[d] = 0.0;
        d_v[d] = 0.0;
    }

    for (var start = 0u; start < params.length; start += RUN) {
        for (var i = lane; i < RUN * HEAD_DIM; i += WORKGROUP_SIZE) {
            let query = sequence * params.length + min(start + i / HEAD_DIM, params.length - 1u);
            queries[i] = qkv[query * 3u * width + head * HEAD_DIM + i % HEAD_DIM];
            d_outs[i] = d_y[query * width + head * HEAD_DIM + i % HEAD_DIM];
        }
        workgroupBarrier();
        for (var j = 0u; j < min(RUN, params.length - start); j++) {
            let at = (sequence * params.length + start + j) * params.heads + head;
            var score = 0.0;
            var d_p = 0.0;
            for (var d = 0u; d < HEAD_DIM; d++) {
                score += queries[j * HEAD_DIM + d] * k[d];
                d_p += d_outs[j * HEAD_DIM + d] * v[d];
            }
            let p = exp(score - lse[at]);
            let d_score = p * (d_p - delta[at]) * scale;
            for (var d = 0u; d < HEAD_DIM; d++) {
                d_k[d] += d_score * queries[j * HEAD_DIM + d];
                d_v[d] += p * d_outs[j * HEAD_DIM + d];
            }
        }
        workgroupBarrier();
    }

    if inside {
        for (var d = 0u; d < HEAD_DIM; d++) {
            let at = row * 3u * width + head * HEAD_DIM + d;
            d_qkv[at + width] = d_k[d];
            d_qkv[at + 2u * width] = d_v[d];
        }
    }
}
