// Tells a leave-one-out prediction of uniform diffusion what stands at its own position: the token
// z there is likelier than the others by what it would be if it were clean (arXiv 2605.22765). One row
// per invocation.
//
//   logits[row, z] += log(1 + odds),  odds = n a / (1 - a)
//   a the survival probability of a token, n the number of tokens of noise
//
//   rows     (R)     position of each row; beyond the last, N
//   ids      (N)     z, the tokens before the pass
//   control  (7 + batch)  element 6, the bits of odds
//   logits   (R, V)  in place
//
// Host side and CPU twin: crates/kernels/src/sample_posterior.rs.

#import elements

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    rows: u32,
    positions: u32,
    vocabulary: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read> ids: array<u32>;
@group(0) @binding(3) var<storage, read> control: array<u32>;
@group(0) @binding(4) var<storage, read_write> logits: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = element_index(workgroup, groups, lane);
    if row >= params.rows || rows[row] >= params.positions {
        return;
    }
    logits[row * params.vocabulary + ids[rows[row]]] += log(1.0 + bitcast<f32>(control[6]));
}
