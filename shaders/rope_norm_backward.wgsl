// Backward pass of rope_norm_forward, in place on the gradient; that of the values is left as it
// is. One head of one position per invocation.
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

struct Params {
    rows: u32,
    period: u32,
    offset: u32,
    heads: u32,
    head_dim: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rope: array<f32>;
@group(0) @binding(2) var<storage, read> qkv: array<f32>;
@group(0) @binding(3) var<storage, read> inv_rms: array<f32>;
@group(0) @binding(4) var<storage, read_write> d_qkv: array<f32>;

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
    let half = params.head_dim / 2u;
    let start = (row * 3u * params.heads + head) * params.head_dim;
    let angles = (params.offset + row % params.period) * params.head_dim;

    var dot = 0.0;
    for (var j = 0u; j < params.head_dim; j++) {
        dot += d_qkv[start + j] * qkv[start + j];
    }
    let mean = dot / f32(params.head_dim);
    let scale = inv_rms[index];

    for (var j = 0u; j < half; j++) {
        let cosine = rope[angles + j];
        let sine = rope[angles + half + j];
        let lo = scale * (d_qkv[start + j] - qkv[start + j] * mean);
        let hi = scale * (d_qkv[start + half + j] - qkv[start + half + j] * mean);
        d_qkv[start + j] = lo * cosine - hi * sine;
        d_qkv[start + half + j] = hi * cosine + lo * sine;
    }
}
