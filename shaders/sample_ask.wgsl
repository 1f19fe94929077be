// Which positions a pass needs logits of; the others keep token and confidence. One position per
// invocation.
//
//   asked             = 1 where free and (params.redraws = 1 or seen is the mask), else 0
//   tokens            = ids
//   token_confidence  = confidence
//
//   ids               (N)  tokens before the pass
//   seen              (N)  what the network sees of them, see sample_hide; may be ids itself
//   confidence        (N)  with what confidence they were drawn
//   kinds             (N)  of the positions, see common/kinds.wgsl: free are all but GIVEN
//   asked             (N)  =
//   tokens            (N)  =
//   token_confidence  (N)  =
//
// Host side and CPU twin: crates/kernels/src/sample_ask.rs.

#import elements
#import kinds

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    mask_id: u32,
    redraws: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read> seen: array<u32>;
@group(0) @binding(3) var<storage, read> confidence: array<f32>;
@group(0) @binding(4) var<storage, read> kinds: array<u32>;
@group(0) @binding(5) var<storage, read_write> asked: array<f32>;
@group(0) @binding(6) var<storage, read_write> tokens: array<u32>;
@group(0) @binding(7) var<storage, read_write> token_confidence: array<f32>;

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
    let hidden = params.redraws == 1u || seen[n] == params.mask_id;
    asked[n] = select(0.0, 1.0, kinds[n] != GIVEN && hidden);
    tokens[n] = ids[n];
    token_confidence[n] = confidence[n];
}
