//! A generation: a state machine that programs and pages drive.

use device::{Device, DeviceError, Program, Recording, Slice, Timing};
use kernels::Variants;
use kernels::remask::{FREE, FREE_NO_END, GIVEN};
use model::{Config, Model};

use super::options::check_prompts;
use super::plan::{Phase, Plan, told, told_table};
use super::record::{PassOptions, Recorder};
use super::state::behind_given;
use super::workspace::Buffers;
use super::{SampleError, SampleOptions, State, Workspace};

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
    pub(super) plan: Plan,
    batch: usize,
    /// Tokens of a text.
    length: usize,
    pub(super) buffers: Buffers,
    program: Program,
    /// Programs that write with a cache, if the workspace has one.
    decoder: Option<Decoder>,
    /// Programs of a targeted correction: judging, and filling.
    correction: Option<[Program; 2]>,
    /// Whether passes compute predictions.
    pub(super) predicts: bool,
    generated: Vec<bool>,
    passes_done: usize,
    /// The same, without those that were skipped since the last that ran.
    reached: usize,
    /// The pass that the device's cursor stands at.
    cursor: usize,
}

/// Passes over one position of each text, with a cache of keys and values.
#[derive(Debug)]
struct Decoder {
    /// Adds a position to the cache.
    feed: Program,
    /// The same, and draws its token.
    write: Program,
    /// Of the positions in the cache, on the device.
    counter: Slice,
    /// The same number here.
    filled: usize,
    /// Position that the next pass writes, if it is the same in all texts and nothing stands behind
    /// it; else passes are over the whole text.
    next: Option<usize>,
}

