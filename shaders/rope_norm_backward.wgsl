// Backward pass of rope_norm_forward, in place on the gradient; that of the values is left as it
// is. One head of one position per invocation, which reads and writes 16 bytes at a time, each once.
//
//   d_r        = inv_rms * (d_q - q * mean(d_q * q))          through the norm
//   d_lo, d_hi = d_r_lo cos - d_r_hi sin, d_r_hi cos + d_r_lo sin   through the rotation
//
//   rope     (positions, D)  row n has the position offset + n % period
//   qkv      (N, 3, H, D)  output of the forward pass
//   inv_rms  (N, 2, H)
//   d_qkv    (N, 3, H, D)  in place
//
// Host side and CPU twin: crates/kernels/src/rope_norm.rs.

#import elements

const WORKGROUP_SIZE: u32 = 64u;
const HEAD_DIM: u32 = 64u;
const VECTORS: u32 = HEAD_DIM / 4u;

struct Params {
    rows: u32,
    period: u32,
    offset: u32,
    heads: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rope: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> qkv: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> inv_rms: array<f32>;
@group(0) @binding(4) var<storage, read_write> d_qkv: array<vec4<f32>>;

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
    var q: array<vec2<f32>, 2u * VECTORS>;
    var d: array<vec2<f32>, 2u * VECTORS>;
    var sum = 0.0;
    for (var v = 0u; v < VECTORS; v++) {
        let vector = qkv[start + v];
        let d_vector = d_qkv[start + v];
        q[2u * v] = vector.xy;
        q[2u * v + 1u] = vector.zw;
        d[2u * v] = d_vector.xy;
        d[2u * v + 1u] = d_vector.zw;
        sum += dot(d_vector, vector);
    }
    let mean = sum / f32(HEAD_DIM);
    let scale = inv_rms[index];

    for (var j = 0u; j < VECTORS; j++) {
        let cosine = rope[angles + j];
        let sine = rope[angles + VECTORS + j];
        let lo = scale * (d[j] - q[j] * mean);
        let hi = scale * (d[VECTORS + j] - q[VECTORS + j] * mean);
        d[j] = lo * cosine - hi * sine;
        d[VECTORS + j] = hi * cosine + lo * sine;
    }
    for (var v = 0u; v < VECTORS; v++) {
        d_qkv[start + v] = vec4<f32>(d[2u * v], d[2u * v + 1u]);
    }
}
