// Ends a denoising pass: in every sequence, the generated positions of lowest confidence become
// masks again. One position per invocation.
//
//   rank        = number of generated positions of the sequence with lower confidence, or with
//                 equal confidence further to the left
//   ids         = mask_id where generated and rank < count, else the token
//   confidence  = 0 where masked, else as drawn
//
//   tokens            (N)
//   token_confidence  (N)
//   generated         (N)  not 0 = this position is to be generated
//   control           (2 + batch)  from element 2 on, the count of each sequence
//   ids               (N)  =
//   confidence        (N)  =
//   frame             (2, N)  =  ids and the bits of confidence, to be read back in one piece
//
// Host side and CPU twin: crates/kernels/src/remask.rs.

#import elements

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    length: u32,
    mask_id: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> tokens: array<u32>;
@group(0) @binding(2) var<storage, read> token_confidence: array<f32>;
@group(0) @binding(3) var<storage, read> generated: array<u32>;
@group(0) @binding(4) var<storage, read> control: array<u32>;
@group(0) @binding(5) var<storage, read_write> ids: array<u32>;
@group(0) @binding(6) var<storage, read_write> confidence: array<f32>;
@group(0) @binding(7) var<storage, read_write> frame: array<u32>;

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
    let b = n / params.length;
    let mine = token_confidence[n];
    var masked = false;
    if generated[n] != 0u {
        var rank = 0u;
        for (var other = b * params.length; other < (b + 1u) * params.length; other++) {
            let theirs = token_confidence[other];
            let before = theirs < mine || (theirs == mine && other < n);
            rank += select(0u, 1u, before && generated[other] != 0u);
        }
        masked = rank < control[2u + b];
    }
    let token = select(tokens[n], params.mask_id, masked);
    let sure = select(mine, 0.0, masked);
    ids[n] = token;
    confidence[n] = sure;
    frame[n] = token;
    frame[params.count + n] = bitcast<u32>(sure);
}
