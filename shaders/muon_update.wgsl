// Muon's update by an orthogonalised momentum. One element per invocation.
//
//   p  = (1 - lr * weight_decay) p - lr * sqrt(max(1, rows / columns)) * o
//
// Cautious weight decay (arXiv 2510.12402): the decay is left out where o and p have other signs.
//
//   control  (4)      factor of the learning rate, scale of the gradient (negative: do nothing); element
//                     3, factor of the weight decay
//   o        (count)
//   p        (count)  in place
//
// Host side and CPU twin: crates/kernels/src/muon.rs.

#import elements

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    lr: f32,
    weight_decay: f32,
    shape_factor: f32,
    cautious: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> control: array<f32>;
@group(0) @binding(2) var<storage, read> o: array<f32>;
@group(0) @binding(3) var<storage, read_write> p: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = element_index(workgroup, groups, lane);
    if i >= params.count || control[1] < 0.0 {
        return;
    }
    let lr = params.lr * control[0];
    let weight_decay = params.weight_decay * control[3];
    let spared = params.cautious == 1u && o[i] * p[i] < 0.0;
    let keep = select(1.0 - lr * weight_decay, 1.0, spared);
    p[i] = keep * p[i] - lr * params.shape_factor * o[i];
}
