// Backward pass of relu_squared_forward, in place on the gradient. One element per invocation.
//
//   d_x = 2 max(x, 0) * d_out
//
//   x    (count)
//   d_x  (count)  in place: holds d_out before, d_x after
//
// Host side and CPU twin: crates/kernels/src/relu_squared.rs.

#import elements

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> d_x: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = element_index(workgroup, groups, lane);
    if i >= params.count {
        return;
    }
    d_x[i] = 2.0 * max(x[i], 0.0) * d_x[i];
}
