// Puts a block of every text back, as it was read back last. One position per invocation.
//
//   text[place block + i]  = readback[i]     both of ids and of confidence
//
//   place     (1)                 number of the block
//   readback  (2, N)              N = texts x block
//   text      (2, texts, length)  in place
//
// Host side and CPU twin: crates/kernels/src/window.rs.

#import elements

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    block: u32,
    length: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> place: array<u32>;
@group(0) @binding(2) var<storage, read> readback: array<u32>;
@group(0) @binding(3) var<storage, read_write> text: array<u32>;

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
    let row = n / params.block * params.length;
    let at = row + place[0] * params.block + n % params.block;
    let texts = params.count / params.block;
    text[at] = readback[n];
    text[texts * params.length + at] = readback[params.count + n];
}
