// Second half of sorting positions by token, so that gradients of an embedding can be summed row by row
// without atomics and always in the same order. One token of the vocabulary, and one more, per
// invocation; one part of the batch per row of the grid.
//
//   starts[v] = how many n have ids[n] < v
//   positions = every n, by ids[n], then by n
//
//   ids        (N)
//   smaller    (PARTS, V + 1)  of embed_count_tokens
//   starts     (V + 1)  =
//   positions  (N)      =
//
// Host side and CPU twin: crates/kernels/src/embed/tokens.rs.

const WORKGROUP_SIZE: u32 = 64u;
const BATCH_PARTS: u32 = 16u;

struct Params {
    rows: u32,
    vocabulary: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read> smaller: array<u32>;
@group(0) @binding(3) var<storage, read_write> starts: array<u32>;
@group(0) @binding(4) var<storage, read_write> positions: array<u32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let token = workgroup.x * WORKGROUP_SIZE + lane;
    if token > params.vocabulary {
        return;
    }
    let part = workgroup.y;
    let tokens = params.vocabulary + 1u;
    var start = 0u;
    for (var p = 0u; p < BATCH_PARTS; p++) {
        start += smaller[p * tokens + token];
    }
    if part == 0u {
        starts[token] = start;
    }
    if token == params.vocabulary {
        return;
    }
    // Positions of the token in parts before this one come first; those of this one, until all are found.
    var next = start;
    for (var p = 0u; p < part; p++) {
        next += smaller[p * tokens + token + 1u] - smaller[p * tokens + token];
    }
    let end = next + smaller[part * tokens + token + 1u] - smaller[part * tokens + token];
    let length = (params.rows + BATCH_PARTS - 1u) / BATCH_PARTS;
    for (var n = part * length; next < end; n++) {
        if ids[n] == token {
            positions[next] = n;
            next++;
        }
    }
}
