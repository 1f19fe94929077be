// Running average of the parameters. One parameter per invocation.
//
//   average += share (p - average)
//
//   control  (4)      element 2, share of the newest parameters: 1 in the first step
//   p        (count)
//   average  (count)  in place
//
// Host side and CPU twin: crates/kernels/src/average.rs.

#import elements

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> control: array<f32>;
@group(0) @binding(2) var<storage, read> p: array<f32>;
@group(0) @binding(3) var<storage, read_write> average: array<f32>;

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
    average[i] += control[2] * (p[i] - average[i]);
}
