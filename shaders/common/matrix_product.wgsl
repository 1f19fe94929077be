// A product by matrices of SIDE x SIDE. A workgroup makes TILE x TILE of c; each of its four
// subgroups a quarter, in PARTS x PARTS sums. Slices of DEPTH of both operands pass through
// workgroup memory in f16, in the order that they have in memory, the next one in registers while
// one is multiplied.
//
// Gradients are too small for f16, whose smallest normal number is 6e-5. Where SCALED is 1, each
// slice of a is multiplied by the power of two that brings its largest element to 2^14, and its
// products are divided by it again in f32: no digit is lost, and there is no scale to choose.

const A_TRANSPOSED: u32 = 0u;
const B_TRANSPOSED: u32 = 0u;
// A multiple of DEPTH, or 0 for all.
const RUN: u32 = 0u;
const SCALED: u32 = 0u;
// Of the adapter's subgroups.
const LANES: u32 = 32u;

const TILE: u32 = 64u;
const HALF: u32 = TILE / 2u;
const PARTS: u32 = HALF / SIDE;
const SUBGROUPS: u32 = 4u;
const WORKGROUP_SIZE: u32 = SUBGROUPS * LANES;
const DEPTH: u32 = 32u;
// From one row of a slice to the next: matrices are loaded from multiples of 16 bytes, and 16 bytes
// more spread the rows over the memory's banks.
const DEEP: u32 = DEPTH + 8u;
const WIDE: u32 = TILE + 8u;
// Elements of a slice that an invocation loads.
const LOADS: u32 = TILE * DEPTH / WORKGROUP_SIZE;
const LARGEST_EXPONENT: i32 = 14;

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

// Rows of a, or depths if it is transposed; columns of b if it is transposed, or depths.
var<workgroup> a_slice: array<f16, TILE * DEEP>;
var<workgroup> b_slice: array<f16, TILE * DEEP>;
var<workgroup> maxima: array<f32, SUBGROUPS>;
var<workgroup> edge: array<f32, SUBGROUPS * SIDE * SIDE>;

// Element `i` of a slice: its row or column, and its depth. Neighbours are neighbours in memory.
fn element(i: u32, along_depth: bool) -> vec2<u32> {
    return select(vec2(i % TILE, i / TILE), vec2(i / DEPTH, i % DEPTH), along_depth);
}

// Where it stands in the slice.
fn place(i: u32, along_depth: bool) -> u32 {
    let at = element(i, along_depth);
    return select(at.y * WIDE + at.x, at.x * DEEP + at.y, along_depth);
}

fn load_a(top: u32, start: u32, end: u32, i: u32) -> f32 {
    let at = vec2(top, start) + element(i, A_TRANSPOSED == 0u);
    if at.x >= params.m || at.y >= end {
        return 0.0;
    }
    return a[select(at.x * params.k + at.y, at.y * params.m + at.x, A_TRANSPOSED == 1u)];
}

