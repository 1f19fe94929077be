// Attention without ever storing the scores (FlashAttention-2, arXiv 2307.08691). Two invocations
// per query, each with half of the head's dimensions: they exchange their parts of the scores. Keys
// and values pass through workgroup memory in runs.
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
#import head

// Vectors of half a head; zeros fill up what D lacks.
const HALF: u32 = (HEAD_DIM + 7u) / 8u;
const ROWS: u32 = 64u;
const WORKGROUP_SIZE: u32 = 2u * ROWS;
// Keys in workgroup memory at a time: 8 KiB for keys and values of 128 dimensions.
const RUN: u32 = 8u;
const LOWEST: f32 = -3.4028234e38;

@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> kv: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;

var<workgroup> keys: array<array<vec4<f32>, 2u * HALF>, RUN>;
var<workgroup> values: array<array<vec4<f32>, 2u * HALF>, RUN>;
// Each half's part of the scores of a run.
var<workgroup> scores: array<array<array<f32, ROWS>, RUN>, 2>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let head = workgroup.y;
    let sequence = workgroup.z;
    let width = params.heads * HEAD_DIM;
    let row = lane % ROWS;
    let half = lane / ROWS;
    let first = workgroup.x * ROWS;
    let last = min(first + ROWS, params.queries) - 1u;
    let query = min(first + row, last);
    let position = sequence * params.queries + query;
    let scale = 1.0 / sqrt(f32(HEAD_DIM));

    var query_vector: array<vec4<f32>, HALF>;
    var acc: array<vec4<f32>, HALF>;
    for (var d = 0u; d < HALF; d++) {
        query_vector[d] = scale * load_q(position * 3u * width + head * HEAD_DIM, half * HALF + d);
        acc[d] = vec4<f32>();
    }
    var m = LOWEST;
    var l = 0.0;

    for (var part = 0u; part < PARTS; part++) {
        let visible = keys_of(query, part);
        let tile = keys_of_tile(first, last, part);
        for (var start = tile.begin; start < tile.end; start += RUN) {
            for (var i = lane; i < RUN * 2u * HALF; i += WORKGROUP_SIZE) {
                let j = i / (2u * HALF);
                let v = i % (2u * HALF);
                let key = sequence * params.kv_rows + min(start + j, params.keys - 1u);
                let base = ((key + 1u) * params.kv_parts - 2u) * width + head * HEAD_DIM;
                keys[j][v] = load_kv(base, v);
                values[j][v] = load_kv(base + width, v);
            }
            workgroupBarrier();
            for (var j = 0u; j < RUN; j++) {
                var score = 0.0;
                for (var d = 0u; d < HALF; d++) {
                    score += dot(query_vector[d], keys[j][half * HALF + d]);
                }
                scores[half][j][row] = score;
            }
            workgroupBarrier();
            var p: array<f32, RUN>;
            var m_new = m;
            for (var j = 0u; j < RUN; j++) {
                let score = scores[0][j][row] + scores[1][j][row];
                let sees = start + j >= visible.begin && start + j < visible.end;
                p[j] = select(LOWEST, score, sees);
                m_new = max(m_new, p[j]);
            }
            // Before the first key that the query sees, m is LOWEST and hidden keys count as if
            // they were seen; the first real score then makes the correction 0.
            let correction = exp(m - m_new);
            m = m_new;
            l *= correction;
            for (var j = 0u; j < RUN; j++) {
                p[j] = exp(p[j] - m_new);
                l += p[j];
            }
            for (var d = 0u; d < HALF; d++) {
                var added = correction * acc[d];
                for (var j = 0u; j < RUN; j++) {
                    added += p[j] * values[j][half * HALF + d];
                }
                acc[d] = added;
            }
            workgroupBarrier();
        }
    }

    if first + row <= last {
        for (var d = 0u; d < HALF; d++) {
            for (var c = 0u; c < 4u; c++) {
                let dimension = 4u * (half * HALF + d) + c;
                if dimension < HEAD_DIM {
                    y[position * width + head * HEAD_DIM + dimension] = acc[d][c] / l;
                }
            }
        }
        if half == 0u {
            lse[position * params.heads + head] = m + log(l);
        }
    }
}
