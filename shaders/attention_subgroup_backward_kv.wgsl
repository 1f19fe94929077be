// Gradients of the keys and values by subgroup broadcast, the form for drivers on a CPU whose
// subgroups have eight lanes (lavapipe). Four keys per lane; each lane loads one of eight queries
// and passes it to the others without memory. HEAD_DIM is a multiple of 4.
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
// Host side and CPU twin: crates/kernels/src/attention/.

const HEAD_DIM: u32 = 64u;
const VECTORS: u32 = HEAD_DIM / 4u;
const LANES: u32 = 8u;

struct Params {
    batch: u32,
    length: u32,
    heads: u32,
    head_dim: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> qkv: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read> d_y: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> delta: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_qkv: array<vec4<f32>>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let sequence = workgroup.y / params.heads;
    let head = workgroup.y % params.heads;
    let width = params.heads * VECTORS;
    let scale = 1.0 / sqrt(f32(HEAD_DIM));
    let first = workgroup.x * 4u * LANES + lane;

    // Column c of matrix d holds dimension 4 d + c of this lane's four keys.
    var k: array<mat4x4<f32>, VECTORS>;
    var v: array<mat4x4<f32>, VECTORS>;
    var d_k: array<mat4x4<f32>, VECTORS>;
    var d_v: array<mat4x4<f32>, VECTORS>;
    var rows: array<u32, 4>;
    for (var i = 0u; i < 4u; i++) {
        rows[i] = sequence * params.length + min(first + i * LANES, params.length - 1u);
    }
    for (var d = 0u; d < VECTORS; d++) {
        let at = width + head * VECTORS + d;
        k[d] = scale * transpose(mat4x4<f32>(
            qkv[rows[0] * 3u * width + at],
            qkv[rows[1] * 3u * width + at],
            qkv[rows[2] * 3u * width + at],
            qkv[rows[3] * 3u * width + at],
        ));
        v[d] = transpose(mat4x4<f32>(
            qkv[rows[0] * 3u * width + width + at],
            qkv[rows[1] * 3u * width + width + at],
            qkv[rows[2] * 3u * width + width + at],
            qkv[rows[3] * 3u * width + width + at],
        ));
        d_k[d] = mat4x4<f32>();
        d_v[d] = mat4x4<f32>();
    }

    for (var start = 0u; start < params.length; start += LANES) {
        let query = sequence * params.length + min(start + lane, params.length - 1u);
        let q_at = query * 3u * width + head * VECTORS;
        let d_y_at = query * width + head * VECTORS;
        let query_lse = lse[query * params.heads + head];
        let query_delta = delta[query * params.heads + head];

        var p: array<vec4<f32>, LANES>;
        var d_score: array<vec4<f32>, LANES>;
        for (var j = 0u; j < LANES; j++) {
            p[j] = vec4<f32>(-subgroupShuffle(query_lse, j));
            d_score[j] = vec4<f32>(-subgroupShuffle(query_delta, j));
        }
        for (var d = 0u; d < VECTORS; d++) {
            let q = qkv[q_at + d];
            let d_out = d_y[d_y_at + d];
            for (var j = 0u; j < LANES; j++) {
                p[j] += k[d] * subgroupShuffle(q, j);
                d_score[j] += v[d] * subgroupShuffle(d_out, j);
            }
        }
        for (var j = 0u; j < LANES; j++) {
            p[j] = select(vec4<f32>(), exp(p[j]), start + j < params.length);
            d_score[j] *= scale * p[j];
        }
        for (var d = 0u; d < VECTORS; d++) {
            let q = qkv[q_at + d];
            let d_out = d_y[d_y_at + d];
            for (var j = 0u; j < LANES; j++) {
                let query_value = subgroupShuffle(q, j);
                let d_value = subgroupShuffle(d_out, j);
                for (var c = 0u; c < 4u; c++) {
                    d_k[d][c] += query_value[c] * d_score[j];
                    d_v[d][c] += d_value[c] * p[j];
                }
            }
        }
    }

    for (var i = 0u; i < 4u; i++) {
        if first + i * LANES < params.length {
            for (var d = 0u; d < VECTORS; d++) {
                let at = rows[i] * 3u * width + width + head * VECTORS + d;
                d_qkv[at] = transpose(d_k[d])[i];
                d_qkv[at + width] = transpose(d_v[d])[i];
            }
        }
    }
}
