//! Writing: from the command line to texts and pictures.

mod animation;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use corpus::tokenizer::Tokenizer;
use device::Device;
use diffusion::Schedule;
use diffusion::sampler::{Generation, SampleOptions, State, Workspace};
use indicatif::{ProgressBar, ProgressStyle};
use model::{Checkpoint, Config, Model};
use plot::draw::Size;
use plot::{Frame, Trace, trace};
use pollster::block_on;
use writer::Length;

use crate::commands::sample::SampleArgs;
use crate::media::{self, Look};
use crate::{checkpoints, compute, files};

/// Logits of this many bytes at a time: half of what WebGPU promises for a binding.
const LOGIT_BYTES: usize = 64 << 20;

/// Pictures of a video in a second.
const FPS: u32 = 30;

/// How long a video shows a denoising, in milliseconds, and the least and most that one of its
/// states stays.
const VIDEO: u32 = 10_000;
const VIDEO_STATE: (u32, u32) = (60, 500);

/// What was written, and how long it took.
struct Written {
    /// Token ids of each text.
    texts: Vec<Vec<u32>>,
    /// States of the first text.
    states: Vec<State>,
    /// Passes of the network over each text.
    passes: usize,
    /// Passes over all texts; texts that fit in memory together share theirs.
    runs: usize,
    time: Duration,
}

/// Loads the model, writes, shows.
pub(crate) fn sample(args: &SampleArgs) -> Result<()> {
    let path = checkpoints::locate(&args.checkpoint)?;
    let checkpoint = checkpoints::load_model(&path)?;
    let tokenizer = tokenizer_of(&path, &checkpoint.config)?;
    let options = options(args, &checkpoint, &tokenizer)?;
    options.validate(&checkpoint.config)?;
    let block_size = checkpoint.config.block_size;
    let length = args.gen_len.map_or(Length::Auto, Length::Exactly);
    let positions = writer::positions(&tokenizer, &args.prompt, length, block_size)?;

    if args.viz_video.is_some() {
        media::require_ffmpeg()?;
    }

    let animate = !args.no_animate && animation::possible();
    let looked_at =
        animate || args.trace.is_some() || args.viz_video.is_some() || args.viz_gif.is_some();
    let mut device = args.compute.open()?;
    let every = looked_at.then_some(args.trace_every as usize);
    let batch = args.batch as usize;
    let written = write(&mut device, &checkpoint, &options, &positions, batch, every)?;

    let mut played = false;
    if looked_at {
        let trace = record(args, &path, &checkpoint, &tokenizer, &options, &written);
        save(args, &trace)?;
        played = animate && animation::play(&trace, args.theme.into())?;
    }
    // The animation leaves the first text on the screen.
    print(&tokenizer, &written.texts, usize::from(played))?;
    let generated = batch * positions.iter().filter(|token| token.is_none()).count();
    report(&written, generated, &device);
    Ok(())
}

/// The tokenizer beside a model file.
fn tokenizer_of(model: &Path, config: &Config) -> Result<Tokenizer> {
    let path = model.with_file_name(checkpoints::TOKENIZER);
    let bytes = std::fs::read(&path).with_context(|| {
        format!("cannot read {}, the tokenizer that belongs to the model", path.display())
    })?;
    let tokenizer = Tokenizer::from_bytes(&bytes).with_context(|| format!("{}", path.display()))?;
    tokenizer.check_model(config.vocab_size as u32, config.mask_id)?;
    Ok(tokenizer)
}

fn options(
    args: &SampleArgs,
    checkpoint: &Checkpoint,
    tokenizer: &Tokenizer,
) -> Result<SampleOptions> {
    let schedule = match checkpoint.metadata.get("schedule") {
        Some(name) => serde_json::from_value(name.as_str().into())
            .with_context(|| format!("the checkpoint names an unknown noise schedule `{name}`"))?,
        None => Schedule::default(),
    };
    Ok(SampleOptions {
        sampler: args.sampler.into(),
        schedule,
        steps: args.steps,
        temperature: args.temperature,
        choice_temperature: args.choice_temperature,
        top_k: args.top_k,
        top_p: args.top_p,
        seed: args.seed,
        first_sample: 0,
        end_token: tokenizer.end_of_text_id(),
        may_end: args.stop_at_end,
    })
}

