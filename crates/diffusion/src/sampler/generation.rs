//! A generation: a state machine that programs and pages drive.

use device::{Device, DeviceError, Program, Recording, Timing};
use kernels::remask::{FREE, FREE_NO_END, GIVEN};
use kernels::{Variants, sample_begin};
use model::{Config, Model};

use super::options::check_prompts;
use super::record::{self, PassOptions};
use super::state::behind_given;
use super::workspace::Buffers;
use super::{SampleError, SampleOptions, SamplerKind, State, Workspace};
use crate::times;

/// What a generation runs with.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The network.
    pub model: &'a Model,
    /// Kernel variants for the device.
    pub variants: &'a Variants,
    /// Device memory.
    pub workspace: &'a Workspace,
}

/// A batch of texts in the making.
///
/// With the sampler `seed` the network sees the whole block, masks behind the text included, as in
/// the reference program. With the others it sees the text alone: shorter texts cost less, and
/// there are no masks that are never filled.
#[derive(Debug)]
pub struct Generation {
    config: Config,
    options: SampleOptions,
    /// Times of the passes, and 0 behind the last.
    times: Vec<usize>,
    batch: usize,
    /// Tokens of a text.
    length: usize,
    pub(super) buffers: Buffers,
    program: Program,
    /// Whether passes compute predictions.
    pub(super) predicts: bool,
    generated: Vec<bool>,
    passes_done: usize,
}

impl Generation {
    /// Prepares the generation of one text per prompt. Prompts are equally long; `None` (or the
    /// mask token) is a position to be generated, before, between or behind given tokens.
    pub fn new(
        device: &mut Device,
        parts: Parts<'_>,
        prompts: &[Vec<Option<u32>>],
        options: &SampleOptions,
        pass: PassOptions,
    ) -> Result<Self, SampleError> {
        let Parts { model, variants, workspace } = parts;
        let config = model.config;
        options.validate(&config)?;
        check_prompts(prompts, &config)?;
        let (batch, length) = (prompts.len(), prompts[0].len());
        let seen = options.sampler.seen(length, config.block_size);
        if batch > workspace.batch || seen > workspace.length {
            return Err(SampleError::Impossible(format!(
                "{batch} texts of {seen} tokens do not fit a workspace for {} of {}; make a larger one",
                workspace.batch, workspace.length
            )));
        }
        let mut times = times(options.steps(config.timesteps), config.timesteps);
        if options.sampler == SamplerKind::Reference {
            // The greedy pass at t = 0, and the end behind it.
            times.push(0);
        }
        let buffers = workspace.narrowed(&config, batch, seen, times.len() - 1);
        let mut generation = Self {
            config,
            options: options.clone(),
            batch,
            length,
            program: device.compile(record::pass(variants, model, &buffers, options, pass))?,
            predicts: pass.predictions,
            buffers,
            generated: Vec::new(),
            passes_done: 0,
            times,
        };
        let tokens = || prompts.iter().flatten().map(|token| token.unwrap_or(config.mask_id));
        let state = State {
            pass: 0,
            time: generation.times[0],
            length,
            ids: tokens().collect(),
            confidence: tokens().map(|id| f32::from(u8::from(id != config.mask_id))).collect(),
            generated: tokens().map(|id| id == config.mask_id).collect(),
        };
        generation.set_state(device, &state)?;
        Ok(generation)
    }

    /// The launches that generating one text over the whole block needs, to compile them in
    /// advance and show progress.
    pub fn warmup_recording(
        parts: Parts<'_>,
        options: &SampleOptions,
        pass: PassOptions,
    ) -> Recording {
        let Parts { model, variants, workspace } = parts;
        let buffers = workspace.narrowed(&model.config, 1, workspace.length, 1);
        record::pass(variants, model, &buffers, options, pass)
    }

    /// How it generates.
    pub fn options(&self) -> &SampleOptions {
        &self.options
    }

    /// Number of passes of the whole run.
    pub fn passes(&self) -> usize {
        self.times.len() - 1
    }

    /// Number of passes done.
    pub fn passes_done(&self) -> usize {
        self.passes_done
    }

    /// Time of the state after `pass` passes: that of the next pass, 0 at the end.
    pub fn time(&self, pass: usize) -> usize {
        self.times[pass]
    }

    /// Whether all passes are done.
    pub fn finished(&self) -> bool {
        self.passes_done == self.passes()
    }

    /// Launches of a pass.
    pub fn recording(&self) -> &Recording {
        self.program.recording()
    }

    /// Runs the next pass; does nothing when all are done. A GPU is not waited for.
    pub fn step(&mut self, device: &mut Device) -> Result<(), DeviceError> {
        if !self.finished() {
            device.run(&self.program)?;
            self.passes_done += 1;
        }
        Ok(())
    }

    /// Runs the remaining passes.
    pub fn run(&mut self, device: &mut Device) -> Result<(), DeviceError> {
        while !self.finished() {
            self.step(device)?;
        }
        Ok(())
    }

