// Bidirectional attention without ever storing the scores (FlashAttention-2, arXiv 2307.08691). Two
// invocations per query, each with half of the head's dimensions: they exchange their parts of the
// scores. Keys and values pass through workgroup memory in runs.
//
//   s_j  = q . k_j / sqrt(D)
//   y    = sum_j exp(s_j - lse) v_j
//   lse  = log sum_j exp(s_j)          kept for the backward pass
//
//   qkv  (N, 3, H, D)
//   y    (N, H, D)  =
//   lse  (N, H)     =
//
// Host side and CPU twin: crates/kernels/src/attention/.

#import head

const HEAD_DIM: u32 = 64u;
// Vectors of half a head; zeros fill up what D lacks.
const HALF: u32 = (HEAD_DIM + 7u) / 8u;
const ROWS: u32 = 64u;
const WORKGROUP_SIZE: u32 = 2u * ROWS;
// Keys in workgroup memory at a time: 8 KiB for keys and values of 128 dimensions.
const RUN: u32 = 8u;
const LOWEST: f32 = -3.4028234e38;

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

var<workgroup> keys: array<array<vec4<f32>, 2u * HALF>, RUN>;
var<workgroup> values: array<array<vec4<f32>, 2u * HALF>, RUN>;
// Each half's part of the scores of a run.
var<workgroup> parts: array<array<array<f32, ROWS>, RUN>, 2>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let sequence = workgroup.y / params.heads;
    let head = workgroup.y % params.heads;
    let width = params.heads * HEAD_DIM;
    let row = lane % ROWS;
    let half = lane / ROWS;
    let query = workgroup.x * ROWS + row;
    let position = sequence * params.length + min(query, params.length - 1u);
    let scale = 1.0 / sqrt(f32(HEAD_DIM));

    var q: array<vec4<f32>, HALF>;
    var sum: array<vec4<f32>, HALF>;
    for (var d = 0u; d < HALF; d++) {
        q[d] = scale * load(position * 3u * width + head * HEAD_DIM, half * HALF + d);
        sum[d] = vec4<f32>();
    }
    var largest = LOWEST;
    var total = 0.0;

    for (var start = 0u; start < params.length; start += RUN) {
        for (var i = lane; i < RUN * 2u * HALF; i += WORKGROUP_SIZE) {
            let j = i / (2u * HALF);
            let v = i % (2u * HALF);
            let key = sequence * params.length + min(start + j, params.length - 1u);
            let base = (3u * key + 1u) * width + head * HEAD_DIM;
            keys[j][v] = load(base, v);
            values[j][v] = load(base + width, v);
        }
        workgroupBarrier();
        for (var j = 0u; j < RUN; j++) {
            var score = 0.0;
            for (var d = 0u; d < HALF; d++) {
                score += dot(q[d], keys[j][half * HALF + d]);
            }
            parts[half][j][row] = score;
        }
        workgroupBarrier();
        var p: array<f32, RUN>;
        var larger = largest;
        for (var j = 0u; j < RUN; j++) {
            let score = parts[0][j][row] + parts[1][j][row];
            p[j] = select(LOWEST, score, start + j < params.length);
            larger = max(larger, p[j]);
        }
        let shrink = exp(largest - larger);
        largest = larger;
        total *= shrink;
        for (var j = 0u; j < RUN; j++) {
            p[j] = exp(p[j] - larger);
            total += p[j];
        }
        for (var d = 0u; d < HALF; d++) {
            var added = shrink * sum[d];
            for (var j = 0u; j < RUN; j++) {
                added += p[j] * values[j][half * HALF + d];
            }
            sum[d] = added;
        }
        workgroupBarrier();
    }

    if query < params.length {
        for (var d = 0u; d < HALF; d++) {
            for (var c = 0u; c < 4u; c++) {
                let dimension = 4u * (half * HALF + d) + c;
                if dimension < HEAD_DIM {
                    y[position * width + head * HEAD_DIM + dimension] = sum[d][c] / total;
                }
            }
        }
        if half == 0u {
            lse[position * params.heads + head] = largest + log(total);
        }
    }
}
