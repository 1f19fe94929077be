//! What a checkpoint needs to continue training bit for bit.

use std::borrow::Cow;

use device::{Device, DeviceError, Pages};

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
            Some(outer) if outer.is_common(state.step) => &[MOMENTUM],
            Some(_) => &[MOMENTUM, COMMON],
        };
        let other = |name: &str| TrainingError::OtherOptimizer { name: name.to_owned() };
        let names = || buffers.iter().map(|(name, _)| *name).chain(of_outer.iter().copied());
        if let Some((name, _)) = state.moments.iter().find(|(name, _)| !names().any(|n| n == name))
        {
            return Err(other(name));
        }
        let find = |wanted: &str| state.moments.iter().find(|(name, _)| name == wanted);
        let of_pages = |&(name, pages): &(&'static str, &Pages)| {
            let values = find(name).and_then(|(_, values)| fitting(pages, values, model));
            values.ok_or_else(|| other(name))
        };
        let of_all = |name: &&str| {
            let values = find(name).filter(|(_, values)| values.len() == model);
            values.map(|(_, values)| values).ok_or_else(|| other(name))
        };
        let moments = buffers.iter().map(of_pages).collect::<Result<Vec<_>, _>>()?;
        let mut outer_buffers =
            of_outer.iter().map(of_all).collect::<Result<Vec<_>, _>>()?.into_iter();
        self.parts.model.parameters.write(device, &state.parameters)?;
        for ((_, pages), values) in buffers.iter().zip(moments) {
            pages.write(device, &values)?;
        }
        if let Some(outer) = &mut self.outer {
            outer.momentum.clone_from(outer_buffers.next().expect("found before"));
            outer.common.clone_from(outer_buffers.next().unwrap_or(&state.parameters));
        }
        device.write_words(self.parts.optimizer.counter, &[state.step])?;
        self.windows.turn(device, state.step)?;
        self.steps_done = state.step;
        self.steps_logged = state.step;
        self.skipped_in_a_row = 0;
        Ok(())
    }
}

/// The elements of `pages` in saved values: these, or of `all` elements those in their places, as
/// AdamW's moments were saved when it had some for Muon's matrices, too.
fn fitting<'a>(pages: &Pages, values: &'a [f32], all: usize) -> Option<Cow<'a, [f32]>> {
    match values.len() {
        len if len == pages.len() => Some(Cow::Borrowed(values)),
        len if len == all => Some(Cow::Owned(pages.of(values))),
        _ => None,
    }
}
