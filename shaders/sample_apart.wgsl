// No two neighbours in one pass: tokens that are drawn together do not know of each other. Whoever
// comes first in the order keeps both neighbours waiting. One position per invocation.
//
//   taken    = no neighbour that is taken comes earlier in the order
//   verdict  = order if taken, else WAITS      where the order is open
//            = order                           elsewhere
//
// Along a line this needs no turns: of the positions that lead away from n, each earlier than the
// one before it, the last is taken, and every second one. So n is taken if that way is of even
// length on both sides.
//
//   order    (N)  see common/order.wgsl
//   control  (7 + batch)  element 5: 1 in a pass that reveals everything, in which nobody waits
//   verdict  (N)  =
//
// Host side and CPU twin: crates/kernels/src/sample_apart.rs.

#import elements
#import order

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    length: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> order: array<f32>;
@group(0) @binding(2) var<storage, read> control: array<u32>;
@group(0) @binding(3) var<storage, read_write> verdict: array<f32>;

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
    let score = order[n];
    if control[5] == 1u || !open(score) {
        verdict[n] = score;
        return;
    }
    let begin = n / params.length * params.length;
    let end = begin + params.length;
    var left = n;
    while left > begin && open(order[left - 1u])
        && earlier(order[left - 1u], left - 1u, order[left], left) {
        left -= 1u;
    }
    var right = n;
    while right + 1u < end && open(order[right + 1u])
        && earlier(order[right + 1u], right + 1u, order[right], right) {
        right += 1u;
    }
    let taken = (n - left) % 2u == 0u && (right - n) % 2u == 0u;
    verdict[n] = select(WAITS, score, taken);
}
