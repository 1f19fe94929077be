// The loss of a step, written to the step's place in a ring that the host reads now and then. A
// single workgroup.
//
//   ring[counter mod ring length] = sum of weights * loss
//
//   counter  (1)
//   weights  (N)
//   loss     (N)
//   ring     (slots)  =  one element
//
// Host side and CPU twin: crates/kernels/src/loss.rs.

#import reduce

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    slots: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> counter: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> loss: array<f32>;
@group(0) @binding(4) var<storage, read_write> ring: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
    var sum = 0.0;
    for (var n = lane; n < params.count; n += WORKGROUP_SIZE) {
        // Rows without a weight may have no loss.
        if weights[n] != 0.0 {
            sum += weights[n] * loss[n];
        }
    }
    let total = workgroup_sum(sum, lane);
    if lane == 0u {
        ring[counter[0] % params.slots] = total;
    }
}
