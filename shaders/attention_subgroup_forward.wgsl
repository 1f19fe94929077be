// Attention by subgroup broadcast, the variant for drivers on a CPU whose subgroups have eight lanes
// (lavapipe). Four queries per lane; each lane loads one of eight keys and values and passes it to
// the others without memory. HEAD_DIM is a multiple of 4.
//
//   s_j  = q . k_j / sqrt(D)           for the keys j that the query sees
//   y    = sum_j exp(s_j - lse) v_j
//   lse  = log sum_j exp(s_j)          kept for the backward pass
//
//   q    (batch, queries, 3, H, D)     part 0
//   kv   (batch, kv_rows, kv_parts, H, D)  the last two parts: keys, values
//   y    (batch, queries, H, D)  =
//   lse  (batch, queries, H)     =
//
// Host side and CPU twin: crates/kernels/src/attention/.

#import attention

const VECTORS: u32 = HEAD_DIM / 4u;
const LANES: u32 = 8u;
const LOWEST: f32 = -3.4028234e38;

@group(0) @binding(1) var<storage, read> q: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> kv: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;

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
    var acc: array<mat4x4<f32>, VECTORS>;
    var queries: array<u32, 4>;
    var rows: array<u32, 4>;
    for (var i = 0u; i < 4u; i++) {
        queries[i] = min(first + i * LANES + lane, last);
        rows[i] = sequence * params.queries + queries[i];
    }
    for (var d = 0u; d < VECTORS; d++) {
        let at = head * VECTORS + d;
        query_vectors[d] = scale * transpose(mat4x4<f32>(
            q[rows[0] * 3u * width + at],
            q[rows[1] * 3u * width + at],
            q[rows[2] * 3u * width + at],
            q[rows[3] * 3u * width + at],
        ));
        acc[d] = mat4x4<f32>();
    }
    var m = vec4<f32>(LOWEST);
    var l = vec4<f32>();

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

            // The scores of the four queries with each of eight keys.
            var p: array<vec4<f32>, LANES>;
            for (var j = 0u; j < LANES; j++) {
                p[j] = vec4<f32>();
            }
            for (var d = 0u; d < VECTORS; d++) {
                let k = kv[k_at + d];
                for (var j = 0u; j < LANES; j++) {
                    p[j] += query_vectors[d] * subgroupShuffle(k, j);
                }
            }
            var m_new = m;
            for (var j = 0u; j < LANES; j++) {
                let sees = (vec4<u32>(start + j) >= begin) & (vec4<u32>(start + j) < end);
                p[j] = select(vec4<f32>(LOWEST), p[j], sees);
                m_new = max(m_new, p[j]);
            }
            // Before the first key that a query sees, m is LOWEST and hidden keys count as if they
            // were seen; the first real score then makes the correction 0.
            let correction = exp(m - m_new);
            m = m_new;
            l *= correction;
            for (var j = 0u; j < LANES; j++) {
                p[j] = exp(p[j] - m_new);
                l += p[j];
            }
            for (var d = 0u; d < VECTORS; d++) {
                let v = kv[v_at + d];
                for (var c = 0u; c < 4u; c++) {
                    acc[d][c] *= correction;
                }
                for (var j = 0u; j < LANES; j++) {
                    let value = subgroupShuffle(v, j);
                    for (var c = 0u; c < 4u; c++) {
                        acc[d][c] += value[c] * p[j];
                    }
                }
            }
        }
    }

    for (var i = 0u; i < 4u; i++) {
        if first + i * LANES + lane <= last {
            lse[rows[i] * params.heads + head] = m[i] + log(l[i]);
            for (var d = 0u; d < VECTORS; d++) {
                y[rows[i] * width + head * VECTORS + d] = transpose(acc[d])[i] / l[i];
            }
        }
    }
}
