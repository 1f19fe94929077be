//! A generation: a state machine that programs and pages drive.

mod states;

use device::{Device, DeviceError, Program, Recording, Slice, Timing};
use kernels::Variants;
use kernels::draw_batch::Noise;
use model::{Config, Model, Objective};

use super::options::check_prompts;
use super::plan::{Phase, Plan, told_table};
use super::plans::{Plans, rows_of};
use super::record::{PassOptions, Recorder};
use super::window::Window;
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
}
