// Sorts positions by token, so that gradients of an embedding can be summed row by row without
// atomics and always in the same order. One invocation per token of the vocabulary, and one more.
//
//   starts[v] = how many n have ids[n] < v
//   positions = every n, by ids[n], then by n
//
//   ids        (N)
//   starts     (V + 1)  =
//   positions  (N)      =
//
// Host side and CPU twin: crates/kernels/src/embed.rs.

#import elements

const WORKGROUP_SIZE: u32 = 64u;

struct Params {
    rows: u32,
    vocabulary: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> starts: array<u32>;
@group(0) @binding(3) var<storage, read_write> positions: array<u32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let token = element_index(workgroup, groups, lane);
    if token > params.vocabulary {
        return;
    }
    var smaller = 0u;
    for (var n = 0u; n < params.rows; n++) {
        smaller += select(0u, 1u, ids[n] < token);
    }
    starts[token] = smaller;
    var next = smaller;
    for (var n = 0u; n < params.rows; n++) {
        if ids[n] == token {
            positions[next] = n;
            next++;
        }
    }
}
