// First half of sorting positions by token: how many positions of each part of the batch have a smaller
// token. One token of the vocabulary, and one more, per invocation; one part per row of the grid.
//
//   smaller[p, v] = how many n of part p have ids[n] < v
//
//   ids      (N)
//   smaller  (PARTS, V + 1)  =
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
@group(0) @binding(2) var<storage, read_write> smaller: array<u32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let token = workgroup.x * WORKGROUP_SIZE + lane;
    if token > params.vocabulary {
        return;
    }
    let part = workgroup.y;
    let length = (params.rows + BATCH_PARTS - 1u) / BATCH_PARTS;
    let end = min((part + 1u) * length, params.rows);
    var count = 0u;
    for (var n = part * length; n < end; n++) {
        count += select(0u, 1u, ids[n] < token);
    }
    smaller[part * (params.vocabulary + 1u) + token] = count;
}
