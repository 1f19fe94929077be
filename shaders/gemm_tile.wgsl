// Matrix product by tiles in workgroup memory: the form for real GPUs. A workgroup makes 64 x 64
// elements of c, an invocation 4 x 4 of them.
//
//   c        = a b, with either operand transposed where its constant says so
//
//   a        (m, k), or (k, m) when A_TRANSPOSED is 1
//   b        (k, n), or (n, k) when B_TRANSPOSED is 1
//   c        (m, n)  =, or += when params.accumulate is 1
//
// Host side and CPU twin: crates/kernels/src/gemm.rs.

const A_TRANSPOSED: u32 = 0u;
const B_TRANSPOSED: u32 = 0u;

const TILE: u32 = 64u;
const DEPTH: u32 = 16u;
const SIDE: u32 = 16u;

struct Params {
    m: u32,
    n: u32,
    k: u32,
    accumulate: u32,
    // What the constants say, for the CPU twin.
    a_transposed: u32,
    b_transposed: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

// Row d holds column d of a's tile, and row d of b's, as runs of four.
var<workgroup> a_tile: array<array<vec4<f32>, SIDE>, DEPTH>;
var<workgroup> b_tile: array<array<vec4<f32>, SIDE>, DEPTH>;

fn load_a(row: u32, depth: u32) -> f32 {
    if row >= params.m || depth >= params.k {
        return 0.0;
    }
    return a[select(row * params.k + depth, depth * params.m + row, A_TRANSPOSED == 1u)];
}

fn load_b(depth: u32, column: u32) -> f32 {
    if column >= params.n || depth >= params.k {
        return 0.0;
    }
    return b[select(depth * params.n + column, column * params.k + depth, B_TRANSPOSED == 1u)];
}

@compute @workgroup_size(SIDE, SIDE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let top = workgroup.y * TILE;
    let left = workgroup.x * TILE;
    var sum0 = vec4<f32>();
    var sum1 = vec4<f32>();
    var sum2 = vec4<f32>();
    var sum3 = vec4<f32>();

    // Neighbouring lanes read neighbouring elements of memory.
    let a_depth = select(lane % DEPTH, lane / SIDE, A_TRANSPOSED == 1u);
    let a_group = select(lane / DEPTH, lane % SIDE, A_TRANSPOSED == 1u);
    let b_depth = select(lane / SIDE, lane % DEPTH, B_TRANSPOSED == 1u);
    let b_group = select(lane % SIDE, lane / DEPTH, B_TRANSPOSED == 1u);
    for (var start = 0u; start < params.k; start += DEPTH) {
        let row = top + 4u * a_group;
        let column = left + 4u * b_group;
        a_tile[a_depth][a_group] = vec4<f32>(
            load_a(row, start + a_depth),
            load_a(row + 1u, start + a_depth),
            load_a(row + 2u, start + a_depth),
            load_a(row + 3u, start + a_depth),
        );
        b_tile[b_depth][b_group] = vec4<f32>(
            load_b(start + b_depth, column),
            load_b(start + b_depth, column + 1u),
            load_b(start + b_depth, column + 2u),
            load_b(start + b_depth, column + 3u),
        );
        workgroupBarrier();
        for (var d = 0u; d < DEPTH; d++) {
            let left_factor = a_tile[d][local.y];
            let right_factor = b_tile[d][local.x];
            sum0 += left_factor.x * right_factor;
            sum1 += left_factor.y * right_factor;
            sum2 += left_factor.z * right_factor;
            sum3 += left_factor.w * right_factor;
        }
        workgroupBarrier();
    }

    let row = top + 4u * local.y;
    let column = left + 4u * local.x;
    store(row, column, sum0);
    store(row + 1u, column, sum1);
    store(row + 2u, column, sum2);
    store(row + 3u, column, sum3);
}

fn store(row: u32, column: u32, sum: vec4<f32>) {
    for (var j = 0u; j < 4u; j++) {
        if row < params.m && column + j < params.n {
            let at = row * params.n + column + j;
            c[at] = select(sum[j], sum[j] + c[at], params.accumulate == 1u);
        }
    }
}
