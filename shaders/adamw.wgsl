// AdamW (Loshchilov and Hutter, arXiv 1711.05101) in the order of PyTorch. One parameter per
// invocation.
//
//   g      = scale * d_p
//   p     *= 1 - lr * weight_decay        cautious: only where this and the update have the same sign
//   m      = beta1 m + (1 - beta1) g
//   v      = beta2 v + (1 - beta2) g²
//   p     -= lr / (1 - beta1^n) * m / (sqrt(v) / sqrt(1 - beta2^n) + eps)
//
// Cautious weight decay: arXiv 2510.12402.
//
//   counter  (1)      n
//   control  (4)      factor of the learning rate, scale of the gradient (negative: do nothing); element
//                     3, factor of the weight decay
//   d_p      (count)
//   p, m, v  (count)  in place
//
// Host side and CPU twin: crates/kernels/src/adamw.rs.

#import elements
#import one_minus_exp

const WORKGROUP_SIZE: u32 = 256u;

struct Params {
    count: u32,
    lr: f32,
    beta1: f32,
    beta2: f32,
    ln_beta1: f32,
    ln_beta2: f32,
    eps: f32,
    weight_decay: f32,
    cautious: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> counter: array<u32>;
@group(0) @binding(2) var<storage, read> control: array<f32>;
@group(0) @binding(3) var<storage, read> d_p: array<f32>;
@group(0) @binding(4) var<storage, read_write> p: array<f32>;
@group(0) @binding(5) var<storage, read_write> m: array<f32>;
@group(0) @binding(6) var<storage, read_write> v: array<f32>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = element_index(workgroup, groups, lane);
    let scale = control[1];
    if i >= params.count || scale < 0.0 {
        return;
    }
    let lr = params.lr * control[0];
    let n = f32(counter[0]);
    let correction1 = one_minus_exp(n * params.ln_beta1);
    let correction2 = one_minus_exp(n * params.ln_beta2);

    let g = scale * d_p[i];
    let first = params.beta1 * m[i] + (1.0 - params.beta1) * g;
    let second = params.beta2 * v[i] + (1.0 - params.beta2) * g * g;
    let denominator = sqrt(second) / sqrt(correction2) + params.eps;
    let weight_decay = params.weight_decay * control[3];
    let spared = params.cautious == 1u && first * p[i] < 0.0;
    let keep = select(1.0 - lr * weight_decay, 1.0, spared);
    p[i] = p[i] * keep - lr / correction1 * first / denominator;
    m[i] = first;
    v[i] = second;
}