    /// Runs the next pass and times its launches; `None` on a GPU that cannot, or when all passes
    /// are done.
    pub async fn profile(
        &mut self,
        device: &mut Device,
    ) -> Result<Option<Vec<Timing>>, DeviceError> {
        if self.finished() {
            return Ok(None);
        }
        let timings = device.profile(&self.program).await?;
        if timings.is_some() {
            self.passes_done += 1;
        }
        Ok(timings)
    }

    /// The texts as they are now: one small read from the device.
    pub async fn read_state(&self, device: &Device) -> Result<State, DeviceError> {
        let readback = device.read_words(self.buffers.readback).await?;
        Ok(self.state_of(&readback))
    }

    /// The state that a readback holds.
    pub(super) fn state_of(&self, readback: &[u32]) -> State {
        let (ids, confidence) = readback.split_at(readback.len() / 2);
        let confidence: Vec<f32> = confidence.iter().map(|&bits| f32::from_bits(bits)).collect();
        State {
            pass: self.passes_done,
            time: self.times[self.passes_done],
            length: self.length,
            ids: self.visible_part(ids),
            confidence: self.visible_part(&confidence),
            generated: self.generated.clone(),
        }
    }

    /// Goes on from a state of this generation, changed or not; also backwards.
    ///
    /// # Panics
    /// When the state has another batch, length, or more passes.
    pub fn set_state(&mut self, device: &mut Device, state: &State) -> Result<(), DeviceError> {
        assert_eq!((state.batch(), state.length), (self.batch, self.length), "size of the state");
        assert!(state.pass <= self.passes(), "pass {} of {}", state.pass, self.passes());
        self.passes_done = state.pass;
        self.generated.clone_from(&state.generated);

        let ids = self.whole_rows(&state.ids, self.config.mask_id);
        let confidence = self.whole_rows(&state.confidence, 0.0);
        let kinds: Vec<u32> =
            state.generated.chunks_exact(self.length).flat_map(|row| self.kinds(row)).collect();
        let bits = confidence.iter().map(|confidence| confidence.to_bits());
        let readback: Vec<u32> = ids.iter().copied().chain(bits).collect();
        device.write_words(self.buffers.ids, &ids)?;
        device.write_floats(self.buffers.confidence, &confidence)?;
        device.write_words(self.buffers.kinds, &self.whole_rows(&kinds, GIVEN))?;
        device.write_words(self.buffers.readback, &readback)?;
        device.write_words(self.buffers.table, &self.table())?;
        device.write_words(self.buffers.cursor, &[self.passes_done as u32])
    }

    /// Writes the uniform random numbers of the next pass, `(batch, seen)`, for
    /// [`Uniforms::Given`](super::Uniforms::Given).
    ///
    /// # Errors
    /// When the device fails.
    pub fn write_uniforms(
        &mut self,
        device: &mut Device,
        uniforms: &[f32],
    ) -> Result<(), DeviceError> {
        device.write_floats(self.buffers.uniforms, uniforms)
    }

    /// The table of all passes: time, whether greedy, re-mask count of each text.
    fn table(&self) -> Vec<u32> {
        let Config { timesteps, .. } = self.config;
        let counts: Vec<usize> = self
            .generated
            .chunks_exact(self.length)
            .map(|row| row.iter().filter(|&&generated| generated).count())
            .collect();
        let mut table = Vec::with_capacity(self.passes() * (sample_begin::HEADER + self.batch));
        for pair in self.times.windows(2) {
            table.extend([pair[0] as u32, u32::from(pair[0] == 0)]);
            let count =
                |&n: &usize| self.options.schedule.masked_count(pair[1], timesteps, n) as u32;
            table.extend(counts.iter().map(count));
        }
        table
    }

    /// Kinds of a text's positions, as kernels tell them apart: no text may end before given
    /// tokens, and none at all unless the options allow it.
    fn kinds<'a>(&self, generated: &'a [bool]) -> impl Iterator<Item = u32> + use<'a> {
        let first_end =
            if self.options.may_end { behind_given(generated) } else { generated.len() };
        generated.iter().enumerate().map(move |(n, &generated)| {
            if !generated {
                GIVEN
            } else if n < first_end {
                FREE_NO_END
            } else {
                FREE
            }
        })
    }

    /// Rows as the network sees them, from the texts' rows.
    fn whole_rows<T: Copy>(&self, texts: &[T], behind: T) -> Vec<T> {
        let behind = vec![behind; self.buffers.acts.length - self.length];
        texts.chunks_exact(self.length).flat_map(|row| row.iter().chain(&behind)).copied().collect()
    }

    /// The texts' rows, from rows as the network sees them.
    pub(super) fn visible_part<T: Clone>(&self, rows: &[T]) -> Vec<T> {
        let texts = rows.chunks_exact(self.buffers.acts.length).map(|row| &row[..self.length]);
        texts.flatten().cloned().collect()
    }
}
