//! A run that the page watches.

use diffusion::sampler::{SampleError, SampleOptions};
use web_time::Instant;
use writer::{Length, Writer};

use super::load::Loaded;
use crate::protocol::{Event, Fault, FaultKind, Request, Snapshot};

/// Why a model that writes from left to right does not begin.
const GAP_INSIDE: &str = "This model writes from left to right and sees only what stands before: it \
     cannot fill a gap that words follow. Put the gap at the end, or choose another model.";

/// A run under the number that the page gave it.
pub(super) struct Run {
    number: u32,
    run: writer::Run,
    /// Tokens after the last step.
    ids: Vec<u32>,
    changed: bool,
}

impl Run {
    /// Begins with the prompt and masks behind it; also returns the event that says so.
    pub(super) async fn start(
        loaded: &mut Loaded,
        number: u32,
        request: &Request,
    ) -> Result<(Self, Event), Fault> {
        let Loaded { device, writer, info } = loaded;
        let length = Length::AtMost(request.length as usize);
        let choices = writer
            .choices(&request.prompt, length)
            .map_err(|error| Fault::prompt(&error, info.block_size))?;
        let inside = |positions: &Vec<Option<u32>>| !positions.is_sorted_by_key(Option::is_none);
        if info.objective.shifts() && choices.iter().any(inside) {
            return Err(Fault::new(FaultKind::Request, GAP_INSIDE));
        }
        let options = options(writer, request);
        let positions = writer.fit(device, choices, &options).await?;
        let run = writer.begin(device, &positions, 1, &options, true).await?;
        let trace = Box::new(writer.trace(&run, &request.prompt));
        let ids = run.first().ids.clone();
        let begun = Self { number, run, ids, changed: true };
        Ok((begun, Event::Started { run: number, trace }))
    }

    /// Goes on from a state that the page kept, edited or not: in the run `before`, if its launches
    /// are the same.
    pub(super) async fn resume(
        loaded: &mut Loaded,
        before: Option<Self>,
        number: u32,
        request: &Request,
        from: &Snapshot,
    ) -> Result<Self, Fault> {
        let Loaded { device, writer, .. } = loaded;
        let options = options(writer, request);
        let mut run = match before {
            Some(before) if before.run.suits(&options, from.ids.len()) => before.run,
            _ => {
                let masks = vec![None; from.ids.len()];
                writer.begin(device, &masks, 1, &options, true).await?
            }
        };
        run.resume(device, from)?;
        Ok(Self { number, run, ids: from.ids.clone(), changed: true })
    }

    /// Number that the page gave it.
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// Whether the last step changed the text.
    pub(super) fn changed(&self) -> bool {
        self.changed
    }

    /// Whether there is nothing left to do.
    pub(super) fn over(&self) -> bool {
        self.run.over()
    }

    /// Takes a step; `None` when there is nothing left to do.
    pub(super) async fn step(&mut self, loaded: &mut Loaded) -> Result<Option<Event>, Fault> {
        let started = Instant::now();
        let device = &mut loaded.device;
        let Some((frame, predictions)) = self.run.step_with_predictions(device).await? else {
            return Ok(None);
        };
        self.changed = frame.ids != self.ids;
        self.ids.clone_from(&frame.ids);
        let ms = started.elapsed().as_secs_f64() * 1e3;
        let memory = device.memory();
        Ok(Some(Event::Stepped { run: self.number, frame, predictions, ms, memory }))
    }
}

/// The controls' options, for this model.
fn options(writer: &Writer, request: &Request) -> SampleOptions {
    SampleOptions {
        sampler: request.sampler,
        steps: Some(request.steps as usize),
        temperature: request.temperature,
        top_k: request.top_k,
        top_p: request.top_p,
        seed: request.seed,
        may_end: request.stop_at_end,
        ..writer.defaults.clone()
    }
}

impl From<SampleError> for Fault {
    fn from(error: SampleError) -> Self {
        match error {
            SampleError::Device(error) => error.into(),
            SampleError::Impossible(sentence) => {
                Self::new(FaultKind::Request, format!("This cannot be written: {sentence}."))
            }
        }
    }
}
