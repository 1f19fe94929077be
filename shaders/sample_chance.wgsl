// Decisions that are drawn: which masks are revealed (ancestral sampling, MDLM, arXiv 2406.07524),
// and which visible tokens are masked again (ReMDM, arXiv 2503.00307). One position per invocation.
//
//   u      = unit(philox(counter = position, sample, pass, 'chnc'))
//   order  = STAYS if u < reveal, else WAITS    where there is a mask, if params.reveals is 1
//          = WAITS if u < remask                where a free token is visible
//          unchanged                            elsewhere
//
//   ids      (N)  tokens before the pass
//   kinds    (N)  of the positions, see common/kinds.wgsl: free are all but GIVEN
//   control  (7 + batch)  element 0, number of the pass; 2 and 3, the bits of remask and reveal
//   order    (N)  in place, see common/order.wgsl
//
// Host side and CPU twin: crates/kernels/src/sample_chance.rs.

#import draw
#import elements
#import kinds
#import order
#import rng

const WORKGROUP_SIZE: u32 = 256u;
const STREAM: u32 = 0x63686e63u;

struct Params {
    count: u32,
    length: u32,
    first_sample: u32,
    seed_low: u32,
    seed_high: u32,
    mask_id: u32,
    reveals: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read> kinds: array<u32>;
@group(0) @binding(3) var<storage, read> control: array<u32>;
@group(0) @binding(4) var<storage, read_write> order: array<f32>;

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
    let u = drawn(n, STREAM);
    if ids[n] == params.mask_id {
        if params.reveals == 1u {
            order[n] = select(WAITS, STAYS, u < bitcast<f32>(control[3]));
        }
    } else if kinds[n] != GIVEN && u < bitcast<f32>(control[2]) {
        order[n] = WAITS;
    }
}
