// Gradient of the token embedding: the sum over the positions of each token. One row of the
// embedding per workgroup, one channel per invocation and turn.
//
//   d_token_emb[v] = sum of d_e[n] over n with ids[n] = v
//
//   starts       (V + 1)  positions by token, of embed_index_tokens
//   positions    (N)
//   d_e          (N, C)
//   d_token_emb  (V, C)  =, or += when params.accumulate is 1
//
// Host side and CPU twin: crates/kernels/src/embed.rs.

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    channels: u32,
    vocabulary: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> starts: array<u32>;
@group(0) @binding(2) var<storage, read> positions: array<u32>;
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
    let start = starts[token];
    let end = starts[token + 1u];
    for (var c = lane; c < params.channels; c += WORKGROUP_SIZE) {
        var sum = 0.0;
        var i = start;
        // Half of all positions may have the mask token: four loads wait for memory at a time.
        for (; i + 4u <= end; i += 4u) {
            let a = d_e[positions[i] * params.channels + c];
            let b = d_e[positions[i + 1u] * params.channels + c];
            let d = d_e[positions[i + 2u] * params.channels + c];
            let e = d_e[positions[i + 3u] * params.channels + c];
            sum += a;
            sum += b;
            sum += d;
            sum += e;
        }
        for (; i < end; i++) {
            sum += d_e[positions[i] * params.channels + c];
        }
        let at = token * params.channels + c;
        if params.accumulate == 1u {
            sum += d_token_emb[at];
        }
        d_token_emb[at] = sum;
    }
}
