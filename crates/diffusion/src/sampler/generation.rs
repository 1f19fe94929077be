//! A generation: a state machine that programs and pages drive.

use device::{Device, DeviceError, Program, Recording, Slice, Timing};
use kernels::Variants;
use kernels::draw_batch::Noise;
use kernels::remask::{FREE, FREE_NO_END, GIVEN};
use kernels::rng::{Philox, Stream};
use model::{Config, Model, Objective};

use super::options::check_prompts;
use super::plan::{Phase, Plan, told, told_table};
use super::plans::{Plans, rows_of};
use super::record::{PassOptions, Recorder};
use super::state::behind_given;
use super::window::{Memory, Window};
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
///
/// A model of blocks writes one block after the other. With a cache, passes are over that block alone,
/// in which every sampler writes as if it were a text; without, they are over the whole text.
#[derive(Debug)]
pub struct Generation {
    pub(super) config: Config,
    /// What the network learned to predict.
    pub(super) objective: Objective,
    /// As they were asked for.
    options: SampleOptions,
    /// As passes are recorded with them.
    written: SampleOptions,
    /// The passes from the beginning.
    planned: Plans,
    /// The passes from the last state that was set.
    pub(super) plans: Plans,
    batch: usize,
    /// Tokens of a text.
    length: usize,
    pub(super) buffers: Buffers,
    program: Program,
    /// Programs that write with a cache, if the workspace has one.
    decoder: Option<Decoder>,
    /// The block that is written, if the workspace has a cache for blocks.
    window: Option<Window>,
    /// Programs of a targeted correction: judging, and filling.
    correction: Option<[Program; 2]>,
    /// Whether passes compute predictions.
    pub(super) predicts: bool,
    generated: Vec<bool>,
    /// What stands where nothing is written yet.
    noise: Noise,
    passes_done: usize,
    /// The same, without those that were skipped since the last that ran.
    reached: usize,
    /// Row of the table that the device's cursor stands at.
    cursor: usize,
    /// Passes since the last state that was set which the device does not count.
    uncounted: usize,
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
        let most = if workspace.slides() { usize::MAX } else { config.block_size };
        check_prompts(prompts, &config, model.objective, most)?;
        let (batch, length) = (prompts.len(), prompts[0].len());
        let seen = match workspace.slides() {
            true => length,
            false => options.sampler.seen(length, config.block_size),
        };
        if batch > workspace.batch || seen > workspace.length {
            return Err(SampleError::Impossible(format!(
                "{batch} texts of {seen} tokens do not fit a workspace for {} of {}; make a larger one",
                workspace.batch, workspace.length
            )));
        }
        let memory = workspace.window(&config, batch, length);
        let written = match (&memory, model.objective) {
            (None, Objective::Block(block)) => options.over_blocks(&config, block)?,
            _ => options.clone(),
        };
        let given = |token: &Option<u32>| token.is_some_and(|id| id != config.mask_id);
        let generated: Vec<Vec<bool>> = prompts
            .iter()
            .map(|prompt| prompt.iter().map(|token| !given(token)).collect())
            .collect();
        let rows: Vec<&[bool]> = generated.iter().map(Vec::as_slice).collect();
        let planned = match &memory {
            Some(memory) => Plans::of_blocks(&written, &config, &rows, memory.block, 0, |_| true),
            None => Plans::whole(Plan::new(&written, &config, &rows)),
        };
        let buffers = match &memory {
            Some(memory) => {
                let most = Plans::most(&config, memory.length, memory.block);
                let mut buffers = workspace.narrowed(model, batch, memory.block, most);
                memory.attach(&mut buffers.acts);
                buffers
            }
            None => workspace.narrowed(model, batch, seen, planned.passes()),
        };
        let recorder = Recorder { variants, model, buffers: &buffers, options: &written, pass };
        let program = device.compile(recorder.record(Phase::Write))?;
        let window = match memory {
            Some(memory) => Some(Window::new(device, memory, &recorder)?),
            None => None,
        };
        let correction = if options.sampler.corrects() {
            let judge = device.compile(recorder.record(Phase::Judge))?;
            Some([judge, device.compile(recorder.record(Phase::Fill))?])
        } else {
            None
        };
        let decoding = workspace.decoding(model, batch, seen).filter(|_| model.objective.shifts());
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
            objective: model.objective,
            decoder,
            window,
            options: options.clone(),
            written,
            batch,
            length,
            program,
            correction,
            predicts: pass.predictions,
            buffers,
            generated: Vec::new(),
            noise: model.objective.noise(&config),
            passes_done: 0,
            reached: 0,
            cursor: 0,
            uncounted: 0,
            plans: planned.clone(),
            planned,
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

