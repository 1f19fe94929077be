// Chains the positions of each token, so that gradients of an embedding can be summed row by row
// without atomics and always in the same order. One invocation per token of the vocabulary.
//
//   first[v] = the first n with ids[n] = v, or N
//   next[n]  = the first m > n with ids[m] = ids[n], or N
//
//   ids    (N)
//   first  (V)  =
//   next   (N)  =  for every n whose id is below V
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
@group(0) @binding(2) var<storage, read_write> first: array<u32>;
@group(0) @binding(3) var<storage, read_write> next: array<u32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let token = element_index(workgroup, groups, lane);
    if token >= params.vocabulary {
        return;
    }
    var after = params.rows;
    for (var n = params.rows; n > 0u; n--) {
        if ids[n - 1u] == token {
            next[n - 1u] = after;
            after = n - 1u;
        }
    }
    first[token] = after;
}
