// Rotary position embedding (Su et al., arXiv 2104.09864), then RMSNorm, of every query and key
// head (QK-norm, arXiv 2010.04245), in place; values are left as they are. One head of one
// position per invocation, which reads and writes 16 bytes at a time, each once.
//
//   lo', hi' = lo cos + hi sin, hi cos - lo sin      lo = the first D / 2 elements, hi = the rest
//   q        = rotated / sqrt(mean(rotated²) + EPS)
//
//   rope     (positions, D)  cosines, then sines, of the angles of each position;
//                            row n has the position offset + n % period
//   qkv      (N, 3, H, D)    in place
//   inv_rms  (N, 2, H)    =  kept for the backward pass
//
// Host side and CPU twin: crates/kernels/src/rope_norm.rs.

#import elements

const WORKGROUP_SIZE: u32 = 64u;
const HEAD_DIM: u32 = 64u;
const VECTORS: u32 = HEAD_DIM / 4u;
const EPS: f32 = 1.1920929e-7;

struct Params {
    rows: u32,
    period: u32,
    offset: u32,
    heads: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rope: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> qkv: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> inv_rms: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = element_index(workgroup, groups, lane);
    let query_and_key_heads = 2u * params.heads;
    if index >= params.rows * query_and_key_heads {
        return;
    }
    let row = index / query_and_key_heads;
    let head = index % query_and_key_heads;
    let start = (row * 3u * params.heads + head) * VECTORS;
    let angles = (params.offset + row % params.period) * 2u * VECTORS;

    // Two channels at a time, the first VECTORS of them the lower half.
    var x: array<vec2<f32>, 2u * VECTORS>;
    // A rotation keeps the length of each pair, so the norm is known before it.
    var sum_of_squares = 0.0;
    for (var v = 0u; v < VECTORS; v++) {
        let vector = qkv[start + v];
        x[2u * v] = vector.xy;
        x[2u * v + 1u] = vector.zw;
        sum_of_squares += dot(vector, vector);
    }
    let scale = 1.0 / sqrt(sum_of_squares / f32(HEAD_DIM) + EPS);

    for (var j = 0u; j < VECTORS; j++) {
        let cosine = rope[angles + j] * scale;
        let sine = rope[angles + VECTORS + j] * scale;
        let lo = x[j];
        let hi = x[VECTORS + j];
        x[j] = lo * cosine + hi * sine;
        x[VECTORS + j] = hi * cosine - lo * sine;
    }
    for (var v = 0u; v < VECTORS; v++) {
        qkv[start + v] = vec4<f32>(x[2u * v], x[2u * v + 1u]);
    }
    inv_rms[index] = scale;
}
