// A sum with learned weights: skips and the embedding shortcut of the residual stream. One element
// per invocation.
//
//   out    = p x + q y
//   p      = base + slope * scale[0]
//   q      = scale[last]
//
//   scale  (last + 1)
//   x      (count)
//   y      (count)
//   out    (count)     =
//
// Host side and CPU twin: crates/kernels/src/mix.rs.

#import elements

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    base: f32,
    slope: f32,
    last: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scale: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;

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
    let p = params.base + params.slope * scale[0];
    out[i] = p * x[i] + scale[params.last] * y[i];
}
