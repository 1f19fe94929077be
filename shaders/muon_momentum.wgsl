// Muon (Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks"): momentum
// with Nesterov's look-ahead. One element per invocation.
//
//   g        = scale * d_p
//   momentum = mu momentum + (1 - mu) g
//   u        = mu momentum + (1 - mu) g
//
//   control   (4)      element 1, scale of the gradient (negative: do nothing, u = 0)
//   d_p       (count)
//   momentum  (count)  in place
//   u         (count)  =
//
// Host side and CPU twin: crates/kernels/src/muon.rs.

#import elements

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    mu: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> control: array<f32>;
@group(0) @binding(2) var<storage, read> d_p: array<f32>;
@group(0) @binding(3) var<storage, read_write> momentum: array<f32>;
@group(0) @binding(4) var<storage, read_write> u: array<f32>;

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
    if control[1] < 0.0 {
        u[i] = 0.0;
        return;
    }
    let g = control[1] * d_p[i];
    let m = params.mu * momentum[i] + (1.0 - params.mu) * g;
    momentum[i] = m;
    u[i] = params.mu * m + (1.0 - params.mu) * g;
}