    /// The passes that generating one text over the whole block needs, to compile them in advance
    /// and show progress.
    pub fn warmup_recordings(
        parts: Parts<'_>,
        options: &SampleOptions,
        pass: PassOptions,
    ) -> Vec<Recording> {
        let Parts { model, variants, workspace } = parts;
        let window = workspace.window(&model.config, 1, workspace.length);
        let seen = window.as_ref().map_or(workspace.length, |memory| memory.block);
        let mut buffers = workspace.narrowed(model, 1, seen, 1);
        if let Some(memory) = &window {
            memory.attach(&mut buffers.acts);
        }
        let recorder = Recorder { variants, model, buffers: &buffers, options, pass };
        let decoding = workspace.decoding(model, 1, workspace.length);
        let decode = decoding.map(|decoding| recorder.decode(&decoding, true));
        [recorder.record(Phase::Write)].into_iter().chain(decode).collect()
    }

    /// How it generates.
    pub fn options(&self) -> &SampleOptions {
        &self.options
    }

    /// Number of passes of the whole run, at most: those that find nothing to do are skipped.
    pub fn passes(&self) -> usize {
        self.plans.passes()
    }

    /// Number of the passes up to the last that writes; those behind it correct what stands.
    pub fn writing(&self) -> usize {
        self.planned.writing()
    }

    /// Number of passes behind it, skipped ones included.
    pub fn passes_done(&self) -> usize {
        self.passes_done
    }

