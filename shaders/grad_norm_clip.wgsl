// Second half of the gradient's norm, and the factor that clips it (Pascanu et al., arXiv
// 1211.5063). A single workgroup.
//
//   norm  = sqrt(sum of partial_sums)
//   scale = min(1, limit / (norm + 1e-6)), or -1 when norm is not finite: the optimiser then
//           leaves everything as it is, so that one bad step does not spoil the weights
//
//   partial_sums  (count)
//   counter       (1)
//   control       (4)      =  element 1, scale
//   ring          (slots)  =  element step mod slots, norm
//
// Host side and CPU twin: crates/kernels/src/grad_norm.rs.

#import reduce

const WORKGROUP_SIZE: u32 = 256u;
const LARGEST: f32 = 3.4028234e38;

struct Params {
    count: u32,
    slots: u32,
    limit: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial_sums: array<f32>;
@group(0) @binding(2) var<storage, read> counter: array<u32>;
@group(0) @binding(3) var<storage, read_write> control: array<f32>;
@group(0) @binding(4) var<storage, read_write> ring: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
    var sum = 0.0;
    for (var i = lane; i < params.count; i += WORKGROUP_SIZE) {
        sum += partial_sums[i];
    }
    let total = workgroup_sum(sum, lane);
    if lane == 0u {
        let norm = sqrt(total);
        // False for infinity and for NaN, which no comparison holds for.
        let finite = total <= LARGEST;
        control[1] = select(-1.0, min(1.0, params.limit / (norm + 1e-6)), finite);
        ring[counter[0] % params.slots] = norm;
    }
}
