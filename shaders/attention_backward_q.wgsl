// Gradient of the queries. One query per invocation; keys and values pass through workgroup memory.
//
//   p_j    = exp(q . k_j / sqrt(D) - lse)
//   d_s_j  = p_j (d_y . v_j - delta)
//   d_q    = sum_j d_s_j k_j / sqrt(D)
//
//   qkv    (N, 3, H, D)
//   lse    (N, H)
//   d_y    (N, H, D)
//   delta  (N, H)
//   d_qkv  (N, 3, H, D)  =  the queries' part
//
// Host side and CPU twin: crates/kernels/src/attention.rs.

const HEAD_DIM: u32 = 64u;
const WORKGROUP_SIZE: u32 = 64u;
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
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read> d_y: array<f32>;
@group(0) @binding(4) var<storage, read> delta: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_qkv: array<f32>;

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
    var d_out: array<f32, HEAD_DIM>;
    var d_q: array<f32, HEAD_DIM>;
    for (var d = 0u; d < HEAD_DIM; d++) {
        q[d] = qkv[row * 3u * width + head * HEAD_DIM + d] * scale;
        d_out[d] = d_y[row * width + head * HEAD_DIM + d];
        d_q[d] = 0.0;
    }
    let row_lse = lse[row * params.heads + head];
    let row_delta = delta[row * params.heads + head];

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
            var d_p = 0.0;
            for (var d = 0u; d < HEAD_DIM; d++) {
                score += q[d] * keys[j * HEAD_DIM + d];
                d_p += d_out[d] * values[j * HEAD_DIM + d];
            }
            let d_score = exp(score - row_lse) * (d_p - row_delta) * scale;
            for (var d = 0u; d < HEAD_DIM; d++) {
                d_q[d] += d_score * keys[j * HEAD_DIM + d];
            }
        }
        workgroupBarrier();
    }

    if inside {
        for (var d = 0u; d < HEAD_DIM; d++) {
            d_qkv[row * 3u * width + head * HEAD_DIM + d] = d_q[d];
        }
    }
}
