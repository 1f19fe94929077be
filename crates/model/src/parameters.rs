//! A model on a device.

use device::{Device, DeviceError, Pages, Slice};

use crate::{Checkpoint, Config, Objective, Weights};

/// The parameters of a network on a device.
#[derive(Clone, Debug)]
pub struct Model {
    /// Sizes.
    pub config: Config,
    /// What it learns, or has learned, to predict.
    pub objective: Objective,
    /// All parameters, one after the other, in pages that the device's kernels can be bound to.
    pub parameters: Pages,
    /// The same, cut into tensors.
    pub weights: Weights<Slice>,
}

impl Model {
    /// A network of zeros for [`Objective::Masked`]; write its parameters before use.
    pub fn new(device: &mut Device, config: Config) -> Result<Self, DeviceError> {
        let parameters = Self::pages(device, &config, "parameters")?;
        let weights = config.cut(|offset, len| parameters.part(offset, len));
        Ok(Self { config, objective: Objective::Masked, parameters, weights })
    }

    /// Zeros in the layout of the parameters: for their gradient, or a moment of it.
    pub fn pages(device: &mut Device, config: &Config, label: &str) -> Result<Pages, DeviceError> {
        let ranges = config.pages(device.capabilities().max_binding_size);
        Pages::allocate(device, label, &ranges)
    }

    /// The network of a checkpoint.
    pub fn load(device: &mut Device, checkpoint: &Checkpoint) -> Result<Self, DeviceError> {
        let model = Self::new(device, checkpoint.config)?;
        model.parameters.write(device, &checkpoint.values)?;
        Ok(Self { objective: checkpoint.card.objective, ..model })
    }
}
