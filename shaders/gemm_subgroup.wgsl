// Matrix product by subgroup broadcast: the form for drivers on a CPU whose subgroups have eight
// lanes (lavapipe), where loads are what costs. A subgroup makes 64 x 64 elements of c; a lane owns
// eight columns, and loads eight rows of a that it passes to the others without memory. Drivers
// unroll every loop but that over k. m and n are multiples of 64, k is a multiple of 4.
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

const LANES: u32 = 8u;
const TILE: u32 = 64u;

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

// Four depths of the rows `row` to `row + 3` of a, a column of the matrix for each row.
fn load_a(row: u32, depth: u32) -> mat4x4<f32> {
    if A_TRANSPOSED == 1u {
        let stride = params.m / 4u;
        let at = depth * stride + row / 4u;
        return transpose(
            mat4x4<f32>(a[at], a[at + stride], a[at + 2u * stride], a[at + 3u * stride])
        );
    }
    let stride = params.k / 4u;
    let at = row * stride + depth / 4u;
    return mat4x4<f32>(a[at], a[at + stride], a[at + 2u * stride], a[at + 3u * stride]);
}

// Four depths of the columns `column` to `column + 3` of b, a column of the matrix for each depth.
fn load_b(column: u32, depth: u32) -> mat4x4<f32> {
    if B_TRANSPOSED == 1u {
        let stride = params.k / 4u;
        let at = column * stride + depth / 4u;
        return transpose(
            mat4x4<f32>(b[at], b[at + stride], b[at + 2u * stride], b[at + 3u * stride])
        );
    }
    let stride = params.n / 4u;
    let at = depth * stride + column / 4u;
    return mat4x4<f32>(b[at], b[at + stride], b[at + 2u * stride], b[at + 3u * stride]);
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let top = workgroup.y * TILE;
    let left = workgroup.x * TILE + 4u * lane;
    let stride = params.n / 4u;
    let corner = top * stride + left / 4u;

    // Of row 32 h + 4 l + r: element [h][r][l].
    var low = array<array<array<vec4<f32>, LANES>, 4>, 2>();
    var high = array<array<array<vec4<f32>, LANES>, 4>, 2>();
    if params.accumulate == 1u {
        for (var h = 0u; h < 2u; h++) {
            for (var r = 0u; r < 4u; r++) {
                for (var l = 0u; l < LANES; l++) {
                    let at = corner + (32u * h + 4u * l + r) * stride;
                    low[h][r][l] = c[at];
                    high[h][r][l] = c[at + LANES];
                }
            }
        }
    }
    for (var depth = 0u; depth < params.k; depth += 4u) {
        let b_low = load_b(left, depth);
        let b_high = load_b(left + 32u, depth);
        for (var h = 0u; h < 2u; h++) {
            let rows = load_a(top + 32u * h + 4u * lane, depth);
            for (var r = 0u; r < 4u; r++) {
                for (var l = 0u; l < LANES; l++) {
                    let factors = subgroupShuffle(rows[r], l);
                    low[h][r][l] += b_low * factors;
                    high[h][r][l] += b_high * factors;
                }
            }
        }
    }
    for (var h = 0u; h < 2u; h++) {
        for (var r = 0u; r < 4u; r++) {
            for (var l = 0u; l < LANES; l++) {
                let at = corner + (32u * h + 4u * l + r) * stride;
                c[at] = low[h][r][l];
                c[at + LANES] = high[h][r][l];
            }
        }
    }
}
