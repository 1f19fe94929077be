// Takes a block of every text into the buffers that are written in. One position per invocation.
//
//   ids, confidence, kinds  = of positions place block, ... of the text
//   readback                = ids and the bits of confidence, as remask leaves them
//   progress[1]             = 1: the block has not been judged, see sample_survey
//
//   place       (1)                  number of the block
//   text        (2, texts, length)   ids, and bits of confidence
//   text_kinds  (texts, length)      of the positions, see common/kinds.wgsl
//   ids         (N)     =            N = texts x block
//   confidence  (N)     =
//   kinds       (N)     =
//   readback    (2, N)  =
//   progress    (2)     in place
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
@group(0) @binding(2) var<storage, read> text: array<u32>;
@group(0) @binding(3) var<storage, read> text_kinds: array<u32>;
@group(0) @binding(4) var<storage, read_write> ids: array<u32>;
@group(0) @binding(5) var<storage, read_write> confidence: array<f32>;
@group(0) @binding(6) var<storage, read_write> kinds: array<u32>;
@group(0) @binding(7) var<storage, read_write> readback: array<u32>;
@group(0) @binding(8) var<storage, read_write> progress: array<u32>;

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
    let bits = text[texts * params.length + at];
    ids[n] = text[at];
    confidence[n] = bitcast<f32>(bits);
    kinds[n] = text_kinds[at];
    readback[n] = text[at];
    readback[params.count + n] = bits;
    if n == 0u {
        progress[1] = 1u;
    }
}
