// Moves the tokens of every sequence one position back: what a position sees there is the token
// before its own. One position per invocation.
//
//   shifted  = tokens of the position before, or first at the start of a sequence
//
//   tokens   (N)
//   shifted  (N)  =
//
// Host side and CPU twin: crates/kernels/src/shift.rs.

#import elements

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    length: u32,
    first: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> tokens: array<u32>;
@group(0) @binding(2) var<storage, read_write> shifted: array<u32>;

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
    if n % params.length == 0u {
        shifted[n] = params.first;
    } else {
        shifted[n] = tokens[n - 1u];
    }
}
