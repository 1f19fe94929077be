// Gradient of the queries. Two invocations per query: one multiplies with the keys, the other with
// the values, then they exchange what they found, and each sums half of the gradient's dimensions.
// Keys and values pass through workgroup memory in runs.
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
#import head

// Vectors of half a head; zeros fill up what D lacks.
const HALF: u32 = (HEAD_DIM + 7u) / 8u;
const ROWS: u32 = 64u;
const WORKGROUP_SIZE: u32 = 2u * ROWS;
// Keys in workgroup memory at a time: 8 KiB for keys and values of 128 dimensions.
const RUN: u32 = 8u;

@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> kv: array<f32>;
@group(0) @binding(3) var<storage, read> lse: array<f32>;
@group(0) @binding(4) var<storage, read> d_y: array<f32>;
@group(0) @binding(5) var<storage, read> delta: array<f32>;
@group(0) @binding(6) var<storage, read_write> d_q: array<f32>;

// Keys and values.
var<workgroup> others: array<array<array<vec4<f32>, 2u * HALF>, RUN>, 2>;
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
    let last = min(first + ROWS, params.queries) - 1u;
    let query = min(first + row, last);
    let position = sequence * params.queries + query;
    let scale = 1.0 / sqrt(f32(HEAD_DIM));
    let row_lse = lse[position * params.heads + head];
    let row_delta = delta[position * params.heads + head];

    // The first half's invocations hold q / sqrt(D), the second half's d_y.
    var own: array<vec4<f32>, 2u * HALF>;
    var acc: array<vec4<f32>, HALF>;
    for (var d = 0u; d < 2u * HALF; d++) {
        for (var c = 0u; c < 4u; c++) {
            let dimension = head * HEAD_DIM + 4u * d + c;
            own[d][c] = 0.0;
            if 4u * d + c < HEAD_DIM {
                if half == 0u {
                    own[d][c] = scale * q[position * 3u * width + dimension];
                } else {
                    own[d][c] = d_y[position * width + dimension];
                }
            }
        }
    }
    for (var d = 0u; d < HALF; d++) {
        acc[d] = vec4<f32>();
    }

    for (var part = 0u; part < PARTS; part++) {
        let visible = keys_of(query, part);
        let tile = keys_of_tile(first, last, part);
        for (var start = tile.begin; start < tile.end; start += RUN) {
            for (var i = lane; i < RUN * 2u * HALF; i += WORKGROUP_SIZE) {
                let j = i / (2u * HALF);
                let v = i % (2u * HALF);
                let key = sequence * params.kv_rows + min(start + j, params.keys - 1u);
                let base = ((key + 1u) * params.kv_parts - 2u) * width + head * HEAD_DIM;
                others[0][j][v] = load_kv(base, v);
                others[1][j][v] = load_kv(base + width, v);
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
                let sees = start + j >= visible.begin && start + j < visible.end;
                d_score[j] = select(0.0, scale * p * (products[1][j][row] - row_delta), sees);
            }
            for (var d = 0u; d < HALF; d++) {
                for (var j = 0u; j < RUN; j++) {
                    acc[d] += d_score[j] * others[0][j][half * HALF + d];
                }
            }
            workgroupBarrier();
        }
    }

    if first + row <= last {
        for (var d = 0u; d < HALF; d++) {
            for (var c = 0u; c < 4u; c++) {
                let dimension = 4u * (half * HALF + d) + c;
                if dimension < HEAD_DIM {
                    d_q[position * 3u * width + head * HEAD_DIM + dimension] = acc[d][c];
                }
            }
        }
    }
}
