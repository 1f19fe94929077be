// Embedding of a network that is not told the time: a token's vector, normalized. One row per
// workgroup.
//
//   e  = token_emb[ids[n]]
//   x  = e / sqrt(mean(e²) + EPS)
//
//   ids        (N)
//   token_emb  (V, C)
//   x          (N, C)  =  the residual stream of the first block, kept for the backward pass
//   inv_rms    (N)     =  kept for the backward pass
//
// Host side and CPU twin: crates/kernels/src/embed/mod.rs.

#import reduce

const WORKGROUP_SIZE: u32 = 256u;
const EPS: f32 = 1.1920929e-7;

struct Params {
    rows: u32,
    channels: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read> token_emb: array<f32>;
@group(0) @binding(3) var<storage, read_write> x: array<f32>;
@group(0) @binding(4) var<storage, read_write> inv_rms: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = workgroup.y * groups.x + workgroup.x;
    if row >= params.rows {
        return;
    }
    let start = row * params.channels;
    let token = ids[row] * params.channels;

    var sum_of_squares = 0.0;
    for (var c = lane; c < params.channels; c += WORKGROUP_SIZE) {
        let value = token_emb[token + c];
        sum_of_squares += value * value;
    }
    let mean_square = workgroup_sum(sum_of_squares, lane) / f32(params.channels);
    let scale = 1.0 / sqrt(mean_square + EPS);

    for (var c = lane; c < params.channels; c += WORKGROUP_SIZE) {
        x[start + c] = token_emb[token + c] * scale;
    }
    if lane == 0u {
        inv_rms[row] = scale;
    }
}
