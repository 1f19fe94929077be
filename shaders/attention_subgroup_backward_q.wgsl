// Gradient of the queries by subgroup broadcast, the form for drivers on a CPU whose subgroups have
// eight lanes (lavapipe). Four queries per lane; each lane loads one of eight keys and values and
// passes it to the others without memory. HEAD_DIM is a multiple of 4.
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

    // Column c of matrix d holds dimension 4 d + c of this lane's four queries.
    var q: array<mat4x4<f32>, VECTORS>;
    var d_out: array<mat4x4<f32>, VECTORS>;
    var d_q: array<mat4x4<f32>, VECTORS>;
    var rows: array<u32, 4>;
    var row_lse: vec4<f32>;
    var row_delta: vec4<f32>;
    for (var i = 0u; i < 4u; i++) {
        rows[i] = sequence * params.length + min(first + i * LANES, params.length - 1u);
        row_lse[i] = lse[rows[i] * params.heads + head];
        row_delta[i] = delta[rows[i] * params.heads + head];
    }
    for (var d = 0u; d < VECTORS; d++) {
        let at = head * VECTORS + d;
        q[d] = scale * transpose(mat4x4<f32>(
            qkv[rows[0] * 3u * width + at],
            qkv[rows[1] * 3u * width + at],
            qkv[rows[2] * 3u * width + at],
            qkv[rows[3] * 3u * width + at],
        ));
        d_out[d] = transpose(mat4x4<f32>(
            d_y[rows[0] * width + at],
            d_y[rows[1] * width + at],
            d_y[rows[2] * width + at],
            d_y[rows[3] * width + at],
        ));
        d_q[d] = mat4x4<f32>();
    }

    for (var start = 0u; start < params.length; start += LANES) {
        let key = min(start + lane, params.length - 1u);
        let k_at = ((sequence * params.length + key) * 3u + 1u) * width + head * VECTORS;
        let v_at = k_at + width;

        var d_score: array<vec4<f32>, LANES>;
        var score: array<vec4<f32>, LANES>;
        for (var j = 0u; j < LANES; j++) {
            score[j] = -row_lse;
            d_score[j] = -row_delta;
        }
        for (var d = 0u; d < VECTORS; d++) {
            let k = qkv[k_at + d];
            let v = qkv[v_at + d];
            for (var j = 0u; j < LANES; j++) {
                score[j] += q[d] * subgroupShuffle(k, j);
                d_score[j] += d_out[d] * subgroupShuffle(v, j);
            }
        }
        for (var j = 0u; j < LANES; j++) {
            let weight = select(0.0, scale, start + j < params.length);
            d_score[j] *= weight * exp(score[j]);
        }
        for (var d = 0u; d < VECTORS; d++) {
            let k = qkv[k_at + d];
            for (var j = 0u; j < LANES; j++) {
                let value = subgroupShuffle(k, j);
                for (var c = 0u; c < 4u; c++) {
                    d_q[d][c] += value[c] * d_score[j];
                }
            }
        }
    }

    for (var i = 0u; i < 4u; i++) {
        if first + i * LANES < params.length {
            for (var d = 0u; d < VECTORS; d++) {
                d_qkv[rows[i] * 3u * width + head * VECTORS + d] = transpose(d_q[d])[i];
            }
        }
    }
}
