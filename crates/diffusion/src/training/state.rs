//! What a checkpoint needs to continue training bit for bit.

use device::{Device, DeviceError, Slice};

use super::{Training, TrainingError};

/// Everything that changes from step to step.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingState {
    /// Steps that were run; batches and masks follow from it.
    pub step: u32,
    /// Parameters, flat.
    pub parameters: Vec<f32>,
    /// Buffers of the optimizer with their names.
    pub moments: Vec<(String, Vec<f32>)>,
}

impl Training {
    /// The state after the steps run so far.
    pub async fn state(&self, device: &Device) -> Result<TrainingState, DeviceError> {
        let mut moments = Vec::new();
        for (name, slice) in self.parts.optimizer.buffers() {
            moments.push((name.to_owned(), device.read_floats(slice).await?));
        }
        let parameters = device.read_floats(self.parts.model.parameters).await?;
        Ok(TrainingState { step: self.steps_done, parameters, moments })
    }

    /// Continues from a state of the same configuration.
    ///
    /// # Errors
    /// A buffer is missing, left over or of another length; then nothing was written.
    pub fn restore(
        &mut self,
        device: &mut Device,
        state: &TrainingState,
    ) -> Result<(), TrainingError> {
        let buffers = self.parts.optimizer.buffers();
        let known = |name: &str| buffers.iter().any(|(known, _)| *known == name);
        if let Some((name, _)) = state.moments.iter().find(|(name, _)| !known(name)) {
            return Err(TrainingError::OtherOptimizer { name: name.clone() });
        }
        let find = |(name, slice): &(&'static str, Slice)| {
            let values = state.moments.iter().find(|(known, _)| known == name);
            let values = values.filter(|(_, values)| values.len() == slice.len);
            match values {
                Some((_, values)) => Ok((*slice, values.as_slice())),
                None => Err(TrainingError::OtherOptimizer { name: (*name).to_owned() }),
            }
        };
        let found = buffers.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        if state.parameters.len() != self.parts.model.parameters.len {
            let (saved, model) = (state.parameters.len(), self.parts.model.parameters.len);
            return Err(TrainingError::OtherParameters { saved, model });
        }
        device.write_floats(self.parts.model.parameters, &state.parameters)?;
        for (slice, values) in found {
            device.write_floats(slice, values)?;
        }
        device.write_words(self.parts.optimizer.counter, &[state.step])?;
        self.steps_done = state.step;
        self.steps_logged = state.step;
        self.skipped_in_a_row = 0;
        Ok(())
    }
}
