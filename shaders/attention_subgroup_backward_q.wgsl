// Gradient of the queries by subgroup broadcast, the variant for drivers on a CPU whose subgroups
// have eight lanes (lavapipe). Four queries per lane; each lane loads one of eight keys and values
// and passes it to the others without memory. HEAD_DIM is a multiple of 4.
//
//   p_j    = exp(q . k_j / sqrt(D) - lse)    for the keys j that the query sees
//   d_s_j  = p_j (d_y . v_j - delta)
//   d_q    = sum_j d_s_j k_j / sqrt(D)
//
//   q      (batch, queries, 3, H, D)     part 0
//   kv     (batch, kv_rows, kv_parts, H, D)  the last two parts: keys, values
//   lse    (batch, queries, H)
//   d_y    (batch, queries, H, D)
//   delta  (batch, queries, H)
//   d_q    (batch, queries, 3, H, D)  =  part 0
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
@group(0) @binding(6) var<storage, read_write> d_q: array<vec4<f32>>;

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
    let last = min(first + 4u * LANES, params.queries) - 1u;

    // Column c of matrix d holds dimension 4 d + c of this lane's four queries.
    var query_vectors: array<mat4x4<f32>, VECTORS>;
    var d_out: array<mat4x4<f32>, VECTORS>;
    var acc: array<mat4x4<f32>, VECTORS>;
    var queries: array<u32, 4>;
    var rows: array<u32, 4>;
    var row_lse: vec4<f32>;
    var row_delta: vec4<f32>;
    for (var i = 0u; i < 4u; i++) {
        queries[i] = min(first + i * LANES + lane, last);
        rows[i] = sequence * params.queries + queries[i];
        row_lse[i] = lse[rows[i] * params.heads + head];
        row_delta[i] = delta[rows[i] * params.heads + head];
    }
    for (var d = 0u; d < VECTORS; d++) {
        let at = head * VECTORS + d;
        query_vectors[d] = scale * transpose(mat4x4<f32>(
            q[rows[0] * 3u * width + at],
            q[rows[1] * 3u * width + at],
            q[rows[2] * 3u * width + at],
            q[rows[3] * 3u * width + at],
        ));
        d_out[d] = transpose(mat4x4<f32>(
            d_y[rows[0] * width + at],
            d_y[rows[1] * width + at],
            d_y[rows[2] * width + at],
            d_y[rows[3] * width + at],
        ));
        acc[d] = mat4x4<f32>();
    }

    for (var part = 0u; part < PARTS; part++) {
        var begin: vec4<u32>;
        var end: vec4<u32>;
        for (var i = 0u; i < 4u; i++) {
            let visible = keys_of(queries[i], part);
            begin[i] = visible.begin;
            end[i] = visible.end;
        }
        let tile = keys_of_tile(first, last, part);
        for (var start = tile.begin; start < tile.end; start += LANES) {
            let key = sequence * params.kv_rows + min(start + lane, params.keys - 1u);
            let k_at = ((key + 1u) * params.kv_parts - 2u) * width + head * VECTORS;
            let v_at = k_at + width;

            var d_score: array<vec4<f32>, LANES>;
            var score: array<vec4<f32>, LANES>;
            for (var j = 0u; j < LANES; j++) {
                score[j] = -row_lse;
                d_score[j] = -row_delta;
            }
            for (var d = 0u; d < VECTORS; d++) {
                let k = kv[k_at + d];
                let v = kv[v_at + d];
                for (var j = 0u; j < LANES; j++) {
                    score[j] += query_vectors[d] * subgroupShuffle(k, j);
                    d_score[j] += d_out[d] * subgroupShuffle(v, j);
                }
            }
            for (var j = 0u; j < LANES; j++) {
                let sees = (vec4<u32>(start + j) >= begin) & (vec4<u32>(start + j) < end);
                d_score[j] *= select(vec4<f32>(), scale * exp(score[j]), sees);
            }
            for (var d = 0u; d < VECTORS; d++) {
                let k = kv[k_at + d];
                for (var j = 0u; j < LANES; j++) {
                    let value = subgroupShuffle(k, j);
                    for (var c = 0u; c < 4u; c++) {
                        acc[d][c] += value[c] * d_score[j];
                    }
                }
            }
        }
    }

    for (var i = 0u; i < 4u; i++) {
        if first + i * LANES + lane <= last {
            for (var d = 0u; d < VECTORS; d++) {
                d_q[rows[i] * 3u * width + head * VECTORS + d] = transpose(acc[d])[i];
            }
        }
    }
}