    /// Nominal time of the state after `pass` passes: that of the next pass, 0 at the end.
    pub fn time(&self, pass: usize) -> usize {
        self.plans.time(pass)
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
        Ok(self.uncounted + counted)
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

    /// Position that the next pass writes alone, with what stands before it in the cache; `None` if
    /// the pass is over the whole text.
    pub(super) fn decodes(&self) -> Option<usize> {
        self.decoder.as_ref().and_then(|decoder| decoder.next)
    }

    /// The program of the next pass.
    fn next_program(&self) -> &Program {
        if let Some(Decoder { write, next: Some(_), .. }) = &self.decoder {
            return write;
        }
        match (self.plans.phase(self.passes_done), &self.correction) {
            (Phase::Judge, Some([judge, _])) => judge,
            (Phase::Fill, Some([_, fill])) => fill,
            _ => &self.program,
        }
    }

    /// Puts the device's cursor where the next pass is, if passes were skipped, and what stands before
    /// the next position or block into the cache.
    fn prepare(&mut self, device: &mut Device) -> Result<(), DeviceError> {
        let row = self.passes_done - self.plans.done();
        if self.cursor != row {
            self.cursor = row;
            device.write_words(self.buffers.cursor, &[row as u32])?;
        }
        if let Some(window) = &mut self.window {
            let block = self.plans.block(self.passes_done);
            if window.go_to(device, block)? {
                let rows: Vec<&[bool]> = self.generated.chunks_exact(self.length).collect();
                let rows = rows_of(&rows, window.memory.block, block);
                let rows: Vec<&[bool]> = rows.iter().map(Vec::as_slice).collect();
                let told = told_table(&self.written, self.config.timesteps, &rows);
                device.write_words(self.buffers.told, &told)?;
            }
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
        let counts = self.written.sampler.surveyed();
        let writes = self.plans.phase(self.passes_done) == Phase::Write;
        self.uncounted += usize::from(writes && !counts);
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
        let read = device.read_bits(&self.readbacks()).await?;
        Ok(self.state_of(&read))
    }

    /// What a state is read from.
    pub(super) fn readbacks(&self) -> Vec<Slice> {
        let text = self.window.as_ref().map(|window| window.memory.text);
        std::iter::once(self.buffers.readback).chain(text).collect()
    }

    /// The state that [`Generation::readbacks`] hold; also skips the passes that have nothing to do
    /// with it.
    pub(super) fn state_of(&mut self, readbacks: &[Vec<u32>]) -> State {
        let whole = match (&self.window, readbacks) {
            (Some(window), [readback, text]) => &window.gather(readback, text),
            _ => &readbacks[0],
        };
        let (ids, confidence) = whole.split_at(whole.len() / 2);
        let confidence: Vec<f32> = confidence.iter().map(|&bits| f32::from_bits(bits)).collect();
        let (pass, ids) = (self.reached, self.visible_part(ids));
        let surveyed = self.written.sampler.surveyed();
        let masks_of = |ids: &[u32]| ids.iter().filter(|&&id| id == self.config.mask_id).count();
        let first = &self.generated[..self.length];
        let time = match surveyed || self.window.is_some() {
            true => {
                let count = first.iter().filter(|&&generated| generated).count();
                let masks = masks_of(&ids[..self.length]);
                told(self.written.schedule, self.config.timesteps, masks, count.max(masks))
            }
            false => self.time(pass),
        };
        let masks = match &self.window {
            Some(window) => {
                let block = window.memory.block;
                let start = self.plans.block(pass) * block;
                let rows = ids.chunks_exact(self.length);
                rows.map(|row| masks_of(&row[start..self.length.min(start + block)])).sum()
            }
            None => masks_of(&ids),
        };
        self.passes_done = self.plans.next(pass, masks, surveyed);
        State {
            pass,
            time,
            length: self.length,
            ids,
            confidence: self.visible_part(&confidence),
            generated: self.generated.clone(),
        }
    }

    /// Goes on from a state of this generation, changed or not; also backwards. A model that writes
    /// from noise sees random tokens in place of masks.
    ///
    /// # Panics
    /// When the state has another batch, length, or more passes.
    pub fn set_state(&mut self, device: &mut Device, state: &State) -> Result<(), DeviceError> {
        assert_eq!((state.batch(), state.length), (self.batch, self.length), "size of the state");
        assert!(state.pass <= self.passes(), "pass {} of {}", state.pass, self.passes());
        (self.passes_done, self.reached, self.uncounted) = (state.pass, state.pass, 0);
        self.generated.clone_from(&state.generated);
        self.plans = self.plans_from(state);
        self.cursor = self.passes_done - self.plans.done();

        let ids = self.whole_rows(&self.noisy(&state.ids), self.config.mask_id);
        let confidence = self.whole_rows(&state.confidence, 0.0);
        let kinds: Vec<u32> =
            state.generated.chunks_exact(self.length).flat_map(|row| self.kinds(row)).collect();
        let kinds = self.whole_rows(&kinds, GIVEN);
        let rows: Vec<&[bool]> = self.generated.chunks_exact(self.length).collect();
        let block = self.window.as_ref().map(|window| window.memory.block);
        let table = self.plans.table(&self.written, &self.config, &rows, block);
        device.write_words(self.buffers.table, &table)?;
        if let Some(window) = &mut self.window {
            window.reset(device, &ids, &confidence, &kinds)?;
        } else {
            let bits = confidence.iter().map(|confidence| confidence.to_bits());
            let readback: Vec<u32> = ids.iter().copied().chain(bits).collect();
            device.write_words(self.buffers.ids, &ids)?;
            device.write_floats(self.buffers.confidence, &confidence)?;
            device.write_words(self.buffers.kinds, &kinds)?;
            device.write_words(self.buffers.readback, &readback)?;
            if self.buffers.acts.length == self.length {
                let told = told_table(&self.written, self.config.timesteps, &rows);
                device.write_words(self.buffers.told, &told)?;
            }
        }
        if let Some(decoder) = &mut self.decoder {
            decoder.filled = 0;
            decoder.next = common_start(&state.ids, self.length, self.config.mask_id);
            device.write_words(decoder.counter, &[0])?;
        }
        device.write_words(self.buffers.progress, &[0, 1])?;
        device.write_words(self.buffers.cursor, &[self.cursor as u32])
    }

    /// The passes from a state on: those that were planned, unless an edit left masks in a block that
    /// they have passed; then a plan for every block that has masks.
    fn plans_from(&self, state: &State) -> Plans {
        let Some(Memory { block, .. }) = self.window.as_ref().map(|window| &window.memory) else {
            return self.planned.clone();
        };
        let mask = |&(_, &id): &(usize, &u32)| id == self.config.mask_id;
        let masked = |number: usize| {
            let places = state.ids.iter().enumerate().filter(mask);
            places.into_iter().any(|(n, _)| n % self.length / block == number)
        };
        let over = state.pass >= self.planned.passes();
        let done = if over { usize::MAX } else { self.planned.block(state.pass) };
        let passed = (0..self.length.div_ceil(*block)).take_while(|&number| number < done);
        if !passed.into_iter().any(masked) {
            return self.planned.clone();
        }
        let rows: Vec<&[bool]> = state.generated.chunks_exact(self.length).collect();
        Plans::of_blocks(&self.written, &self.config, &rows, *block, state.pass, masked)
    }

    /// Tokens with noise in place of the masks: a function of seed, sample and position.
    fn noisy(&self, ids: &[u32]) -> Vec<u32> {
        let SampleOptions { seed, first_sample, .. } = self.options;
        let generator = Philox::new(seed);
        let token = |(n, &id): (usize, &u32)| {
            if id != self.config.mask_id {
                return id;
            }
            let (position, row) = ((n % self.length) as u32, (n / self.length) as u32);
            self.noise.of(generator.of(Stream::Noise, [position, first_sample + row, 0])[0])
        };
        ids.iter().enumerate().map(token).collect()
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
            if self.written.may_end { behind_given(generated) } else { generated.len() };
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

    /// Positions of a text as the device has them.
    fn row_length(&self) -> usize {
        self.window.as_ref().map_or(self.buffers.acts.length, |window| window.memory.length)
    }

    /// Rows as the device has them, from the texts' rows.
    fn whole_rows<T: Copy>(&self, texts: &[T], behind: T) -> Vec<T> {
        let behind = vec![behind; self.row_length() - self.length];
        texts.chunks_exact(self.length).flat_map(|row| row.iter().chain(&behind)).copied().collect()
    }

    /// The texts' rows, from rows as the device has them.
    pub(super) fn visible_part<T: Clone>(&self, rows: &[T]) -> Vec<T> {
        let texts = rows.chunks_exact(self.row_length()).map(|row| &row[..self.length]);
        texts.flatten().cloned().collect()
    }

    /// What was found in a pass, `(batch, positions)` as it sees them, at the places of the texts.
    pub(super) fn at_places<T: Clone>(&self, found: &[Option<T>]) -> Vec<Option<T>> {
        let Some(window) = &self.window else { return self.visible_part(found) };
        let Memory { block, .. } = window.memory;
        let start = self.plans.block(self.reached - 1) * block;
        let mut all = vec![None; self.batch * self.length];
        for (row, found) in all.chunks_mut(self.length).zip(found.chunks(block)) {
            row[start..].iter_mut().zip(found).for_each(|(at, found)| at.clone_from(found));
        }
        all
    }
}
