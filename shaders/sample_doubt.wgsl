// Tokens of a finished text that should be drawn again: those that the model did not expect when they
// were hidden, and those that repeat their neighbour. One position per invocation.
//
//   order  = WAITS  where there is a mask, and where a free token of the group is hidden, if
//                   loss[places] > limit or it is the token to its left
//          = STAYS  elsewhere
//
//   ids      (N)
//   kinds    (N)  of the positions, see common/kinds.wgsl: free are all but GIVEN
//   places   (N)  where the loss of each position stands, from rows_select
//   loss     (N)  - log p(token), hidden tokens masked
//   control  (7 + batch)  element 4, the group that was hidden
//   order    (N)  =  see common/order.wgsl
//
// Host side and CPU twin: crates/kernels/src/sample_doubt.rs.

#import elements
#import kinds
#import order

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    length: u32,
    groups: u32,
    mask_id: u32,
    limit: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read> kinds: array<u32>;
@group(0) @binding(3) var<storage, read> places: array<u32>;
@group(0) @binding(4) var<storage, read> loss: array<f32>;
@group(0) @binding(5) var<storage, read> control: array<u32>;
@group(0) @binding(6) var<storage, read_write> order: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let n = element_index(workgroup, groups, lane);
    if n >= params.count {
        return;
    }
    let position = n % params.length;
    let judged = kinds[n] != GIVEN && position % params.groups == control[4];
    var doubtful = false;
    if judged {
        doubtful = loss[places[n]] > params.limit;
        if position > 0u {
            doubtful = doubtful || ids[n] == ids[n - 1u];
        }
    }
    order[n] = select(STAYS, WAITS, doubtful || ids[n] == params.mask_id);
}
