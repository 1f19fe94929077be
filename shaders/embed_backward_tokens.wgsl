// Gradient of the token embedding: the sum over the positions of each token. One row of the
// embedding per workgroup, one channel per invocation and turn.
//
//   d_token_emb[v] = sum of d_e[n] over n with ids[n] = v
//
//   first        (V)     the chains of index_tokens
//   next         (N)
//   d_e          (N, C)
//   d_token_emb  (V, C)  =, or += when params.accumulate is 1
//
// Host side and CPU twin: crates/kernels/src/embed.rs.

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    rows: u32,
    channels: u32,
    vocabulary: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> first: array<u32>;
@group(0) @binding(2) var<storage, read> next: array<u32>;
@group(0) @binding(3) var<storage, read> d_e: array<f32>;
@group(0) @binding(4) var<storage, read_write> d_token_emb: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let token = workgroup.y * groups.x + workgroup.x;
    if token >= params.vocabulary {
        return;
    }
    for (var c = lane; c < params.channels; c += WORKGROUP_SIZE) {
        var sum = 0.0;
        for (var n = first[token]; n < params.rows; n = next[n]) {
            sum += d_e[n * params.channels + c];
        }
        let at = token * params.channels + c;
        if params.accumulate == 1u {
            sum += d_token_emb[at];
        }
        d_token_emb[at] = sum;
    }
}
