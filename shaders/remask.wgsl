// Last stage of a denoising pass: in every sequence, re-masks the free positions with the lowest
// order, usually the confidence. One position per invocation.
//
//   rank        = number of free positions of the sequence that are lower in the order, or as low
//                 and further to the left
//   ids         = mask_id where free, order < STAYS, and rank < count or order = WAITS; else the token
//   confidence  = 0 where masked, else as drawn
//
//   tokens            (N)
//   token_confidence  (N)
//   order             (N)  see common/order.wgsl; may be token_confidence itself
//   kinds             (N)  of the positions, see common/kinds.wgsl: free are all but GIVEN
//   control           (7 + batch)  from element 7 on, the count of each sequence
//   ids               (N)  =
//   confidence        (N)  =
//   readback          (2, N)  =  ids and the bits of confidence, to be read back in one piece
//
// Host side and CPU twin: crates/kernels/src/remask.rs.

#import elements
#import kinds
#import order

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    length: u32,
    mask_id: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> tokens: array<u32>;
@group(0) @binding(2) var<storage, read> token_confidence: array<f32>;
@group(0) @binding(3) var<storage, read> order: array<f32>;
@group(0) @binding(4) var<storage, read> kinds: array<u32>;
@group(0) @binding(5) var<storage, read> control: array<u32>;
@group(0) @binding(6) var<storage, read_write> ids: array<u32>;
@group(0) @binding(7) var<storage, read_write> confidence: array<f32>;
@group(0) @binding(8) var<storage, read_write> readback: array<u32>;

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
    let b = n / params.length;
    let mine = order[n];
    var masked = false;
    if kinds[n] != GIVEN && mine < STAYS {
        var rank = 0u;
        for (var other = b * params.length; other < (b + 1u) * params.length; other++) {
            let theirs = order[other];
            let before = theirs < mine || (theirs == mine && other < n);
            rank += select(0u, 1u, before && kinds[other] != GIVEN);
        }
        masked = rank < control[7u + b] || mine == WAITS;
    }
    let token = select(tokens[n], params.mask_id, masked);
    let sure = select(token_confidence[n], 0.0, masked);
    ids[n] = token;
    confidence[n] = sure;
    readback[n] = token;
    readback[params.count + n] = bitcast<u32>(sure);
}
