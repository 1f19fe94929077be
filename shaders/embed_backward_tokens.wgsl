// Gradient of the token embedding: the sum over the positions of each token, whole runs of which are
// summed already. One row of the embedding per workgroup, one channel per invocation and turn.
//
//   d_token_emb[v] = sum of d_e[n] over n with ids[n] = v
//
//   starts       (V + 1)  positions by token, of embed_index_tokens
//   positions    (N)
//   d_e          (N, C)
//   run_sums     (runs, C)  of embed_sum_runs
//   d_token_emb  (V, C)  =, or += when params.accumulate is 1
//
// Host side and CPU twin: crates/kernels/src/embed/tokens.rs.

const WORKGROUP_SIZE: u32 = 256u;
const RUN_LENGTH: u32 = 64u;

struct Params {
    channels: u32,
    vocabulary: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> starts: array<u32>;
@group(0) @binding(2) var<storage, read> positions: array<u32>;
@group(0) @binding(3) var<storage, read> d_e: array<f32>;
@group(0) @binding(4) var<storage, read> run_sums: array<f32>;
@group(0) @binding(5) var<storage, read_write> d_token_emb: array<f32>;

// Place `i` of a list from which `gap` elements are left out at `gap_start`.
fn beyond(i: u32, gap_start: u32, gap: u32) -> u32 {
    return select(i, i + gap, i >= gap_start);
}

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
    // Runs that lie within, one by one; the positions before and after them.
    let first = (start + RUN_LENGTH - 1u) / RUN_LENGTH;
    let last = max(first, end / RUN_LENGTH);
    let gap_start = first * RUN_LENGTH;
    let gap = (last - first) * RUN_LENGTH;
    let rows_end = end - gap;
    for (var c = lane; c < params.channels; c += WORKGROUP_SIZE) {
        var sum = 0.0;
        var i = start;
        // Four loads wait for memory at a time.
        for (; i + 4u <= rows_end; i += 4u) {
            let a = d_e[positions[beyond(i, gap_start, gap)] * params.channels + c];
            let b = d_e[positions[beyond(i + 1u, gap_start, gap)] * params.channels + c];
            let d = d_e[positions[beyond(i + 2u, gap_start, gap)] * params.channels + c];
            let e = d_e[positions[beyond(i + 3u, gap_start, gap)] * params.channels + c];
            sum += a;
            sum += b;
            sum += d;
            sum += e;
        }
        for (; i < rows_end; i++) {
            sum += d_e[positions[beyond(i, gap_start, gap)] * params.channels + c];
        }
        for (var run = first; run < last; run++) {
            sum += run_sums[run * params.channels + c];
        }
        let at = token * params.channels + c;
        if params.accumulate == 1u {
            sum += d_token_emb[at];
        }
        d_token_emb[at] = sum;
    }
}