fn load_b(left: u32, start: u32, end: u32, i: u32) -> f32 {
    let at = vec2(left, start) + element(i, B_TRANSPOSED == 1u);
    if at.x >= params.n || at.y >= end {
        return 0.0;
    }
    return b[select(at.y * params.n + at.x, at.x * params.k + at.y, B_TRANSPOSED == 1u)];
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(subgroup_invocation_id) within: u32,
) {
    let bands = (params.m + TILE - 1u) / TILE;
    let run = workgroup.y / bands;
    let top = workgroup.y % bands * TILE;
    let left = workgroup.x * TILE;
    let begin = run * RUN;
    let end = select(params.k, min(begin + RUN, params.k), RUN > 0u);
    // The quarter of this subgroup.
    let row = subgroup / 2u * HALF;
    let column = subgroup % 2u * HALF;

    var sums: array<Sum, PARTS * PARTS>;
    var a_next: array<f32, LOADS>;
    var b_next: array<f32, LOADS>;
    for (var j = 0u; j < LOADS; j++) {
        a_next[j] = load_a(top, begin, end, j * WORKGROUP_SIZE + lane);
        b_next[j] = load_b(left, begin, end, j * WORKGROUP_SIZE + lane);
    }
    for (var start = begin; start < end; start += DEPTH) {
        var scale = 1.0;
        var unscale = 1.0;
        if SCALED == 1u {
            var largest = 0.0;
            for (var j = 0u; j < LOADS; j++) {
                largest = max(largest, abs(a_next[j]));
            }
            largest = subgroupMax(largest);
            if within == 0u {
                maxima[subgroup] = largest;
            }
            workgroupBarrier();
            let all = max(max(maxima[0], maxima[1]), max(maxima[2], maxima[3]));
            let exponent = clamp(LARGEST_EXPONENT - frexp(all).exp, -60, 60);
            scale = ldexp(1.0, exponent);
            unscale = ldexp(1.0, -exponent);
        }
        for (var j = 0u; j < LOADS; j++) {
            let i = j * WORKGROUP_SIZE + lane;
            a_slice[place(i, A_TRANSPOSED == 0u)] = f16(a_next[j] * scale);
            b_slice[place(i, B_TRANSPOSED == 1u)] = f16(b_next[j]);
        }
        workgroupBarrier();
        // The last time it loads zeros.
        for (var j = 0u; j < LOADS; j++) {
            a_next[j] = load_a(top, start + DEPTH, end, j * WORKGROUP_SIZE + lane);
            b_next[j] = load_b(left, start + DEPTH, end, j * WORKGROUP_SIZE + lane);
        }
        var parts: array<Sum, PARTS * PARTS>;
        var rows: array<Left, PARTS>;
        for (var depth = 0u; depth < DEPTH; depth += SIDE) {
            for (var i = 0u; i < PARTS; i++) {
                let r = row + i * SIDE;
                if A_TRANSPOSED == 1u {
                    rows[i] = coopLoad<Left>(&a_slice[depth * WIDE + r], WIDE);
                } else {
                    rows[i] = coopLoadT<Left>(&a_slice[r * DEEP + depth], DEEP);
                }
            }
            for (var j = 0u; j < PARTS; j++) {
                let q = column + j * SIDE;
                var columns: Right;
                if B_TRANSPOSED == 1u {
                    columns = coopLoad<Right>(&b_slice[q * DEEP + depth], DEEP);
                } else {
                    columns = coopLoadT<Right>(&b_slice[depth * WIDE + q], WIDE);
                }
                for (var i = 0u; i < PARTS; i++) {
                    let at = i * PARTS + j;
                    if SCALED == 1u {
                        parts[at] = coopMultiplyAdd(rows[i], columns, parts[at]);
                    } else {
                        sums[at] = coopMultiplyAdd(rows[i], columns, sums[at]);
                    }
                }
            }
        }
        if SCALED == 1u {
            for (var at = 0u; at < PARTS * PARTS; at++) {
                sums[at] = sums[at] + parts[at] * unscale;
                parts[at] = Sum();
            }
        }
        workgroupBarrier();
    }

    // Either branch is taken by the whole workgroup. What is stored straight into c starts at
    // multiples of 16 bytes. What coopStore is given has a name: naga 30 trips over the rest.
    let stride = params.n;
    let base = run * params.m * params.n;
    // Without `&&`, which naga makes a branch of that it takes for one of single lanes.
    if (top + TILE <= params.m) & (left + TILE <= params.n) & (stride % 4u == 0u) {
        for (var i = 0u; i < PARTS; i++) {
            for (var j = 0u; j < PARTS; j++) {
                let slot = &c[base + (top + row + i * SIDE) * stride + left + column + j * SIDE];
                var sum = sums[i * PARTS + j];
                if params.accumulate == 1u {
                    sum = sum + coopLoadT<Sum>(slot, stride);
                }
                let result = sum;
                coopStoreT(result, slot, stride);
            }
        }
        return;
    }
    for (var i = 0u; i < PARTS; i++) {
        for (var j = 0u; j < PARTS; j++) {
            let sum = sums[i * PARTS + j];
            let own = &edge[subgroup * SIDE * SIDE];
            let side = SIDE;
            coopStoreT(sum, own, side);
            workgroupBarrier();
            for (var at = lane; at < SUBGROUPS * SIDE * SIDE; at += WORKGROUP_SIZE) {
                let owner = at / (SIDE * SIDE);
                let r = top + owner / 2u * HALF + i * SIDE + at / SIDE % SIDE;
                let q = left + owner % 2u * HALF + j * SIDE + at % SIDE;
                if r < params.m && q < params.n {
                    // The old value may be anything where it is not added to.
                    let place = base + r * params.n + q;
                    c[place] = edge[at] + select(0.0, c[place], params.accumulate == 1u);
                }
            }
            workgroupBarrier();
        }
    }
}
