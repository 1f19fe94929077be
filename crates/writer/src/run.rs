//! A generation as frames.

use device::{Device, DeviceError};
use diffusion::sampler::{
    Generation, Parts, PassOptions, SampleError, SampleOptions, State, Uniforms,
};
use plot::{Frame, trace};

use crate::{Predictions, Snapshot};

/// A generation under way, of one text or a batch.
#[derive(Debug)]
pub struct Run {
    generation: Generation,
    /// State before the first pass.
    first: State,
    mask_id: u32,
    /// The first text is complete although there are passes left.
    complete: bool,
}

impl Run {
    /// Begins a text per prompt; `None` is a position to be written. With `predictions` every pass
    /// also computes what the model expects, see [`Run::step_with_predictions`].
    ///
    /// # Errors
    /// When prompts or options are impossible, or the device fails.
    pub async fn new(
        device: &mut Device,
        parts: Parts<'_>,
        prompts: &[Vec<Option<u32>>],
        options: &SampleOptions,
        predictions: bool,
    ) -> Result<Self, SampleError> {
        let pass = PassOptions { predictions, uniforms: Uniforms::Drawn };
        let mut generation = Generation::new(device, parts, prompts, options, pass)?;
        let first = generation.read_state(device).await?;
        Ok(Self { generation, first, mask_id: parts.model.config.mask_id, complete: false })
    }

    /// The passes behind it.
    pub fn generation(&self) -> &Generation {
        &self.generation
    }

    /// The state before the first pass.
    pub fn first(&self) -> &State {
        &self.first
    }

    /// Whether nothing is left to do.
    pub fn over(&self) -> bool {
        self.complete || self.generation.finished()
    }

    /// Goes back to before the first pass.
    ///
    /// # Errors
    /// When the device fails.
    pub fn restart(&mut self, device: &mut Device) -> Result<(), DeviceError> {
        self.complete = false;
        self.generation.set_state(device, &self.first)
    }

    /// Whether it can go on from a snapshot of `length` tokens made with these options.
    pub fn suits(&self, options: &SampleOptions, length: usize) -> bool {
        self.generation.options() == options && self.first.ids.len() == length
    }

    /// Goes on from a snapshot, earlier or later, edited or not. The run must be of one text.
    ///
    /// # Errors
    /// When the device fails.
    ///
    /// # Panics
    /// When the snapshot has another length.
    pub fn resume(&mut self, device: &mut Device, from: &Snapshot) -> Result<(), DeviceError> {
        self.complete = false;
        let pass = (from.step as usize).min(self.generation.passes());
        let state = State {
            pass,
            time: self.generation.time(pass),
            length: from.ids.len(),
            ids: from.ids.clone(),
            confidence: from.confidence.clone(),
            generated: from.fixed.iter().map(|fixed| !fixed).collect(),
        };
        self.generation.set_state(device, &state)
    }

    /// Runs the next pass; does nothing when none is left. A GPU is not waited for.
    ///
    /// # Errors
    /// When the device fails.
    pub fn step(&mut self, device: &mut Device) -> Result<(), DeviceError> {
        self.generation.step(device)
    }

    /// Runs the next pass and reads the first text with what the model expected; `None` when the
    /// run is over. It is over early when the text is complete: everything up to its end is
    /// visible, and no correction follows.
    ///
    /// # Errors
    /// When the device fails.
    ///
    /// # Panics
    /// When the run was begun without predictions.
    pub async fn step_with_predictions(
        &mut self,
        device: &mut Device,
    ) -> Result<Option<(Frame, Predictions)>, DeviceError> {
        if self.complete {
            return Ok(None);
        }
        let Some((state, predictions)) = self.generation.step_with_predictions(device).await?
        else {
            return Ok(None);
        };
        let text = self.text(&state, 0);
        let stands = text.len() < state.length && !text.contains(&self.mask_id);
        let sampler = self.generation.options().sampler;
        self.complete = stands && !sampler.corrects() && !sampler.writes_from_noise();
        let predictions = predictions.into_iter().take(state.length).collect();
        Ok(Some((frame(&state, 0), predictions)))
    }

    /// Token that texts end at; `None` if they fill their whole length.
    pub(crate) fn end_id(&self) -> Option<u32> {
        let options = self.generation.options();
        options.end_token.filter(|_| options.may_end)
    }

    /// Token ids of text `row` up to its end, which is not included.
    pub fn text<'a>(&self, state: &'a State, row: usize) -> &'a [u32] {
        let ids = state.row(row);
        let given = |position: usize| !state.generated[row * state.length + position];
        let end = self.end_id().and_then(|end_id| trace::text_end(ids, end_id, given));
        &ids[..end.unwrap_or(ids.len())]
    }

    /// The texts as they are now.
    ///
    /// # Errors
    /// When the device fails.
    pub async fn state(&mut self, device: &Device) -> Result<State, DeviceError> {
        self.generation.read_state(device).await
    }
}

/// Text `row` of a state as a frame of a trace.
pub fn frame(state: &State, row: usize) -> Frame {
    let positions = row * state.length..(row + 1) * state.length;
    Frame {
        step: state.pass as u32,
        t: state.time as f32,
        ids: state.ids[positions.clone()].to_vec(),
        // Rounding can put the sum of a softmax just above 1.
        confidence: state.confidence[positions].iter().map(|c| c.clamp(0.0, 1.0)).collect(),
    }
}
