// Matrix product in registers alone: the form for drivers on a CPU without fast subgroup
// operations (SwiftShader, and with it browsers without a GPU), where workgroup memory is as slow
// as any. An invocation makes 16 x 16 elements of c, a workgroup 16 x 64. Nothing is a loop but k:
// such drivers do not unroll. m is a multiple of 16, n of 64, k of 4.
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

const LANES: u32 = 4u;

struct Params {
    m: u32,
    n: u32,
    k: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> b: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> c: array<vec4<f32>>;

struct Block {
    row0: vec4<f32>,
    row1: vec4<f32>,
    row2: vec4<f32>,
    row3: vec4<f32>,
}

// Sixteen rows and columns: a block for four rows and the four columns at a quarter of the tile.
struct Strip {
    columns0: Block,
    columns1: Block,
    columns2: Block,
    columns3: Block,
}

fn transposed(x: Block) -> Block {
    return Block(
        vec4<f32>(x.row0.x, x.row1.x, x.row2.x, x.row3.x),
        vec4<f32>(x.row0.y, x.row1.y, x.row2.y, x.row3.y),
        vec4<f32>(x.row0.z, x.row1.z, x.row2.z, x.row3.z),
        vec4<f32>(x.row0.w, x.row1.w, x.row2.w, x.row3.w),
    );
}

// Four depths of four rows of a, a row of the block for each.
fn load_a(row: u32, depth: u32) -> Block {
    if A_TRANSPOSED == 1u {
        let stride = params.m / 4u;
        let at = depth * stride + row / 4u;
        return transposed(Block(a[at], a[at + stride], a[at + 2u * stride], a[at + 3u * stride]));
    }
    let stride = params.k / 4u;
    let at = row * stride + depth / 4u;
    return Block(a[at], a[at + stride], a[at + 2u * stride], a[at + 3u * stride]);
}

// Four depths of four columns of b, a row of the block for each depth.
fn load_b(column: u32, depth: u32) -> Block {
    if B_TRANSPOSED == 1u {
        let stride = params.k / 4u;
        let at = column * stride + depth / 4u;
        return transposed(Block(b[at], b[at + stride], b[at + 2u * stride], b[at + 3u * stride]));
    }
    let stride = params.n / 4u;
    let at = depth * stride + column / 4u;
    return Block(b[at], b[at + stride], b[at + 2u * stride], b[at + 3u * stride]);
}

fn add(sum: vec4<f32>, a: vec4<f32>, b: Block) -> vec4<f32> {
    return sum + a.x * b.row0 + a.y * b.row1 + a.z * b.row2 + a.w * b.row3;
}

fn add_block(sum: Block, a: Block, b: Block) -> Block {
    return Block(
        add(sum.row0, a.row0, b),
        add(sum.row1, a.row1, b),
        add(sum.row2, a.row2, b),
        add(sum.row3, a.row3, b),
    );
}

fn add_strip(sum: Strip, a: Block, b: Strip) -> Strip {
    return Strip(
        add_block(sum.columns0, a, b.columns0),
        add_block(sum.columns1, a, b.columns1),
        add_block(sum.columns2, a, b.columns2),
        add_block(sum.columns3, a, b.columns3),
    );
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let top = workgroup.y * 16u;
    let left = workgroup.x * 16u * LANES + 4u * lane;
    var rows0 = Strip();
    var rows1 = Strip();
    var rows2 = Strip();
    var rows3 = Strip();
    for (var depth = 0u; depth < params.k; depth += 4u) {
        let factors = Strip(
            load_b(left, depth),
            load_b(left + 4u * LANES, depth),
            load_b(left + 8u * LANES, depth),
            load_b(left + 12u * LANES, depth),
        );
        rows0 = add_strip(rows0, load_a(top, depth), factors);
        rows1 = add_strip(rows1, load_a(top + 4u, depth), factors);
        rows2 = add_strip(rows2, load_a(top + 8u, depth), factors);
        rows3 = add_strip(rows3, load_a(top + 12u, depth), factors);
    }
    store_strip(top, left, rows0);
    store_strip(top + 4u, left, rows1);
    store_strip(top + 8u, left, rows2);
    store_strip(top + 12u, left, rows3);
}

fn store_strip(row: u32, left: u32, sum: Strip) {
    store_block(row, left, sum.columns0);
    store_block(row, left + 4u * LANES, sum.columns1);
    store_block(row, left + 8u * LANES, sum.columns2);
    store_block(row, left + 12u * LANES, sum.columns3);
}

fn store_block(row: u32, column: u32, sum: Block) {
    store(row, column, sum.row0);
    store(row + 1u, column, sum.row1);
    store(row + 2u, column, sum.row2);
    store(row + 3u, column, sum.row3);
}

fn store(row: u32, column: u32, sum: vec4<f32>) {
    let at = (row * params.n + column) / 4u;
    // No branch: sixty-four of them would take a driver seconds to compile.
    c[at] = sum + select(vec4<f32>(), c[at], params.accumulate == 1u);
}
