// Begins a pass over one position of every text: what stands before it, the angles of its rotation,
// and whether its token is to be drawn. The position is read from a counter, so that one recording
// is replayed for all. A single workgroup.
//
//   position  = filled;  filled += 1
//
//   ids       (N)        tokens of `count` texts of `length` positions
//   kinds     (N)        of the positions, see common/kinds.wgsl
//   rope      (length, D)
//   filled    (1)        +=  positions whose keys and values lie in the cache after the pass
//   inputs    (count)    =   token before the position; mask_id at the start of a text
//   angles    (D)        =   row of rope
//   rows      (count)    =   place of the position where a token is to be drawn, else N
//
// Host side and CPU twin: crates/kernels/src/decode.rs.

#import kinds

const WORKGROUP_SIZE: u32 = 64u;

struct Params {
    count: u32,
    length: u32,
    head_dim: u32,
    mask_id: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read> kinds: array<u32>;
@group(0) @binding(3) var<storage, read> rope: array<f32>;
@group(0) @binding(4) var<storage, read_write> filled: array<u32>;
@group(0) @binding(5) var<storage, read_write> inputs: array<u32>;
@group(0) @binding(6) var<storage, read_write> angles: array<f32>;
@group(0) @binding(7) var<storage, read_write> rows: array<u32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
    let position = filled[0];
    workgroupBarrier();
    if lane == 0u {
        filled[0] = position + 1u;
    }
    for (var text = lane; text < params.count; text += WORKGROUP_SIZE) {
        let n = text * params.length + position;
        if position == 0u {
            inputs[text] = params.mask_id;
        } else {
            inputs[text] = ids[n - 1u];
        }
        let asked = kinds[n] != GIVEN && ids[n] == params.mask_id;
        rows[text] = select(params.count * params.length, n, asked);
    }
    for (var d = lane; d < params.head_dim; d += WORKGROUP_SIZE) {
        angles[d] = rope[position * params.head_dim + d];
    }
}
