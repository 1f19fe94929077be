// A product with few rows, as in a pass over one token of each text: every weight is read once for
// each row, and a tile would compute rows that nobody has. Lanes share the inner dimension of a
// column of the result.
//
//   c  = a bᵀ
//
//   a  (m, k)
//   b  (n, k)
//   c  (m, n)  =
//
// Host side and CPU twin: crates/kernels/src/gemm.rs.

const WORKGROUP_SIZE: u32 = 64u;
// Lanes of a column.
const LANES: u32 = 16u;
const COLUMNS: u32 = WORKGROUP_SIZE / LANES;

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

var<workgroup> partial: array<f32, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = workgroup.y;
    let column = workgroup.x * COLUMNS + lane / LANES;
    let first = lane % LANES;
    var sum = 0.0;
    if column < params.n {
        for (var i = first; i < params.k; i += LANES) {
            sum += a[row * params.k + i] * b[column * params.k + i];
        }
    }
    partial[lane] = sum;
    workgroupBarrier();
    if first == 0u && column < params.n {
        var total = 0.0;
        for (var i = 0u; i < LANES; i++) {
            total += partial[lane + i];
        }
        c[row * params.n + column] = total;
    }
}
