// Gradient of the queries. Two invocations per query: one multiplies with the keys, the other with
// the values, then they exchange what they found, and each sums half of the gradient's dimensions.
// Keys and values pass through workgroup memory in runs.
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

#import head

const HEAD_DIM: u32 = 64u;
// Vectors of half a head; zeros fill up what D lacks.
const HALF: u32 = (HEAD_DIM + 7u) / 8u;
const ROWS: u32 = 64u;
const WORKGROUP_SIZE: u32 = 2u * ROWS;
// Keys in workgroup memory at a time: 8 KiB for keys and values of 128 dimensions.
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

// Keys and values.
var<workgroup> others: array<array<array<vec4<f32>, 2u * HALF>, RUN>, 2>;
// q . k and d_y . v of a run.
var<workgroup> products: array<array<array<f32, ROWS>, RUN>, 2>;

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
    let row_lse = lse[position * params.heads + head];
    let row_delta = delta[position * params.heads + head];

    // The first half's invocations hold q / sqrt(D), the second half's d_y.
    var own: array<vec4<f32>, 2u * HALF>;
    var d_q: array<vec4<f32>, HALF>;
    for (var d = 0u; d < 2u * HALF; d++) {
        for (var c = 0u; c < 4u; c++) {
            let dimension = head * HEAD_DIM + 4u * d + c;
            own[d][c] = 0.0;
            if 4u * d + c < HEAD_DIM {
                if half == 0u {
                    own[d][c] = scale * qkv[position * 3u * width + dimension];
                } else {
                    own[d][c] = d_y[position * width + dimension];
                }
            }
        }
    }
    for (var d = 0u; d < HALF; d++) {
        d_q[d] = vec4<f32>();
    }

    for (var start = 0u; start < params.length; start += RUN) {
        for (var i = lane; i < RUN * 2u * HALF; i += WORKGROUP_SIZE) {
            let j = i / (2u * HALF);
            let v = i % (2u * HALF);
            let key = sequence * params.length + min(start + j, params.length - 1u);
            let base = (3u * key + 1u) * width + head * HEAD_DIM;
            others[0][j][v] = load(base, v);
            others[1][j][v] = load(base + width, v);
        }
        workgroupBarrier();
        for (var j = 0u; j < RUN; j++) {
            var product = 0.0;
            for (var d = 0u; d < 2u * HALF; d++) {
                product += dot(own[d], others[half][j][d]);
            }
            products[half][j][row] = product;
        }
        workgroupBarrier();
        var d_score: array<f32, RUN>;
        for (var j = 0u; j < RUN; j++) {
            let p = exp(products[0][j][row] - row_lse);
            let inside = start + j < params.length;
            d_score[j] = select(0.0, scale * p * (products[1][j][row] - row_delta), inside);
        }
        for (var d = 0u; d < HALF; d++) {
            for (var j = 0u; j < RUN; j++) {
                d_q[d] += d_score[j] * others[0][j][half * HALF + d];
            }
        }
        workgroupBarrier();
    }

    if query < params.length {
        for (var d = 0u; d < HALF; d++) {
            for (var c = 0u; c < 4u; c++) {
                let dimension = 4u * (half * HALF + d) + c;
                if dimension < HEAD_DIM {
                    d_qkv[position * 3u * width + head * HEAD_DIM + dimension] = d_q[d][c];
                }
            }
        }
    }
}
