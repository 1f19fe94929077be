// One uniform number per position for the draws of a pass: a function of seed, pass, sample and
// position, so that neither the length of the text nor the other samples change it. One position
// per invocation.
//
//   uniforms  = unit(philox(counter = position, sample, pass, 'samp'))
//
//   control   (7 + batch)  element 0, number of the pass
//   uniforms  (N)  =       between 0 and 1, both left out
//
// Host side and CPU twin: crates/kernels/src/sample_uniforms.rs.

#import draw
#import elements
#import rng

const WORKGROUP_SIZE: u32 = 256u;
const STREAM: u32 = 0x73616d70u;

struct Params {
    count: u32,
    length: u32,
    first_sample: u32,
    seed_low: u32,
    seed_high: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> control: array<u32>;
@group(0) @binding(2) var<storage, read_write> uniforms: array<f32>;

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
    uniforms[n] = drawn(n, STREAM);
}
