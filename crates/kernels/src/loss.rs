//! From the losses of positions to the loss of a step.

use bytemuck::{Pod, Zeroable};
use device::{Args, Kernel, Launch, Real, Recording, Slice, floats, floats_mut, twin, words};

use crate::COMMON;
use crate::norm::sum_of;

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct WeightParams {
    count: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct LossParams {
    count: u32,
    slots: u32,
}

/// `shaders/loss_weights.wgsl`
pub static WEIGHTS: Kernel = Kernel {
    name: "loss_weights",
    source: include_str!("../../../shaders/loss_weights.wgsl"),
    imports: COMMON,
    bindings: &[words("mask"), floats_mut("weights")],
    params_size: size_of::<WeightParams>(),
    subgroups: false,
    twin: twin!(weights_twin),
};

/// `shaders/weighted_loss.wgsl`
pub static WEIGHTED: Kernel = Kernel {
    name: "weighted_loss",
    source: include_str!("../../../shaders/weighted_loss.wgsl"),
    imports: COMMON,
    bindings: &[words("step"), floats("weights"), floats("loss"), floats_mut("ring")],
    params_size: size_of::<LossParams>(),
    subgroups: false,
    twin: twin!(weighted_twin),
};

/// Records the share of each position: `1 / count(mask)` where masked, or `1 / N` everywhere when
/// nothing is.
pub fn weights(step: &mut Recording, mask: Slice, weights: Slice) {
    step.push(Launch {
        kernel: &WEIGHTS,
        constants: vec![],
        params: bytemuck::bytes_of(&WeightParams { count: mask.len as u32 }).to_vec(),
        buffers: vec![mask, weights],
        grid: [1, 1, 1],
        flop: 2 * mask.len as u64,
    });
}

/// Records `ring[step mod len] = sum(weights * loss)`.
pub fn weighted(step: &mut Recording, counter: Slice, weights: Slice, loss: Slice, ring: Slice) {
    step.push(Launch {
        kernel: &WEIGHTED,
        constants: vec![],
        params: bytemuck::bytes_of(&LossParams { count: loss.len as u32, slots: ring.len as u32 })
            .to_vec(),
        buffers: vec![counter, weights, loss, ring],
        grid: [1, 1, 1],
        flop: 2 * loss.len as u64,
    });
}

fn weights_twin<E: Real>(args: Args<'_, E>) {
    let (_, [mask, weights]) = args.take::<WeightParams, 2>();
    let (mask, weights) = (mask.words(), weights.floats_mut());
    let masked: u32 = mask.iter().sum();
    let all = E::one() / E::of(mask.len() as f64);
    for (weight, &mask) in weights.iter_mut().zip(mask) {
        *weight = if masked > 0 { E::of(mask.into()) / E::of(masked.into()) } else { all };
    }
}

fn weighted_twin<E: Real>(args: Args<'_, E>) {
    let (params, [step, weights, loss, ring]) = args.take::<LossParams, 4>();
    let (weights, loss) = (weights.floats(), loss.floats());
    let slot = step.words()[0] % params.slots;
    ring.floats_mut()[slot as usize] = sum_of(loss.len(), |n| weights[n] * loss[n]);
}
