//! One generation, from the first mask to the last word.

use std::collections::BTreeMap;

use diffusion::Schedule;
use diffusion::sampler::{
    Alternatives, Generation, SampleError, SampleOptions, SamplerKind, State,
};
use plot::Frame;
use web_time::Instant;
use writer::Length;

use super::Emit;
use super::load::Loaded;
use crate::protocol::{
    ALTERNATIVES, Event, Fault, FaultKind, Position, Request, Sampler, Thoughts,
};

/// A generation that the page watches.
pub(super) struct Run {
    number: u32,
    generation: Generation,
    mask_id: u32,
    end_token: Option<u32>,
    /// The text is complete although there are steps left.
    complete: bool,
}

impl Run {
    /// Begins with the prompt and masks behind it.
    pub(super) async fn start(
        loaded: &mut Loaded,
        number: u32,
        request: &Request,
        emit: &Emit,
    ) -> Result<Self, Fault> {
        let tokens = writer::positions(
            &loaded.tokenizer,
            &request.prompt,
            Length::AtMost(request.length as usize),
            loaded.network.model.config.block_size,
        )?;
        let schedule = schedule(&loaded.metadata);
        let run = Self::new(loaded, number, request, &tokens).await?;
        let state = run.generation.read_state(&loaded.network.device).await?;
        emit(Event::Started {
            run: number,
            schedule: schedule.to_string(),
            fixed: state.generated.iter().map(|generated| !generated).collect(),
            frame: frame(&state),
        });
        Ok(run)
    }

    /// Goes on from a state that the page kept, changed or not.
    pub(super) async fn resume(
        loaded: &mut Loaded,
        number: u32,
        request: &Request,
        from: &Position,
    ) -> Result<Self, Fault> {
        let tokens: Vec<Option<u32>> = from.ids.iter().map(|_| None).collect();
        let mut run = Self::new(loaded, number, request, &tokens).await?;
        let pass = (from.step as usize).min(run.generation.passes());
        let state = State {
            pass,
            time: run.generation.time(pass),
            length: from.ids.len(),
            ids: from.ids.clone(),
            confidence: from.confidence.clone(),
            generated: from.fixed.iter().map(|fixed| !fixed).collect(),
        };
        run.generation.set_state(&mut loaded.network.device, &state)?;
        Ok(run)
    }

    async fn new(
        loaded: &mut Loaded,
        number: u32,
        request: &Request,
        tokens: &[Option<u32>],
    ) -> Result<Self, Fault> {
        let end_token = loaded.tokenizer.end_of_text_id();
        let options = SampleOptions {
            sampler: match request.sampler {
                Sampler::MaskGit => SamplerKind::MaskGit,
                Sampler::Carry => SamplerKind::Carry,
                Sampler::Seed => SamplerKind::Reference,
            },
            schedule: schedule(&loaded.metadata),
            steps: Some(request.steps as usize),
            temperature: request.temperature,
            top_k: request.top_k,
            top_p: request.top_p,
            seed: request.seed,
            end_token,
            may_end: request.stop_at_end,
            ..SampleOptions::default()
        };
        let generation = Generation::new(
            &mut loaded.network.device,
            &loaded.network.variants,
            &loaded.network.model,
            &loaded.network.workspace,
            &[tokens.to_vec()],
            &options,
        )?;
        Ok(Self {
            number,
            generation,
            mask_id: loaded.info.mask_id,
            end_token: end_token.filter(|_| request.stop_at_end),
            complete: false,
        })
    }

    /// Number that the page gave it.
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// Whether there is nothing left to do.
    pub(super) fn over(&self) -> bool {
        self.complete || self.generation.finished()
    }

    /// Takes a step; `None` when there is nothing left to do.
    pub(super) async fn step(&mut self, loaded: &mut Loaded) -> Result<Option<Event>, Fault> {
        if self.complete {
            return Ok(None);
        }
        let started = Instant::now();
        let device = &mut loaded.network.device;
        let Some((state, thoughts)) = self.generation.step_watched(device).await? else {
            return Ok(None);
        };
        let ms = started.elapsed().as_secs_f64() * 1e3;
        self.complete = self.written_to_the_end(&state);
        Ok(Some(Event::Stepped {
            run: self.number,
            frame: frame(&state),
            thoughts: packed(&thoughts),
            ms,
            memory: device.memory(),
        }))
    }

    /// Whether everything up to an end-of-text token is there.
    fn written_to_the_end(&self, state: &State) -> bool {
        self.end_token.is_some_and(|end| {
            let text = state.text(0, Some(end));
            text.len() < state.length && !text.contains(&self.mask_id)
        })
    }
}

/// The schedule that the model was trained with.
fn schedule(metadata: &BTreeMap<String, String>) -> Schedule {
    let name = metadata.get("schedule").map_or("cosine", String::as_str);
    serde_json::from_value(name.into()).unwrap_or_default()
}

fn frame(state: &State) -> Frame {
    Frame {
        step: state.pass as u32,
        t: state.time as f32,
        ids: state.ids.clone(),
        // A share of rounding errors above 1 is no probability.
        confidence: state.confidence.iter().map(|c| c.clamp(0.0, 1.0)).collect(),
    }
}

fn packed(all: &[Alternatives]) -> Thoughts {
    let mut thoughts = Thoughts::default();
    for Alternatives { best, entropy } in all {
        let filled = best.iter().copied().chain(std::iter::repeat((u32::MAX, 0.0)));
        for (token, probability) in filled.take(ALTERNATIVES) {
            thoughts.tokens.push(token);
            thoughts.probabilities.push(probability);
        }
        thoughts.entropy.push(*entropy);
    }
    thoughts
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
