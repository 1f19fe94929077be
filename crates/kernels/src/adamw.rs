//! AdamW.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};
use serde::{Deserialize, Serialize};

use crate::grid;
use crate::grid::CHUNK;
use crate::imports::kernel;
use crate::parallel::*;
use crate::vectors::vectorized;

params! {
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
}

buffers! {
    /// Buffers of an update; parameters, gradient and moments have the same length.
    pub struct Buffers {
        /// Number of the step, `(1)`.
        counter: words,
        /// Factor on the learning rate, scale of the gradient, and factor on the weight decay, see
        /// [`crate::begin_step`].
        control: floats,
        /// Gradient.
        d_p: floats,
        /// In place: parameters.
        p: floats_mut,
        /// In place: first moment.
        m: floats_mut,
        /// In place: second moment.
        v: floats_mut,
    }
}

/// `shaders/adamw.wgsl`
pub static KERNEL: Kernel = kernel!("adamw", Params, Buffers, twin);

/// Constants of AdamW (arXiv 1711.05101, algorithm 2).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamW {
    /// Learning rate, before the factor of the step.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// Decoupled weight decay; the weights shrink by `lr * weight_decay` per step.
    pub weight_decay: f64,
}

/// Records one update. A `cautious` one decays a parameter only where that goes the way of the update
/// (arXiv 2510.12402).
pub fn record(step: &mut Recording, io: Buffers, config: AdamW, cautious: bool) {
    step.push(
        Launch::new(
            &KERNEL,
            &Params {
                count: io.p.len as u32,
                lr: config.lr as f32,
                beta1: config.beta1 as f32,
                beta2: config.beta2 as f32,
                ln_beta1: config.beta1.ln() as f32,
                ln_beta2: config.beta2.ln() as f32,
                eps: config.eps as f32,
                weight_decay: config.weight_decay as f32,
                cautious: u32::from(cautious),
            },
            io,
            grid::elements(io.p.len),
        )
        .flop(15 * io.p.len),
    );
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, [counter, control, d_p, p, m, v]) = args.take::<Params, 6>();
    let control = control.floats();
    let (factor, scale) = (control[0], control[1]);
    if scale < E::zero() {
        return;
    }
    let of = |value: f32| E::from_f64(value.into());
    let lr = of(params.lr) * factor;
    let n = E::from_f64(counter.words()[0].into());
    let correction1 = -(n * of(params.ln_beta1)).exp_m1();
    let correction2 = -(n * of(params.ln_beta2)).exp_m1();
    let (beta1, beta2, eps) = (of(params.beta1), of(params.beta2), of(params.eps));
    let keep = E::one() - lr * (of(params.weight_decay) * control[3]);
    let cautious = params.cautious == 1;
    let (rate, root2) = (lr / correction1, correction2.sqrt());

    let moments = m.floats_mut().par_chunks_mut(CHUNK).zip(v.floats_mut().par_chunks_mut(CHUNK));
    let chunks = p.floats_mut().par_chunks_mut(CHUNK).zip(d_p.floats().par_chunks(CHUNK));
    chunks.zip(moments).for_each(|((p, d_p), (m, v))| {
        vectorized!(for (((p, &d_p), m), v) in p.iter_mut().zip(d_p).zip(m).zip(v) {
            let g = scale * d_p;
            *m = beta1 * *m + (E::one() - beta1) * g;
            *v = beta2 * *v + (E::one() - beta2) * g * g;
            let keep = if cautious && *m * *p < E::zero() { E::one() } else { keep };
            *p = keep * *p - rate * *m / (v.sqrt() / root2 + eps);
        })
    });
}
