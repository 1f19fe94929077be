//! A model on a device.

use device::{Device, DeviceError, Element, Slice};

use crate::{Checkpoint, Config, Weights};

/// The parameters of a network on a device.
#[derive(Clone, Debug)]
pub struct Model {
    /// Sizes.
    pub config: Config,
    /// All parameters, one after the other.
    pub parameters: Slice,
    /// The same, cut into tensors.
    pub weights: Weights<Slice>,
}

impl Model {
    /// A network of zeros; write its parameters before use.
    pub fn new(device: &mut Device, config: Config) -> Result<Self, DeviceError> {
        let parameters = device.allocate("parameters", Element::Float, config.flat_len())?;
        let weights = config.cut(|offset, len| parameters.part(offset, len));
        Ok(Self { config, parameters, weights })
    }

    /// The network of a checkpoint.
    pub fn load(device: &mut Device, checkpoint: &Checkpoint) -> Result<Self, DeviceError> {
        let model = Self::new(device, checkpoint.config)?;
        device.write_floats(model.parameters, &checkpoint.values)?;
        Ok(model)
    }
}
