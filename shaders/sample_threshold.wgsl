// Keeps every token that is sure enough, and at least one per sequence (Fast-dLLM, arXiv 2505.22618).
// One position per invocation.
//
//   verdict  = STAYS if token_confidence >= threshold, or if nothing open comes earlier in the order,
//              else WAITS       where the order is open
//            = order            elsewhere
//
//   order             (N)  see common/order.wgsl
//   token_confidence  (N)
//   control           (7 + batch)  element 5: 1 in a pass that reveals everything
//   verdict           (N)  =
//
// Host side and CPU twin: crates/kernels/src/sample_threshold.rs.

#import elements
#import order

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    length: u32,
    threshold: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> order: array<f32>;
@group(0) @binding(2) var<storage, read> token_confidence: array<f32>;
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
    var stays = control[5] == 1u || token_confidence[n] >= params.threshold;
    if !stays {
        let begin = n / params.length * params.length;
        stays = true;
        for (var other = begin; other < begin + params.length; other++) {
            let theirs = order[other];
            stays = stays && !(open(theirs) && earlier(theirs, other, score, n));
        }
    }
    verdict[n] = select(WAITS, STAYS, stays);
}
