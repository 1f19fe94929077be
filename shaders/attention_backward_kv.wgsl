// Gradients of the keys and values. Two invocations per key: one holds the key, the other the
// value; they exchange their products with the queries and the gradients of the outputs, and each
// sums its own gradient. Queries and gradients pass through workgroup memory in runs.
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

#import head

const HEAD_DIM: u32 = 64u;
// Vectors of a head; zeros fill up what D lacks.
const VECTORS: u32 = (HEAD_DIM + 3u) / 4u;
const ROWS: u32 = 64u;
const WORKGROUP_SIZE: u32 = 2u * ROWS;
// Queries in workgroup memory at a time: 8 KiB with their gradients, of 128 dimensions.
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

// Queries and gradients of the outputs.
var<workgroup> others: array<array<array<vec4<f32>, VECTORS>, RUN>, 2>;
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
    let key = workgroup.x * ROWS + row;
    let position = sequence * params.length + min(key, params.length - 1u);
    let scale = 1.0 / sqrt(f32(HEAD_DIM));
    // The first half's invocations have k / sqrt(D) and d_k, the second half's v and d_v.
    let base = (3u * position + 1u + half) * width + head * HEAD_DIM;
    let factor = select(1.0, scale, half == 0u);

    var own: array<vec4<f32>, VECTORS>;
    var d_own: array<vec4<f32>, VECTORS>;
    for (var d = 0u; d < VECTORS; d++) {
        own[d] = factor * load(base, d);
        d_own[d] = vec4<f32>();
    }

    for (var start = 0u; start < params.length; start += RUN) {
        for (var i = lane; i < RUN * VECTORS; i += WORKGROUP_SIZE) {
            let j = i / VECTORS;
            let v = i % VECTORS;
            let query = sequence * params.length + min(start + j, params.length - 1u);
            var d_out: vec4<f32>;
            for (var c = 0u; c < 4u; c++) {
                if 4u * v + c < HEAD_DIM {
                    d_out[c] = d_y[query * width + head * HEAD_DIM + 4u * v + c];
                }
            }
            others[0][j][v] = load(query * 3u * width + head * HEAD_DIM, v);
            others[1][j][v] = d_out;
        }
        workgroupBarrier();
        for (var j = 0u; j < RUN; j++) {
            var product = 0.0;
            for (var d = 0u; d < VECTORS; d++) {
                product += dot(own[d], others[half][j][d]);
            }
            products[half][j][row] = product;
        }
        workgroupBarrier();
        var weights: array<f32, RUN>;
        for (var j = 0u; j < RUN; j++) {
            let query = sequence * params.length + min(start + j, params.length - 1u);
            let p = exp(products[0][j][row] - lse[query * params.heads + head]);
            let d_score = p * (products[1][j][row] - delta[query * params.heads + head]);
            let weight = select(p, scale * d_score, half == 0u);
            weights[j] = select(0.0, weight, start + j < params.length);
        }
        for (var d = 0u; d < VECTORS; d++) {
            for (var j = 0u; j < RUN; j++) {
                d_own[d] += weights[j] * others[half][j][d];
            }
        }
        workgroupBarrier();
    }

    if key < params.length {
        for (var d = 0u; d < VECTORS; d++) {
            for (var c = 0u; c < 4u; c++) {
                if 4u * d + c < HEAD_DIM {
                    d_qkv[base + 4u * d + c] = d_own[d][c];
                }
            }
        }
    }
}
