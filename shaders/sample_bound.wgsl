// Keeps as many tokens, in their order, as may be drawn together: the error of drawing them as if they
// were independent is at most the sum of their entropies less the largest (EB-Sampler,
// arXiv 2505.24857). One position per invocation.
//
//   S        = the open positions of the sequence up to this one, earliest first
//   verdict  = STAYS if sum(entropy over S) - max(entropy over S) <= bound, else WAITS
//                               where the order is open
//            = order            elsewhere
//
//   order    (N)  see common/order.wgsl
//   entropy  (N)  nats
//   control  (7 + batch)  element 5: 1 in a pass that reveals everything
//   verdict  (N)  =
//
// Host side and CPU twin: crates/kernels/src/sample_bound.rs.

#import elements
#import order

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    length: u32,
    bound: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> order: array<f32>;
@group(0) @binding(2) var<storage, read> entropy: array<f32>;
@group(0) @binding(3) var<storage, read> control: array<u32>;
@group(0) @binding(4) var<storage, read_write> verdict: array<f32>;

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
    if !open(score) {
        verdict[n] = score;
        return;
    }
    // The sum of the others, less the largest of all.
    var sum = 0.0;
    var largest = entropy[n];
    let begin = n / params.length * params.length;
    for (var other = begin; other < begin + params.length; other++) {
        let theirs = order[other];
        if open(theirs) && earlier(theirs, other, score, n) {
            let smaller = min(largest, entropy[other]);
            largest = max(largest, entropy[other]);
            sum += smaller;
        }
    }
    let stays = control[5] == 1u || sum <= params.bound;
    verdict[n] = select(WAITS, STAYS, stays);
}
