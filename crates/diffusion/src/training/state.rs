//! What a checkpoint needs to continue training bit for bit.

use device::{Device, DeviceError};

use super::Training;

/// Everything that changes from step to step.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingState {
    /// Steps that were run; batches and masks follow from it.
    pub step: u32,
    /// Parameters, flat.
    pub parameters: Vec<f32>,
    /// Buffers of the optimiser with their names, each as long as the parameters.
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
    /// # Panics
    /// When a buffer is missing or of another length; whoever reads a checkpoint checks that.
    pub fn restore(
        &mut self,
        device: &mut Device,
        state: &TrainingState,
    ) -> Result<(), DeviceError> {
        assert_eq!(
            state.parameters.len(),
            self.parts.model.parameters.len,
            "length of the parameters"
        );
        device.write_floats(self.parts.model.parameters, &state.parameters)?;
        for (name, slice) in self.parts.optimizer.buffers() {
            let (_, values) = state
                .moments
                .iter()
                .find(|(known, _)| known == name)
                .unwrap_or_else(|| panic!("the state lacks `{name}`"));
            assert_eq!(values.len(), slice.len, "length of `{name}`");
            device.write_floats(slice, values)?;
        }
        device.write_words(self.parts.optimizer.counter, &[state.step])?;
        self.steps_done = state.step;
        self.steps_logged = state.step;
        self.skipped_in_a_row = 0;
        Ok(())
    }
}
