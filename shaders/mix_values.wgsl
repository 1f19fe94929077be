// Mixes the values of a block with those of the first one ("value residual", arXiv 2410.17897). One
// element per invocation.
//
//   values  = v
//   v      += scale * (v of the first block - v)
//
//   scale   (1)
//   first   (N, 3, C)  queries, keys and values of the first block
//   qkv     (N, 3, C)  v in place
//   values  (N, C)     =  kept for the backward pass
//
// Host side and CPU twin: crates/kernels/src/mix.rs.

#import elements

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    channels: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scale: array<f32>;
@group(0) @binding(2) var<storage, read> first: array<f32>;
@group(0) @binding(3) var<storage, read_write> qkv: array<f32>;
@group(0) @binding(4) var<storage, read_write> values: array<f32>;

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
    let row = i / params.channels;
    let at = (3u * row + 2u) * params.channels + i % params.channels;
    let v = qkv[at];
    values[i] = v;
    qkv[at] = v + scale[0] * (first[at] - v);
}
