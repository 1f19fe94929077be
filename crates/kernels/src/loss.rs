//! From the losses of positions to the loss of a step.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::imports::kernel;
use crate::vectors::sum_of;

params! {
    struct WeightParams {
        count: u32,
    }
}

params! {
    struct LossParams {
        count: u32,
        slots: u32,
    }
}

buffers! {
    /// Buffers of the shares of N positions.
    pub struct Weights {
        /// 1 where masked, `(N)`.
        mask: words,
        /// Written: `(N)`.
        weights: floats_mut,
    }
}

/// `shaders/loss_weights.wgsl`
pub static WEIGHTS: Kernel = kernel!("loss_weights", WeightParams, Weights, weights_twin);

buffers! {
    /// Buffers of the loss of a step.
    pub struct Weighted {
        /// Number of the step, `(1)`.
        counter: words,
        /// Share of each position, `(N)`.
        weights: floats,
        /// `(N)`
        loss: floats,
        /// Written: the step's element.
        ring: floats_mut,
    }
}

/// `shaders/loss_weighted.wgsl`
pub static WEIGHTED: Kernel = kernel!("loss_weighted", LossParams, Weighted, weighted_twin);

/// Records the share of each position: `1 / count(mask)` where masked, or `1 / N` everywhere when
/// nothing is.
pub fn weights(step: &mut Recording, io: Weights) {
    step.push(
        Launch::new(&WEIGHTS, &WeightParams { count: io.mask.len as u32 }, io, [1, 1, 1])
            .flop(2 * io.mask.len),
    );
}

/// Records `ring[counter mod len] = sum(weights * loss)`.
pub fn weighted(step: &mut Recording, io: Weighted) {
    step.push(
        Launch::new(
            &WEIGHTED,
            &LossParams { count: io.loss.len as u32, slots: io.ring.len as u32 },
            io,
            [1, 1, 1],
        )
        .flop(2 * io.loss.len),
    );
}

fn weights_twin<E: Real>(args: Args<'_, E>) {
    let (_, [mask, weights]) = args.take::<WeightParams, 2>();
    let (mask, weights) = (mask.words(), weights.floats_mut());
    let masked: u32 = mask.iter().sum();
    let all = E::one() / E::from_f64(mask.len() as f64);
    for (weight, &mask) in weights.iter_mut().zip(mask) {
        *weight =
            if masked > 0 { E::from_f64(mask.into()) / E::from_f64(masked.into()) } else { all };
    }
}

fn weighted_twin<E: Real>(args: Args<'_, E>) {
    let (params, [counter, weights, loss, ring]) = args.take::<LossParams, 4>();
    let (weights, loss) = (weights.floats(), loss.floats());
    let slot = counter.words()[0] % params.slots;
    ring.floats_mut()[slot as usize] = sum_of(loss.len(), |n| match weights[n] == E::zero() {
        true => E::zero(),
        false => weights[n] * loss[n],
    });
}
