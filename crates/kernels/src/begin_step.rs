//! The step counter and the learning rate.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};
use serde::{Deserialize, Serialize};

use crate::imports::kernel;

/// Elements of the buffer `control` that steers the optimiser: factor of the learning rate,
/// scale of the gradient, two spare.
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
        factor(&self.params(), n)
    }

    fn params(&self) -> Params {
        Params {
            shape: match self.shape {
                LrDecay::Constant => 0,
                LrDecay::Cosine => 1,
                LrDecay::Linear => 2,
            },
            warmup: self.warmup,
            decay_start: self.decay_start,
            total: self.total.max(self.decay_start + 1),
            floor: self.floor as f32,
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
    }
}

buffers! {
    /// Buffers of the beginning of a step.
    pub struct Buffers {
        /// In place: number of the step, `(1)`.
        counter: words_mut,
        /// Written: element 0, the factor on the learning rate.
        control: floats_mut,
    }
}

/// `shaders/begin_step.wgsl`
pub static KERNEL: Kernel = kernel!("begin_step", Params, Buffers, twin);

/// Records `counter += 1` and the factor on the learning rate.
pub fn record(step: &mut Recording, io: Buffers, schedule: &LrSchedule) {
    step.push(Launch::new(&KERNEL, &schedule.params(), io, [1, 1, 1]));
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
    control.floats_mut()[0] = E::from_f64(factor(&params, counter[0]));
}
