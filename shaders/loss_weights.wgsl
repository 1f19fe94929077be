// Share of each position in the loss: the mean over masked positions, or over all when none is.
// A single workgroup.
//
//   weights[n] = mask[n] / count(mask), or 1 / N when count(mask) = 0
//
//   mask     (N)     1 = masked
//   weights  (N)  =
//
// Host side and CPU twin: crates/kernels/src/loss.rs.

#import reduce

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> mask: array<u32>;
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
    var masked = 0.0;
    for (var n = lane; n < params.count; n += WORKGROUP_SIZE) {
        masked += f32(mask[n]);
    }
    let total = workgroup_sum(masked, lane);
    for (var n = lane; n < params.count; n += WORKGROUP_SIZE) {
        weights[n] = select(1.0 / f32(params.count), f32(mask[n]) / total, total > 0.0);
    }
}
