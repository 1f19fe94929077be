// Polynomial of one Newton-Schulz step: what the matrix is multiplied with so that its singular
// values move towards 1. One element per invocation.
//
//   p   = a I + b s + c s²
//
//   s   (size, size)     x xᵀ or xᵀ x
//   s2  (size, size)     s s
//   p   (size, size)  =
//
// Host side and CPU twin: crates/kernels/src/muon.rs.

#import elements

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    size: u32,
    a: f32,
    b: f32,
    c: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> s: array<f32>;
@group(0) @binding(2) var<storage, read> s2: array<f32>;
@group(0) @binding(3) var<storage, read_write> p: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = element_index(workgroup, groups, lane);
    if i >= params.size * params.size {
        return;
    }
    let identity = select(0.0, 1.0, i / params.size == i % params.size);
    p[i] = params.a * identity + params.b * s[i] + params.c * s2[i];
}
