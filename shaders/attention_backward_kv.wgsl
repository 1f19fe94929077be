// Gradients of the keys and values. Two invocations per key: one holds the key, the other the
// value; they exchange their products with the queries and the gradients of the outputs, and each
// sums its own gradient. Queries and gradients pass through workgroup memory in runs.
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
#import head

// Vectors of a head; zeros fill up what D lacks.
const VECTORS: u32 = (HEAD_DIM + 3u) / 4u;
const ROWS: u32 = 64u;
const WORKGROUP_SIZE: u32 = 2u * ROWS;
// Queries in workgroup memory at a time: 8 KiB with their gradients, of 128 dimensions.
const RUN: u32 = 8u;

@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> kv: array<f32>;
@group(0) @binding(3) var<storage, read> lse: array<f32>;
@group(0) @binding(4) var<storage, read> d_y: array<f32>;
@group(0) @binding(5) var<storage, read> delta: array<f32>;
@group(0) @binding(6) var<storage, read_write> d_kv: array<f32>;

// Queries and gradients of the outputs.
var<workgroup> others: array<array<array<vec4<f32>, VECTORS>, RUN>, 2>;
// q . k and d_y . v of a run.
var<workgroup> products: array<array<array<f32, ROWS>, RUN>, 2>;

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
    let last = min(first + ROWS, params.keys) - 1u;
    let key = min(first + row, last);
    let position = sequence * params.kv_rows + key;
    let scale = 1.0 / sqrt(f32(HEAD_DIM));
    // The first half's invocations have k / sqrt(D) and d_k, the second half's v and d_v.
    let base = ((position + 1u) * params.kv_parts - 2u + half) * width + head * HEAD_DIM;
    let factor = select(1.0, scale, half == 0u);

    var own: array<vec4<f32>, VECTORS>;
    var acc: array<vec4<f32>, VECTORS>;
    for (var d = 0u; d < VECTORS; d++) {
        own[d] = factor * load_kv(base, d);
        acc[d] = vec4<f32>();
    }

    for (var part = 0u; part < PARTS; part++) {
        let visible = queries_of(key, part);
        let tile = queries_of_tile(first, last, part);
        for (var start = tile.begin; start < tile.end; start += RUN) {
            for (var i = lane; i < RUN * VECTORS; i += WORKGROUP_SIZE) {
                let j = i / VECTORS;
                let v = i % VECTORS;
                let query = sequence * params.queries + min(start + j, params.queries - 1u);
                var d_out: vec4<f32>;
                for (var c = 0u; c < 4u; c++) {
                    if 4u * v + c < HEAD_DIM {
                        d_out[c] = d_y[query * width + head * HEAD_DIM + 4u * v + c];
                    }
                }
                others[0][j][v] = load_q(query * 3u * width + head * HEAD_DIM, v);
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
                let query = sequence * params.queries + min(start + j, params.queries - 1u);
                let p = exp(products[0][j][row] - lse[query * params.heads + head]);
                let d_score = p * (products[1][j][row] - delta[query * params.heads + head]);
                let weight = select(p, scale * d_score, half == 0u);
                let seen = start + j >= visible.begin && start + j < visible.end;
                weights[j] = select(0.0, weight, seen);
            }
            for (var d = 0u; d < VECTORS; d++) {
                for (var j = 0u; j < RUN; j++) {
                    acc[d] += weights[j] * others[half][j][d];
                }
            }
            workgroupBarrier();
        }
    }

    if first + row <= last {
        for (var d = 0u; d < VECTORS; d++) {
            for (var c = 0u; c < 4u; c++) {
                if 4u * d + c < HEAD_DIM {
                    d_kv[base + 4u * d + c] = acc[d][c];
                }
            }
        }
    }
}
