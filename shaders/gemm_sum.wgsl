// Adds up the results that gemm_tile makes of the runs of a long inner dimension. One element per
// invocation.
//
//   c        = sum of partials over runs
//
//   partials  (runs, count)
//   c         (count)  =, or += when params.accumulate is 1
//
// Host side and CPU twin: crates/kernels/src/gemm.rs.

#import elements

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    runs: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = element_index(workgroup, groups, lane);
    if at >= params.count {
        return;
    }
    var sum = 0.0;
    for (var run = 0u; run < params.runs; run++) {
        sum += partials[run * params.count + at];
    }
    if params.accumulate == 1u {
        sum += c[at];
    }
    c[at] = sum;
}
