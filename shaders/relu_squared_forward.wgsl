// Activation of the MLP (Primer, arXiv 2109.08668). One element per invocation.
//
//   out = max(x, 0)²
//
//   x    (count)     kept for the backward pass
//   out  (count)  =
//
// Host side and CPU twin: crates/kernels/src/relu_squared.rs.

#import elements

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

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
    let positive = max(x[i], 0.0);
    out[i] = positive * positive;
}