/// The first mask of all texts, if it is the same and only masks follow.
fn common_start(ids: &[u32], length: usize, mask_id: u32) -> Option<usize> {
    let first = ids.iter().take(length).position(|&id| id == mask_id)?;
    let splits =
        |text: &[u32]| text.iter().enumerate().all(|(n, &id)| (id == mask_id) == (n >= first));
    ids.chunks(length).all(splits).then_some(first)
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
        options.validate(&config, model.objective)?;
        check_prompts(prompts, &config, model.objective)?;
        let (batch, length) = (prompts.len(), prompts[0].len());
        let seen = options.sampler.seen(length, config.block_size);
        if batch > workspace.batch || seen > workspace.length {
            return Err(SampleError::Impossible(format!(
                "{batch} texts of {seen} tokens do not fit a workspace for {} of {}; make a larger one",
                workspace.batch, workspace.length
            )));
        }
        let given = |token: &Option<u32>| token.is_some_and(|id| id != config.mask_id);
        let generated: Vec<Vec<bool>> = prompts
            .iter()
            .map(|prompt| prompt.iter().map(|token| !given(token)).collect())
            .collect();
        let rows: Vec<&[bool]> = generated.iter().map(Vec::as_slice).collect();
        let plan = Plan::new(options, &config, &rows);
        let buffers = workspace.narrowed(model, batch, seen, plan.passes());
        let recorder = Recorder { variants, model, buffers: &buffers, options, pass };
        let program = device.compile(recorder.record(Phase::Write))?;
        let correction = if options.sampler.corrects() {
            let judge = device.compile(recorder.record(Phase::Judge))?;
            Some([judge, device.compile(recorder.record(Phase::Fill))?])
        } else {
            None
        };
        // Predictions are asked for at all positions.
        let decoding = workspace.decoding(model, batch, seen).filter(|_| !pass.predictions);
        let decoder = match &decoding {
            Some(decoding) => Some(Decoder {
                feed: device.compile(recorder.decode(decoding, false))?,
                write: device.compile(recorder.decode(decoding, true))?,
                counter: decoding.filled,
                filled: 0,
                next: None,
            }),
            None => None,
        };
        let mut generation = Self {
            config,
            decoder,
            options: options.clone(),
            batch,
            length,
            program,
            correction,
            predicts: pass.predictions,
            buffers,
            generated: Vec::new(),
            passes_done: 0,
            reached: 0,
            cursor: 0,
            plan,
        };
        let tokens = || prompts.iter().flatten().map(|token| token.unwrap_or(config.mask_id));
        let state = State {
            pass: 0,
            time: generation.time(0),
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
        let buffers = workspace.narrowed(model, 1, workspace.length, 1);
        Recorder { variants, model, buffers: &buffers, options, pass }.record(Phase::Write)
    }

    /// How it generates.
    pub fn options(&self) -> &SampleOptions {
        &self.options
    }

    /// Number of passes of the whole run, at most: those that find nothing to do are skipped.
    pub fn passes(&self) -> usize {
        self.plan.passes()
    }

    /// Number of passes behind it, skipped ones included.
    pub fn passes_done(&self) -> usize {
        self.passes_done
    }

    /// Nominal time of the state after `pass` passes: that of the next pass, 0 at the end.
    pub fn time(&self, pass: usize) -> usize {
        self.plan.time(pass)
    }

    /// Whether nothing is left to do, as far as is known without waiting for the device.
    pub fn finished(&self) -> bool {
        self.passes_done == self.passes()
    }

    /// How many passes of the network there were since the last state that was set.
    ///
    /// # Errors
    /// When the device fails.
    pub async fn passes_run(&self, device: &Device) -> Result<usize, DeviceError> {
        let counted = device.read_words(self.buffers.progress).await?[0] as usize;
        let writing = match self.options.sampler.surveyed() {
            true => 0,
            false => self.plan.writing().min(self.passes_done),
        };
        Ok(writing + counted)
    }

    /// Launches of a pass that writes.
    pub fn recording(&self) -> &Recording {
        self.decoder.as_ref().map_or(&self.program, |decoder| &decoder.write).recording()
    }

    /// Runs the next pass; does nothing when all are done. A GPU is not waited for.
    pub fn step(&mut self, device: &mut Device) -> Result<(), DeviceError> {
        if !self.finished() {
            self.prepare(device)?;
            device.run(self.next_program())?;
            self.advance();
        }
        Ok(())
    }

    /// The program of the next pass.
    fn next_program(&self) -> &Program {
        if let Some(Decoder { write, next: Some(_), .. }) = &self.decoder {
            return write;
        }
        match (self.plan.phase(self.passes_done), &self.correction) {
            (Phase::Judge, Some([judge, _])) => judge,
            (Phase::Fill, Some([_, fill])) => fill,
            _ => &self.program,
        }
    }

    /// Puts the device's cursor where the next pass is, if passes were skipped, and what stands before
    /// the next position into the cache.
    fn prepare(&mut self, device: &mut Device) -> Result<(), DeviceError> {
        if self.cursor != self.passes_done {
            self.cursor = self.passes_done;
            device.write_words(self.buffers.cursor, &[self.cursor as u32])?;
        }
        if let Some(Decoder { feed, filled, next: Some(next), .. }) = &mut self.decoder {
            while *filled < *next {
                device.run(feed)?;
                *filled += 1;
            }
        }
        Ok(())
    }

    fn advance(&mut self) {
        self.passes_done += 1;
        self.cursor += 1;
        self.reached = self.passes_done;
        if let Some(Decoder { filled, next: Some(next), .. }) = &mut self.decoder {
            *next += 1;
            *filled = *next;
        }
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
        self.prepare(device)?;
        let timings = device.profile(self.next_program()).await?;
        if timings.is_some() {
            self.advance();
        }
        Ok(timings)
    }

    /// The texts as they are now: one small read from the device. Passes that have nothing to do
    /// with them are skipped.
    pub async fn read_state(&mut self, device: &Device) -> Result<State, DeviceError> {
        let readback = device.read_words(self.buffers.readback).await?;
        Ok(self.state_of(&readback))
    }

    /// The state that a readback holds; also skips the passes that have nothing to do with it.
    pub(super) fn state_of(&mut self, readback: &[u32]) -> State {
        let (ids, confidence) = readback.split_at(readback.len() / 2);
        let confidence: Vec<f32> = confidence.iter().map(|&bits| f32::from_bits(bits)).collect();
        let (pass, ids) = (self.reached, self.visible_part(ids));
        let surveyed = self.options.sampler.surveyed();
        let masks_of = |ids: &[u32]| ids.iter().filter(|&&id| id == self.config.mask_id).count();
        let first = &self.generated[..self.length];
        let time = match surveyed {
            true => {
                let count = first.iter().filter(|&&generated| generated).count();
                let masks = masks_of(&ids[..self.length]);
                told(self.options.schedule, self.config.timesteps, masks, count.max(masks))
            }
            false => self.time(pass),
        };
        self.passes_done = self.plan.next(pass, masks_of(&ids), surveyed);
        State {
            pass,
            time,
            length: self.length,
            ids,
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
        (self.passes_done, self.reached, self.cursor) = (state.pass, state.pass, state.pass);
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
        let rows: Vec<&[bool]> = self.generated.chunks_exact(self.length).collect();
        let table = self.plan.table(&self.options, &self.config, &rows);
        device.write_words(self.buffers.table, &table)?;
        if self.buffers.acts.length == self.length {
            let told = told_table(&self.options, self.config.timesteps, &rows);
            device.write_words(self.buffers.told, &told)?;
        }
        if let Some(decoder) = &mut self.decoder {
            decoder.filled = 0;
            decoder.next = common_start(&state.ids, self.length, self.config.mask_id);
            device.write_words(decoder.counter, &[0])?;
        }
        device.write_words(self.buffers.progress, &[0, 1])?;
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
