// Scales a matrix to Frobenius norm 1, where the Newton-Schulz iteration starts. A single
// workgroup.
//
//   x    = u / (|u| + 1e-7)
//
//   u    (count)
//   x    (count)  =
//
// Host side and CPU twin: crates/kernels/src/muon.rs.

#import reduce

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> u: array<f32>;
@group(0) @binding(2) var<storage, read_write> x: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
    var sum = 0.0;
    for (var i = lane; i < params.count; i += WORKGROUP_SIZE) {
        sum += u[i] * u[i];
    }
    let scale = 1.0 / (sqrt(workgroup_sum(sum, lane)) + 1e-7);
    for (var i = lane; i < params.count; i += WORKGROUP_SIZE) {
        x[i] = u[i] * scale;
    }
}
