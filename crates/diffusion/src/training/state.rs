//! What a checkpoint needs to continue training bit for bit.

use device::{Device, DeviceError, Pages};

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
        for (name, pages) in self.parts.optimizer.buffers() {
            moments.push((name.to_owned(), pages.read(device).await?));
        }
        let parameters = self.parts.model.parameters.read(device).await?;
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
        let find = |&(name, pages): &(&'static str, &Pages)| {
            let values = state.moments.iter().find(|(known, _)| known == name);
            let values = values.filter(|(_, values)| values.len() == pages.len());
            match values {
                Some((_, values)) => Ok((pages.clone(), values.as_slice())),
                None => Err(TrainingError::OtherOptimizer { name: name.to_owned() }),
            }
        };
        let found = buffers.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        let (saved, model) = (state.parameters.len(), self.parts.model.parameters.len());
        if saved != model {
            return Err(TrainingError::OtherParameters { saved, model });
        }
        self.parts.model.parameters.write(device, &state.parameters)?;
        for (pages, values) in found {
            pages.write(device, values)?;
        }
        device.write_words(self.parts.optimizer.counter, &[state.step])?;
        self.steps_done = state.step;
        self.steps_logged = state.step;
        self.skipped_in_a_row = 0;
        Ok(())
    }
}
