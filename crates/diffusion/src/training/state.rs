//! What a checkpoint needs to continue training bit for bit.

use device::{Device, DeviceError};

use super::outer::{COMMON, MOMENTUM};
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
        if let Some(outer) = &self.outer {
            moments.push((MOMENTUM.to_owned(), outer.momentum.clone()));
            if !outer.is_common(self.steps_done) {
                moments.push((COMMON.to_owned(), outer.common.clone()));
            }
        }
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
        let (saved, model) = (state.parameters.len(), self.parts.model.parameters.len());
        if saved != model {
            return Err(TrainingError::OtherParameters { saved, model });
        }
        let of_outer: &[_] = match &self.outer {
            None => &[],
            Some(outer) if outer.is_common(state.step) => &[(MOMENTUM, model)],
            Some(_) => &[(MOMENTUM, model), (COMMON, model)],
        };
        let sizes = buffers.iter().map(|&(name, pages)| (name, pages.len()));
        let sizes: Vec<_> = sizes.chain(of_outer.iter().copied()).collect();
        let other = |name: &str| TrainingError::OtherOptimizer { name: name.to_owned() };
        let known = |name: &str| sizes.iter().any(|(known, _)| *known == name);
        if let Some((name, _)) = state.moments.iter().find(|(name, _)| !known(name)) {
            return Err(other(name));
        }
        let find = |&(name, len): &(&'static str, usize)| {
            let values = state.moments.iter().find(|(known, _)| known == name);
            let values = values.filter(|(_, values)| values.len() == len);
            values.map(|(_, values)| values).ok_or_else(|| other(name))
        };
        let mut found = sizes.iter().map(find).collect::<Result<Vec<_>, _>>()?.into_iter();
        self.parts.model.parameters.write(device, &state.parameters)?;
        for ((_, pages), values) in buffers.iter().zip(found.by_ref()) {
            pages.write(device, values)?;
        }
        if let Some(outer) = &mut self.outer {
            let momentum = found.next().expect("found before");
            outer.momentum.clone_from(momentum);
            outer.common.clone_from(found.next().unwrap_or(&state.parameters));
        }
        device.write_words(self.parts.optimizer.counter, &[state.step])?;
        self.steps_done = state.step;
        self.steps_logged = state.step;
        self.skipped_in_a_row = 0;
        Ok(())
    }
}
