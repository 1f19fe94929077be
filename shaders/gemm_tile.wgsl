// Matrix product by tiles in workgroup memory: the form for GPUs, and for any size. A workgroup
// makes 64 x 64 elements of c, an invocation 8 x 4 of them: three vectors from workgroup memory
// for 32 multiply-adds.
//
//   c        = a b, with either operand transposed where its constant says so
//
// With few tiles and a long inner dimension, as in the gradient of weights, workgroups share a tile:
// each takes RUN depths and writes a c of its own, which gemm_sum adds up.
//
//   a        (m, k), or (k, m) when A_TRANSPOSED is 1
//   b        (k, n), or (n, k) when B_TRANSPOSED is 1
//   c        (m, n)  =, or += when params.accumulate is 1; with RUN, (k / RUN rounded up, m, n)
//
// Host side and CPU twin: crates/kernels/src/gemm.rs.

const A_TRANSPOSED: u32 = 0u;
const B_TRANSPOSED: u32 = 0u;
// A multiple of DEPTH, or 0 for all.
const RUN: u32 = 0u;

const TILE: u32 = 64u;
// As many depths as vectors of four rows, which the loads rely on.
const DEPTH: u32 = 16u;
// Vectors of four rows or columns of a tile, and invocations along them.
const VECTORS: u32 = TILE / 4u;
const COLUMNS: u32 = VECTORS;
const ROWS: u32 = VECTORS / 2u;
const WORKGROUP_SIZE: u32 = COLUMNS * ROWS;
// A vector more than needed, so that the stores of neighbouring depths fall into different banks.
const PITCH: u32 = VECTORS + 1u;

struct Params {
    m: u32,
    n: u32,
    k: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

// Row d holds column d of a's tile, and row d of b's, as vectors.
var<workgroup> a_tile: array<array<vec4<f32>, PITCH>, DEPTH>;
var<workgroup> b_tile: array<array<vec4<f32>, PITCH>, DEPTH>;

// Row `row` and its three successors of a at one depth.
fn load_a(row: u32, depth: u32) -> vec4<f32> {
    let along = select(params.k, 1u, A_TRANSPOSED == 1u);
    let at = select(row * params.k + depth, depth * params.m + row, A_TRANSPOSED == 1u);
    if row + 3u < params.m && depth < params.k {
        return vec4<f32>(a[at], a[at + along], a[at + 2u * along], a[at + 3u * along]);
    }
    var rows: vec4<f32>;
    for (var i = 0u; i < 4u; i++) {
        if row + i < params.m && depth < params.k {
            rows[i] = a[at + i * along];
        }
    }
    return rows;
}

// Column `column` and its three successors of b at one depth.
fn load_b(column: u32, depth: u32) -> vec4<f32> {
    let along = select(1u, params.k, B_TRANSPOSED == 1u);
    let at = select(depth * params.n + column, column * params.k + depth, B_TRANSPOSED == 1u);
    if column + 3u < params.n && depth < params.k {
        return vec4<f32>(b[at], b[at + along], b[at + 2u * along], b[at + 3u * along]);
    }
    var columns: vec4<f32>;
    for (var i = 0u; i < 4u; i++) {
        if column + i < params.n && depth < params.k {
            columns[i] = b[at + i * along];
        }
    }
    return columns;
}

@compute @workgroup_size(COLUMNS, ROWS)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let bands = (params.m + TILE - 1u) / TILE;
    let run = workgroup.y / bands;
    let top = workgroup.y % bands * TILE;
    let left = workgroup.x * TILE;
    let end = select(params.k, min((run + 1u) * RUN, params.k), RUN > 0u);
    var upper = mat4x4<f32>();
    var lower = mat4x4<f32>();

    for (var start = run * RUN; start < end; start += DEPTH) {
        for (var i = lane; i < DEPTH * VECTORS; i += WORKGROUP_SIZE) {
            // Neighbouring lanes read neighbouring elements of memory.
            let inner = i % VECTORS;
            let outer = i / VECTORS;
            let a_depth = select(inner, outer, A_TRANSPOSED == 1u);
            let a_vector = select(outer, inner, A_TRANSPOSED == 1u);
            a_tile[a_depth][a_vector] = load_a(top + 4u * a_vector, start + a_depth);
            let b_depth = select(outer, inner, B_TRANSPOSED == 1u);
            let b_vector = select(inner, outer, B_TRANSPOSED == 1u);
            b_tile[b_depth][b_vector] = load_b(left + 4u * b_vector, start + b_depth);
        }
        workgroupBarrier();
        for (var d = 0u; d < DEPTH; d++) {
            let columns = b_tile[d][local.x];
            let upper_rows = a_tile[d][local.y];
            let lower_rows = a_tile[d][local.y + ROWS];
            upper[0] += upper_rows.x * columns;
            upper[1] += upper_rows.y * columns;
            upper[2] += upper_rows.z * columns;
            upper[3] += upper_rows.w * columns;
            lower[0] += lower_rows.x * columns;
            lower[1] += lower_rows.y * columns;
            lower[2] += lower_rows.z * columns;
            lower[3] += lower_rows.w * columns;
        }
        workgroupBarrier();
    }

    let row = top + 4u * local.y;
    let column = left + 4u * local.x;
    for (var i = 0u; i < 4u; i++) {
        store(run, row + i, column, upper[i]);
        store(run, row + 4u * ROWS + i, column, lower[i]);
    }
}

fn store(run: u32, row: u32, column: u32, sum: vec4<f32>) {
    for (var j = 0u; j < 4u; j++) {
        if row < params.m && column + j < params.n {
            let at = (run * params.m + row) * params.n + column + j;
            // The old value may be anything where it is not added to.
            c[at] = sum[j] + select(0.0, c[at], params.accumulate == 1u);
        }
    }
}
