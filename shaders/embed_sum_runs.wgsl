// Sums of the gradient of an embedding over runs of the sorted positions, so that many workgroups share a
// token that many positions have, like the mask. One run per workgroup, one channel per invocation and
// turn. A run of several tokens is left as it is: embed_backward_tokens does not read its sum.
//
//   run_sums[r] = sum of d_e[n] over the n of run r
//
//   ids        (N)
//   positions  (N)  by token, of embed_index_tokens; run r is RUN_LENGTH of them
//   d_e        (N, C)
//   run_sums   (runs, C)  =, where all n have the same ids[n]
//
// Host side and CPU twin: crates/kernels/src/embed/tokens.rs.

const WORKGROUP_SIZE: u32 = 256u;
const RUN_LENGTH: u32 = 64u;

struct Params {
    channels: u32,
    runs: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read> positions: array<u32>;
@group(0) @binding(3) var<storage, read> d_e: array<f32>;
@group(0) @binding(4) var<storage, read_write> run_sums: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let run = workgroup.y * groups.x + workgroup.x;
    if run >= params.runs {
        return;
    }
    let start = run * RUN_LENGTH;
    let end = start + RUN_LENGTH;
    if ids[positions[start]] != ids[positions[end - 1u]] {
        return;
    }
    for (var c = lane; c < params.channels; c += WORKGROUP_SIZE) {
        var sum = 0.0;
        // Four loads wait for memory at a time.
        for (var i = start; i < end; i += 4u) {
            let a = d_e[positions[i] * params.channels + c];
            let b = d_e[positions[i + 1u] * params.channels + c];
            let d = d_e[positions[i + 2u] * params.channels + c];
            let e = d_e[positions[i + 3u] * params.channels + c];
            sum += a;
            sum += b;
            sum += d;
            sum += e;
        }
        run_sums[run * params.channels + c] = sum;
    }
}