/// Generates `batch` texts from the same positions. States of the first are kept `every` so many
/// passes, and the last.
fn write(
    device: &mut Device,
    checkpoint: &Checkpoint,
    options: &SampleOptions,
    positions: &[Option<u32>],
    batch: usize,
    every: Option<usize>,
) -> Result<Written> {
    let config = checkpoint.config;
    let length = options.sampler.seen(positions.len(), config.block_size);
    let together = (LOGIT_BYTES / 4 / (length * config.vocab_size)).clamp(1, batch);
    let model = Model::load(device, checkpoint)?;
    let workspace = Workspace::new(device, &config, together, length)?;
    let variants = compute::variants(device)?;

    let mut written =
        Written { texts: Vec::new(), states: Vec::new(), passes: 0, runs: 0, time: Duration::ZERO };
    let bar = ProgressBar::no_length();
    bar.set_style(ProgressStyle::with_template("{bar:24} step {pos}/{len}").expect("valid"));
    for first in (0..batch).step_by(together) {
        let prompts = vec![positions.to_vec(); together.min(batch - first)];
        let options = SampleOptions { first_sample: first as u32, ..options.clone() };
        let mut generation =
            Generation::new(device, &variants, &model, &workspace, &prompts, &options)?;
        let passes = generation.passes();
        bar.set_length((passes * batch.div_ceil(together)) as u64);
        let every = every.filter(|_| first == 0);
        if every.is_some() {
            written.states.push(block_on(generation.read_state(device))?);
        }
        let begun = Instant::now();
        while !generation.finished() {
            generation.step(device)?;
            let done = generation.passes_done();
            if every.is_some_and(|every| done.is_multiple_of(every) || done == passes) {
                written.states.push(block_on(generation.read_state(device))?);
            }
            bar.inc(1);
        }
        let state = block_on(generation.read_state(device))?;
        written.time += begun.elapsed();
        written.passes = passes;
        written.runs += passes;
        let texts = (0..state.batch()).map(|row| state.text(row, options.end_token).to_vec());
        written.texts.extend(texts);
    }
    bar.finish_and_clear();
    Ok(written)
}

/// The trace of the first text.
fn record(
    args: &SampleArgs,
    path: &Path,
    checkpoint: &Checkpoint,
    tokenizer: &Tokenizer,
    options: &SampleOptions,
    written: &Written,
) -> Trace {
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
    let folder = || folder.to_string_lossy().into_owned();
    let first = &written.states[0];
    let frames = written.states.iter().map(|state| Frame {
        step: state.pass as u32,
        t: state.time as f32,
        ids: state.row(0).to_vec(),
        // Sums of a softmax can come out a rounding above 1.
        confidence: state.confidence[..state.length].iter().map(|c| c.clamp(0.0, 1.0)).collect(),
    });
    let mut trace = Trace {
        version: trace::VERSION,
        model: checkpoint.metadata.get("name").cloned().unwrap_or_else(folder),
        sampler: options.sampler.to_string(),
        schedule: options.schedule.to_string(),
        temperature: options.temperature,
        top_k: options.top_k,
        top_p: options.top_p,
        seed: options.seed,
        steps: written.passes as u32,
        mask_id: checkpoint.config.mask_id,
        end_id: options.end_token,
        runs_on: false,
        prompt: args.prompt.clone(),
        fixed: first.generated[..first.length].iter().map(|generated| !generated).collect(),
        pieces: Default::default(),
        frames: frames.collect(),
    };
    trace.name_pieces(|id| tokenizer.token_bytes(id).to_vec());
    trace
}

/// Writes the files that were asked for.
fn save(args: &SampleArgs, trace: &Trace) -> Result<()> {
    let size = if args.square { Size::SQUARE } else { Size::WIDE };
    let look = Look { size, theme: args.theme.into(), confidence: true };
    if let Some(path) = &args.trace {
        files::write_atomically(path, |file| Ok(file.write_all(trace.to_json().as_bytes())?))?;
    }
    if let Some(path) = &args.viz_gif {
        media::write_gif(path, trace, &look, args.gif_frame_ms)?;
    }
    if let Some(path) = &args.viz_video {
        let state_ms = (VIDEO / trace.frames.len() as u32).clamp(VIDEO_STATE.0, VIDEO_STATE.1);
        media::write_mp4(path, trace, &look, FPS, state_ms)?;
    }
    for path in [&args.trace, &args.viz_gif, &args.viz_video].into_iter().flatten() {
        eprintln!("wrote {}", path.display());
    }
    Ok(())
}

/// Prints texts from number `from` on.
fn print(tokenizer: &Tokenizer, texts: &[Vec<u32>], from: usize) -> Result<()> {
    let mut out = io::stdout().lock();
    for (number, ids) in texts.iter().enumerate().skip(from) {
        if texts.len() > 1 {
            writeln!(out, "== {}", number + 1)?;
        }
        let text = tokenizer.decode(ids);
        if out.is_terminal() {
            // A young model writes any byte, some of which a terminal would obey.
            let tame =
                |c: char| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c };
            writeln!(out, "{}", text.chars().map(tame).collect::<String>())?;
        } else {
            writeln!(out, "{text}")?;
        }
    }
    out.flush().context("cannot write to standard output")
}

/// Says on standard error how fast it was.
fn report(written: &Written, generated: usize, device: &Device) {
    let Written { passes, runs, time, .. } = *written;
    let seconds = time.as_secs_f64();
    eprintln!(
        "{passes} denoising steps of {:.1} ms, {generated} tokens in {seconds:.2} s: {:.0} tokens/s on {device}",
        1e3 * seconds / runs as f64,
        generated as f64 / seconds,
    );
}
