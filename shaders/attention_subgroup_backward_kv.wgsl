// Gradients of the keys and values by subgroup broadcast, the variant for drivers on a CPU whose
// subgroups have eight lanes (lavapipe). Four keys per lane; each lane loads one of eight queries
// and passes it to the others without memory. HEAD_DIM is a multiple of 4.
//
//   p_i    = exp(q_i . k / sqrt(D) - lse_i)    for the queries i that see the key
//   d_s_i  = p_i (d_y_i . v - delta_i)
//   d_k    = sum_i d_s_i q_i / sqrt(D)
//   d_v    = sum_i p_i d_y_i
//
//   q      (batch, queries, 3, H, D)     part 0
//   kv     (batch, kv_rows, kv_parts, H, D)  the last two parts: keys, values
//   lse    (batch, queries, H)
//   d_y    (batch, queries, H, D)
//   delta  (batch, queries, H)
//   d_kv   (batch, kv_rows, kv_parts, H, D)  =  the last two parts of `keys` rows
//
// Host side and CPU twin: crates/kernels/src/attention/.

#import attention

const VECTORS: u32 = HEAD_DIM / 4u;
const LANES: u32 = 8u;

@group(0) @binding(1) var<storage, read> q: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> kv: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> lse: array<f32>;
@group(0) @binding(4) var<storage, read> d_y: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> delta: array<f32>;
@group(0) @binding(6) var<storage, read_write> d_kv: array<vec4<f32>>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let head = workgroup.y;
    let sequence = workgroup.z;
    let width = params.heads * VECTORS;
    let scale = 1.0 / sqrt(f32(HEAD_DIM));
    let first = workgroup.x * 4u * LANES;
    let last = min(first + 4u * LANES, params.keys) - 1u;

    // Column c of matrix d holds dimension 4 d + c of this lane's four keys.
    var k: array<mat4x4<f32>, VECTORS>;
    var v: array<mat4x4<f32>, VECTORS>;
    var d_k: array<mat4x4<f32>, VECTORS>;
    var d_v: array<mat4x4<f32>, VECTORS>;
    var keys: array<u32, 4>;
    // Where the head's keys begin.
    var rows: array<u32, 4>;
    for (var i = 0u; i < 4u; i++) {
        keys[i] = min(first + i * LANES + lane, last);
        let row = sequence * params.kv_rows + keys[i];
        rows[i] = ((row + 1u) * params.kv_parts - 2u) * width + head * VECTORS;
    }
    for (var d = 0u; d < VECTORS; d++) {
        k[d] = scale * transpose(mat4x4<f32>(
            kv[rows[0] + d],
            kv[rows[1] + d],
            kv[rows[2] + d],
            kv[rows[3] + d],
        ));
        v[d] = transpose(mat4x4<f32>(
            kv[rows[0] + width + d],
            kv[rows[1] + width + d],
            kv[rows[2] + width + d],
            kv[rows[3] + width + d],
        ));
        d_k[d] = mat4x4<f32>();
        d_v[d] = mat4x4<f32>();
    }

    for (var part = 0u; part < PARTS; part++) {
        var begin: vec4<u32>;
        var end: vec4<u32>;
        for (var i = 0u; i < 4u; i++) {
            let visible = queries_of(keys[i], part);
            begin[i] = visible.begin;
            end[i] = visible.end;
        }
        let tile = queries_of_tile(first, last, part);
        for (var start = tile.begin; start < tile.end; start += LANES) {
            let query = sequence * params.queries + min(start + lane, params.queries - 1u);
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
                let query_vector = q[q_at + d];
                let d_out = d_y[d_y_at + d];
                for (var j = 0u; j < LANES; j++) {
                    p[j] += k[d] * subgroupShuffle(query_vector, j);
                    d_score[j] += v[d] * subgroupShuffle(d_out, j);
                }
            }
            for (var j = 0u; j < LANES; j++) {
                let seen = (vec4<u32>(start + j) >= begin) & (vec4<u32>(start + j) < end);
                p[j] = select(vec4<f32>(), exp(p[j]), seen);
                d_score[j] *= scale * p[j];
            }
            for (var d = 0u; d < VECTORS; d++) {
                let query_vector = q[q_at + d];
                let d_out = d_y[d_y_at + d];
                for (var j = 0u; j < LANES; j++) {
                    let query_value = subgroupShuffle(query_vector, j);
                    let d_value = subgroupShuffle(d_out, j);
                    for (var c = 0u; c < 4u; c++) {
                        d_k[d][c] += query_value[c] * d_score[j];
                        d_v[d][c] += d_value[c] * p[j];
                    }
                }
            }
        }
    }

    for (var i = 0u; i < 4u; i++) {
        if first + i * LANES + lane <= last {
            for (var d = 0u; d < VECTORS; d++) {
                d_kv[rows[i] + d] = transpose(d_k[d])[i];
                d_kv[rows[i] + width + d] = transpose(d_v[d])[i];
            }
        }
    }
}
