// Hides a group of positions, so that the model says what it expects there. One position per
// invocation.
//
//   seen     = mask_id where free and position % groups is the pass's group, if live; else ids
//
//   ids      (N)
//   kinds    (N)  of the positions, see common/kinds.wgsl: free are all but GIVEN
//   control  (7 + batch)  element 4, the group
//   live     (1)  whether the pass runs, 1 or 0
//   seen     (N)  =
//
// Host side and CPU twin: crates/kernels/src/sample_hide.rs.

#import elements
#import kinds

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    length: u32,
    groups: u32,
    mask_id: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read> kinds: array<u32>;
@group(0) @binding(3) var<storage, read> control: array<u32>;
@group(0) @binding(4) var<storage, read> live: array<u32>;
@group(0) @binding(5) var<storage, read_write> seen: array<u32>;

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
    let chosen = n % params.length % params.groups == control[4];
    let hidden = live[0] == 1u && kinds[n] != GIVEN && chosen;
    seen[n] = select(ids[n], params.mask_id, hidden);
}
