// Text from left to right in blocks: masks behind the first block that has any wait. One position per
// invocation.
//
//   first  = the sequence's first mask
//   order  = WAITS where there is a mask and position / block > first / block, else unchanged
//
//   ids      (N)  tokens before the pass
//   control  (7 + batch)  element 5: 1 in a pass that reveals everything, in which nobody waits
//   order    (N)  in place, see common/order.wgsl
//
// Host side and CPU twin: crates/kernels/src/sample_blocks.rs.

#import elements
#import order

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    length: u32,
    block: u32,
    mask_id: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read> control: array<u32>;
@group(0) @binding(3) var<storage, read_write> order: array<f32>;

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
    if control[5] == 1u || ids[n] != params.mask_id {
        return;
    }
    var first = n / params.length * params.length;
    while ids[first] != params.mask_id {
        first += 1u;
    }
    if n % params.length / params.block > first % params.length / params.block {
        order[n] = WAITS;
    }
}
