//! The step counter, and what changes from step to step.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};
use serde::{Deserialize, Serialize};

use crate::imports::kernel;

/// Elements of the buffer `control` that steers the optimizer: factor of the learning rate, scale of the
/// gradient, share of the newest weights in their average, factor of the weight decay.
pub const CONTROL: usize = 4;

/// Decay of the learning rate after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LrDecay {
    /// None.
    Constant,
    /// Half a cosine from 1 to the floor.
    Cosine,
    /// A straight line from 1 to the floor.
    Linear,
}

/// How the weight decay changes over a run. An update shrinks weights by rate times decay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DecaySchedule {
    /// Always the same.
    Constant,
    /// In proportion to the learning rate: what weights shrink by goes with the rate squared.
    Rate,
    /// A straight line from the whole decay to none at the end of the run.
    Linear,
}

/// What changes from step to step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedules {
    /// Learning rate.
    pub rate: LrSchedule,
    /// Weight decay.
    pub decay: DecaySchedule,
    /// Exponent e of the weights' average: step n leaves (1 - 1/n)^e of it, which makes it a mean over all
    /// steps with weights that grow like n^(e - 1) (Karras et al. 2023, arXiv 2312.02696, with e = γ + 1).
    pub average: f64,
}

/// Learning-rate schedule: the factor on the learning rate at each step. Steps count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LrSchedule {
    /// Shape of the decay.
    pub shape: LrDecay,
    /// Steps of linear warm-up from 0.
    pub warmup: u32,
    /// Step at which the decay begins.
    pub decay_start: u32,
    /// Step at which the decay ends.
    pub total: u32,
    /// Factor at the end of the decay.
    pub floor: f64,
}

impl LrSchedule {
    /// The whole rate from the first step to the last.
    pub const CONSTANT: Self =
        Self { shape: LrDecay::Constant, warmup: 0, decay_start: 0, total: 0, floor: 0.0 };

    /// The factor at step `n`.
    pub fn factor(&self, n: u32) -> f64 {
        let schedules = Schedules { rate: *self, decay: DecaySchedule::Constant, average: 0.0 };
        factor(&schedules.params(), n)
    }
}

impl Schedules {
    fn params(&self) -> Params {
        let LrSchedule { shape, warmup, decay_start, total, floor } = self.rate;
        Params {
            shape: match shape {
                LrDecay::Constant => 0,
                LrDecay::Cosine => 1,
                LrDecay::Linear => 2,
            },
            warmup,
            decay_start,
            total: total.max(decay_start + 1),
            floor: floor as f32,
            weight_decay: match self.decay {
                DecaySchedule::Constant => 0,
                DecaySchedule::Rate => 1,
                DecaySchedule::Linear => 2,
            },
            exponent: self.average as f32,
        }
    }
}

params! {
    struct Params {
        shape: u32,
        warmup: u32,
        decay_start: u32,
        total: u32,
        floor: f32,
        weight_decay: u32,
        exponent: f32,
    }
}

buffers! {
    /// Buffers of the beginning of a step.
    pub struct Buffers {
        /// In place: number of the step, `(1)`.
        counter: words_mut,
        /// Written: all elements but the second, which [`crate::grad_norm`] writes.
        control: floats_mut,
    }
}

/// `shaders/begin_step.wgsl`
pub static KERNEL: Kernel = kernel!("begin_step", Params, Buffers, twin);

/// Records `counter += 1` and what belongs to that step.
pub fn record(step: &mut Recording, io: Buffers, schedules: &Schedules) {
    step.push(Launch::new(&KERNEL, &schedules.params(), io, [1, 1, 1]));
}

fn factor(params: &Params, n: u32) -> f64 {
    let into = f64::from(n.saturating_sub(params.decay_start));
    let progress = (into / f64::from(params.total - params.decay_start)).min(1.0);
    let floor = f64::from(params.floor);
    let decay = match params.shape {
        0 => 1.0,
        1 => floor + (1.0 - floor) * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos()),
        _ => 1.0 - (1.0 - floor) * progress,
    };
    if n < params.warmup { decay * f64::from(n) / f64::from(params.warmup) } else { decay }
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, [counter, control]) = args.take::<Params, 2>();
    let counter = counter.words_mut();
    counter[0] += 1;
    let (n, control) = (counter[0], control.floats_mut());
    let rate = factor(&params, n);
    control[0] = E::from_f64(rate);
    // ln(1 - 1/n) is -∞ in the first step.
    let rest = f64::from(params.exponent) * (-1.0 / f64::from(n)).ln_1p();
    control[2] = E::from_f64(if n == 1 { 1.0 } else { -rest.exp_m1() });
    control[3] = E::from_f64(match params.weight_decay {
        0 => 1.0,
        1 => rate,
        _ => 1.0 - (f64::from(n) / f64::from(params.total)).min(1.0),
    });
}
