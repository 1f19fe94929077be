//! The optimiser on a device.

use device::{Device, DeviceError, Element, Recording, Slice};
use kernels::{adamw, begin_step, grad_norm};

use crate::OptimizerConfig;

/// Buffers of the optimiser.
#[derive(Clone, Debug)]
pub struct Optimizer {
    config: OptimizerConfig,
    /// Number of the current step, `(1)`; steps count from 1.
    pub counter: Slice,
    first_moment: Slice,
    second_moment: Slice,
    /// Norms of the latest gradients, before clipping: step n stands at n mod its length.
    pub norms: Slice,
    control: Slice,
    partial_sums: Slice,
}

impl Optimizer {
    /// An optimiser of `len` parameters that remembers the latest `slots` norms.
    pub fn new(
        device: &mut Device,
        config: OptimizerConfig,
        len: usize,
        slots: usize,
    ) -> Result<Self, DeviceError> {
        let mut floats = |label, len| device.allocate(label, Element::Float, len);
        Ok(Self {
            config,
            first_moment: floats("first_moment", len)?,
            second_moment: floats("second_moment", len)?,
            norms: floats("norms", slots)?,
            control: floats("control", begin_step::CONTROL)?,
            partial_sums: floats("partial_sums", grad_norm::PARTIAL_SUMS)?,
            counter: device.allocate("step", Element::Word, 1)?,
        })
    }

    /// Buffers that a checkpoint must keep besides the counter, with their names.
    pub fn state(&self) -> [(&'static str, Slice); 2] {
        [("first_moment", self.first_moment), ("second_moment", self.second_moment)]
    }

    /// Records the beginning of a step, before anything that reads the counter.
    pub fn begin(&self, step: &mut Recording) {
        begin_step::record(step, self.counter, self.control, &self.config.schedule.course());
    }

    /// Records the update of `parameters` by `gradient`, both flat.
    pub fn update(&self, step: &mut Recording, parameters: Slice, gradient: Slice) {
        let clip = grad_norm::Clip {
            gradient,
            partial_sums: self.partial_sums,
            counter: self.counter,
            control: self.control,
            ring: self.norms,
        };
        grad_norm::record(step, clip, self.config.clip as f32);
        let update = adamw::Update {
            counter: self.counter,
            control: self.control,
            d_p: gradient,
            p: parameters,
            m: self.first_moment,
            v: self.second_moment,
        };
        adamw::record(step, update, self.config.hyper());
    }
}
