//! Writing: from a request to texts and pictures.

mod animation;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::slice::from_ref;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use corpus::tokenizer::Tokenizer;
use device::Device;
use diffusion::longest_text;
use diffusion::sampler::{SampleOptions, Workspace};
use indicatif::{ProgressBar, ProgressStyle};
use kernels::Precision;
use model::{Card, Model, Objective};
use plot::Trace;
use plot::draw::Size;
use plot::theme::Theme;
use pollster::block_on;
use writer::{Length, Writer};

use crate::checkpoints::{Located, WeightsArgs};
use crate::compute::ComputeArgs;
use crate::media::{self, Look};
use crate::sampler_args::SamplerArgs;
use crate::{checkpoints, compute, files, print};

/// Temperature for models whose card names none: below 1, which texts of small models gain from.
const TEMPERATURE: f32 = 0.8;

/// Frames per second of a video.
const FPS: u32 = 30;

/// Length of the denoising in a video, in milliseconds, and shortest and longest time per state.
const VIDEO: u32 = 10_000;
const VIDEO_STATE: (u32, u32) = (60, 500);

/// What to write, how, and what to show of it.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    /// Folder of a model, a checkpoint or a run.
    pub(crate) checkpoint: &'a Path,
    /// Which weights of it.
    pub(crate) weights: WeightsArgs,
    /// Prompt as typed.
    pub(crate) prompt: &'a str,
    /// Tokens after the prompt.
    pub(crate) length: Length,
    /// Texts to write.
    pub(crate) texts: usize,
    /// How, where not as the model's card says.
    pub(crate) sampler: &'a SamplerArgs,
    /// Seed of all draws.
    pub(crate) seed: u64,
    /// Whether texts may end before their last position.
    pub(crate) may_end: bool,
    /// Animate the denoising, if standard output is a terminal.
    pub(crate) animate: bool,
    pub(crate) output: Output<'a>,
    pub(crate) compute: &'a ComputeArgs,
}

/// Files that show the first text, and how they look.
#[derive(Debug)]
pub(crate) struct Output<'a> {
    pub(crate) trace: Option<&'a Path>,
    pub(crate) video: Option<&'a Path>,
    pub(crate) gif: Option<&'a Path>,
    /// Denoising steps from one frame to the next.
    pub(crate) every: usize,
    pub(crate) gif_frame_ms: u32,
    pub(crate) size: Size,
    pub(crate) theme: Theme,
}

/// What was written, and how long it took.
struct Written {
    /// Token ids of each text.
    texts: Vec<Vec<u32>>,
    /// The first text, if somebody looks at it.
    trace: Option<Trace>,
    /// Passes of the network over a text, at most.
    passes: usize,
    /// Passes over all texts; texts that fit in memory together share theirs.
    runs: usize,
    time: Duration,
}

/// Loads the model, writes, shows.
pub(crate) fn sample(request: &Request<'_>) -> Result<()> {
    let Located { file, model: checkpoint, tokenizer, .. } =
        checkpoints::load_located(request.checkpoint, None, request.weights)?;
    let tokenizer = tokenizer.into_tokenizer();
    let defaults = defaults(&checkpoint.card, &tokenizer)?;
    let options = SampleOptions {
        seed: request.seed,
        may_end: request.may_end,
        ..request.sampler.apply(&defaults)?
    };
    let objective = checkpoint.card.objective;
    options.validate(&checkpoint.config, objective)?;
    let most = longest_text(objective, &checkpoint.config);
    let choices = writer::choices(&tokenizer, request.prompt, request.length, most)?;
    let longest = choices.iter().map(Vec::len).max().unwrap_or(0);

    // Before the writing: what cannot be saved should cost no time.
    let files = Files::open(&request.output)?;
    let animate = request.animate && animation::possible();
    let looked_at = animate || files.any();
    let every = request.output.every;
    let mut device = request.compute.open()?;
    let length = match objective {
        Objective::Block(_) => longest,
        _ => options.sampler.seen(longest, most),
    };
    let together = Workspace::texts_at_a_time(&checkpoint.config, length).min(request.texts);
    let folder = file.parent().and_then(Path::file_name).unwrap_or_default();
    let named = checkpoint.card.name.clone();
    let model = Model::load(&mut device, &checkpoint)?;
    let writer = Writer {
        variants: compute::variants(&mut device, Precision::F32)?,
        workspace: Workspace::for_model(&mut device, &model, together, length)?,
        model,
        tokenizer,
        defaults,
        name: named.unwrap_or_else(|| folder.to_string_lossy().into_owned()),
    };
    let check = checkpoint.card.check.as_ref();
    compute::check(&mut device, &writer.model, &writer.variants, check)?;
    let every = looked_at.then_some(every);
    let positions = block_on(writer.fit(&mut device, choices, &options))?;
    let written = write(&mut device, &writer, request, &options, &positions, together, every)?;

    let mut played = false;
    if let (true, Some(trace)) = (animate, &written.trace) {
        // Without it the text is printed.
        played = animation::play(trace, request.output.theme).unwrap_or(false);
    }
    // The animation leaves the first text on the screen. The text comes before what else can fail,
    // and pictures are saved also where it cannot be printed.
    let printed = print(&writer.tokenizer, &written.texts, usize::from(played), !files.standard);
    let generated = request.texts * positions.iter().filter(|token| token.is_none()).count();
    report(&written, generated, &device);
    if let Some(trace) = &written.trace {
        files.save(&request.output, trace)?;
    }
    printed
}

