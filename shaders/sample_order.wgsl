// Which drawn tokens may stay, after MaskGIT (Chang et al. 2022, arXiv 2202.04200): the surer the
// likelier, and what is visible stays. One position per invocation.
//
//   order   = score(certainty) + choice_temperature * gumbel   where the token was the mask, and free
//           = STAYS                                            elsewhere
//   score   = log(certainty), -certainty or 0, as params.score is 0, 1 or 2
//   gumbel  = -log(-log(1 - unit(philox(counter = position, sample, pass, 'ordr')))))
//
// With confidences and choice_temperature 1, of all positions that could be kept next each is the one
// with a probability proportional to its confidence; with 0 it is the surest one; a large number makes
// the order uniform, as in MDLM's ancestral sampling (arXiv 2406.07524).
//
//   certainty  (N)  confidence, margin or (score 1) entropy
//   ids        (N)  tokens before the pass
//   kinds      (N)  of the positions, see common/kinds.wgsl: free are all but GIVEN
//   control    (7 + batch)  element 0, number of the pass
//   order      (N)  =  see common/order.wgsl
//
// Host side and CPU twin: crates/kernels/src/sample_order.rs.

#import draw
#import elements
#import kinds
#import order
#import rng

const WORKGROUP_SIZE: u32 = 256u;
const STREAM: u32 = 0x6f726472u;
// Below this a certainty has no useful logarithm.
const LEAST: f32 = 1e-37;

struct Params {
    count: u32,
    length: u32,
    first_sample: u32,
    seed_low: u32,
    seed_high: u32,
    mask_id: u32,
    score: u32,
    choice_temperature: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> certainty: array<f32>;
@group(0) @binding(2) var<storage, read> ids: array<u32>;
@group(0) @binding(3) var<storage, read> kinds: array<u32>;
@group(0) @binding(4) var<storage, read> control: array<u32>;
@group(0) @binding(5) var<storage, read_write> order: array<f32>;

// -log(1 - u), precise also for small u, where drivers know the logarithm of numbers near 1 badly.
fn exponential(u: f32) -> f32 {
    if u > 0.0625 {
        return -log(1.0 - u);
    }
    return u * (1.0 + u * (1.0 / 2.0 + u * (1.0 / 3.0 + u * (1.0 / 4.0 + u * (1.0 / 5.0 + u / 6.0)))));
}

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
    if ids[n] != params.mask_id || kinds[n] == GIVEN {
        order[n] = STAYS;
        return;
    }
    let u = drawn(n, STREAM);
    var score = 0.0;
    if params.score == 0u {
        score = log(max(certainty[n], LEAST));
    } else if params.score == 1u {
        score = -certainty[n];
    }
    order[n] = score - params.choice_temperature * log(exponential(u));
}