/// How a model's texts read best; what its card leaves open is the program's.
pub(crate) fn defaults(card: &Card, tokenizer: &Tokenizer) -> Result<SampleOptions> {
    let options = writer::defaults(card, tokenizer).context("the model's card")?;
    Ok(match card.sampling {
        Some(_) => options,
        None => SampleOptions { temperature: TEMPERATURE, ..options },
    })
}

/// Writes the texts from the same positions, `together` at a time. The trace of the first has a
/// frame `every` so many passes, and the last.
fn write(
    device: &mut Device,
    writer: &Writer,
    request: &Request<'_>,
    options: &SampleOptions,
    positions: &[Option<u32>],
    together: usize,
    every: Option<usize>,
) -> Result<Written> {
    let mut written =
        Written { texts: Vec::new(), trace: None, passes: 0, runs: 0, time: Duration::ZERO };
    let bar = ProgressBar::no_length();
    bar.set_style(ProgressStyle::with_template("{bar:24} pass {pos}/{len}").expect("valid"));
    for first in (0..request.texts).step_by(together) {
        let texts = together.min(request.texts - first);
        let options = SampleOptions { first_sample: first as u32, ..options.clone() };
        let mut run = block_on(writer.begin(device, positions, texts, &options, false))?;
        let most = run.generation().passes();
        bar.set_length((most * request.texts.div_ceil(together)) as u64);
        let mut trace =
            every.filter(|_| first == 0).map(|every| (every, writer.trace(&run, request.prompt)));
        let begun = Instant::now();
        while !run.over() {
            run.step(device)?;
            if let Some((every, trace)) = &mut trace {
                let done = run.generation().passes_done();
                if done.is_multiple_of(*every) || run.over() {
                    let state = block_on(run.state(device))?;
                    trace.push(writer::frame(&state, 0), |id| writer::piece(&writer.tokenizer, id));
                }
            }
            bar.inc(1);
        }
        let state = block_on(run.state(device))?;
        let passes = block_on(run.generation().passes_run(device))?;
        written.time += begun.elapsed();
        written.passes = written.passes.max(passes);
        written.runs += passes;
        written.texts.extend((0..texts).map(|row| run.text(&state, row).to_vec()));
        if let Some((_, mut trace)) = trace {
            // A text that is done early was seen last before that.
            if trace.frames.last().is_none_or(|frame| frame.step < state.pass as u32) {
                trace.push(writer::frame(&state, 0), |id| writer::piece(&writer.tokenizer, id));
            }
            written.trace = Some(trace);
        }
    }
    bar.finish_and_clear();
    Ok(written)
}

/// The files that were asked for, open.
struct Files {
    trace: Option<files::Output>,
    gif: Option<files::Output>,
    video: Option<files::Output>,
    /// Whether one of them is standard output.
    standard: bool,
}

impl Files {
    fn open(output: &Output<'_>) -> Result<Self> {
        let Output { trace, gif, video, .. } = *output;
        files::distinct([], [trace, gif, video].into_iter().flatten())?;
        if video.is_some() {
            media::require_ffmpeg()?;
        }
        let open = |path: Option<&Path>| path.map(files::Output::create).transpose();
        let standard = [trace, gif, video].into_iter().flatten().any(files::is_standard);
        Ok(Self { trace: open(trace)?, gif: open(gif)?, video: open(video)?, standard })
    }

    fn any(&self) -> bool {
        self.trace.is_some() || self.gif.is_some() || self.video.is_some()
    }

    fn save(self, output: &Output<'_>, trace: &Trace) -> Result<()> {
        let look = Look { size: output.size, theme: output.theme, confidence: true };
        let wrote = |path: &Path| print::note(format_args!("wrote {}", files::output_name(path)));
        if let Some(mut file) = self.trace {
            let path = file.path().to_owned();
            file.write_all(trace.to_json().as_bytes())?;
            file.finish()?;
            wrote(&path);
        }
        if let Some(file) = self.gif {
            let path = file.path().to_owned();
            media::write_gif(file, from_ref(trace), &look, output.gif_frame_ms)?;
            wrote(&path);
        }
        if let Some(file) = self.video {
            let path = file.path().to_owned();
            let state_ms = (VIDEO / trace.frames.len() as u32).clamp(VIDEO_STATE.0, VIDEO_STATE.1);
            media::write_mp4(file, from_ref(trace), &look, FPS, state_ms)?;
            wrote(&path);
        }
        Ok(())
    }
}

/// Prints texts from number `from` on; if standard output is taken, on standard error.
fn print(tokenizer: &Tokenizer, texts: &[Vec<u32>], from: usize, out: bool) -> Result<()> {
    let terminal = if out { io::stdout().is_terminal() } else { io::stderr().is_terminal() };
    let line = |text: &str| {
        if out {
            return print::result(text);
        }
        print::note(text);
        Ok(())
    };
    for (number, ids) in texts.iter().enumerate().skip(from) {
        if texts.len() > 1 {
            line(&format!("== {}", number + 1))?;
        }
        let text = tokenizer.decode(ids);
        if terminal {
            // A young model writes any byte, some of which a terminal would obey.
            let tame =
                |c: char| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c };
            line(&text.chars().map(tame).collect::<String>())?;
        } else {
            line(&text)?;
        }
    }
    Ok(())
}

/// Says on standard error how fast it was.
fn report(written: &Written, generated: usize, device: &Device) {
    let Written { passes, runs, time, .. } = *written;
    let seconds = time.as_secs_f64();
    // Those that correct a text count, too.
    let name = if passes == 1 { "pass" } else { "passes" };
    print::note(format_args!(
        "{passes} {name} of {:.1} ms, {generated} tokens in {seconds:.2} s: {:.0} tokens/s on {device}",
        1e3 * seconds / runs as f64,
        generated as f64 / seconds,
    ));
}
