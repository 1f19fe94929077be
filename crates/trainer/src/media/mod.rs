//! Files that show a trace, or two beside each other: MP4, GIF and PNG.

mod mp4;
mod timeline;

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use plot::Trace;
use plot::draw::{Draw, Measure, Size};
use plot::gif;
use plot::layout::{Moment, Pair, Pane, Plan, Style};
use plot::raster::{Raster, png};
use plot::theme::Theme;

use crate::files::{self, Output};

use mp4::Mp4Writer;
pub(crate) use mp4::require_ffmpeg;

/// How pictures of a trace look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) size: Size,
    pub(crate) theme: Theme,
    /// Show the confidence of each token.
    pub(crate) confidence: bool,
}

/// What is drawn.
enum Scene<'a> {
    /// One run.
    One(Plan<'a>),
    /// Two runs, beside each other.
    Two(Pair<'a>),
}

impl<'a> Scene<'a> {
    fn new(traces: &'a [Trace], size: Size, measure: &mut Measure<'_>) -> Result<Self> {
        match traces {
            [one] => Ok(Self::One(Plan::new(one, size, measure))),
            [left, right] => Ok(Self::Two(Pair::new(Pane::both(left, right), size, measure))),
            _ => bail!("a picture shows one trace or two, not {}", traces.len()),
        }
    }

    fn draw(&self, moment: Moment, style: &Style, measure: &mut Measure<'_>) -> Vec<Draw> {
        match self {
            Self::One(plan) => plan.draw(moment, style, measure),
            Self::Two(pair) => pair.draw(moment, style, measure),
        }
    }
}

/// Frames of the time line of some traces: of the longest.
pub(crate) fn frames(traces: &[Trace]) -> usize {
    traces.iter().map(|trace| trace.frames.len()).max().unwrap_or(0)
}

/// Draws the moments of a scene.
struct Painter<'a> {
    raster: Raster,
    scene: Scene<'a>,
    style: Style,
}

impl<'a> Painter<'a> {
    fn new(traces: &'a [Trace], look: &Look) -> Result<Self> {
        let mut raster = Raster::new(look.size)?;
        let scene = Scene::new(traces, look.size, &mut |t, s, w| raster.measure(t, s, w))?;
        let style = Style { theme: look.theme, confidence: look.confidence, ..Style::default() };
        Ok(Self { raster, scene, style })
    }

    /// The opaque RGBA pixels of a moment.
    fn paint(&mut self, moment: Moment) -> &[u8] {
        let raster = &mut self.raster;
        let measure = &mut |text: &str, size, weight| raster.measure(text, size, weight);
        let shapes = self.scene.draw(moment, &self.style, measure);
        self.raster.draw(&shapes)
    }
}

/// Writes the denoising as an MP4 file: each frame of the trace stays for `frame_ms`, the flash of
/// fresh tokens fading meanwhile; the first and the last frame stay longer.
pub(crate) fn write_mp4(
    output: Output,
    traces: &[Trace],
    look: &Look,
    fps: u32,
    frame_ms: u32,
) -> Result<()> {
    let mut painter = Painter::new(traces, look)?;
    let moments: Vec<Moment> = timeline::video(frames(traces), fps, frame_ms).collect();
    let bar = progress(output.path(), moments.len());
    let mut video = Mp4Writer::start(output, look.size, fps)?;
    for moment in moments {
        video.write(painter.paint(moment))?;
        bar.inc(1);
    }
    video.finish()?;
    bar.finish_and_clear();
    Ok(())
}

/// Writes the denoising as an endless GIF, one picture for each frame of the trace.
pub(crate) fn write_gif(
    mut output: Output,
    traces: &[Trace],
    look: &Look,
    frame_ms: u32,
) -> Result<()> {
    let mut painter = Painter::new(traces, look)?;
    let moments = gif::moments(frames(traces), frame_ms);
    let delays: Vec<u32> = moments.iter().map(|m| m.1).collect();
    // Each picture is drawn twice: for the colours of all, and to be written.
    let bar = progress(output.path(), moments.len());
    gif::write(&mut output, look.size, &delays, |i| {
        bar.set_position(i as u64 + 1);
        painter.paint(moments[i].0).to_vec()
    })?;
    bar.finish_and_clear();
    output.finish()
}

/// Writes a web page that plays the trace.
pub(crate) fn write_html(mut output: Output, trace: &Trace) -> Result<()> {
    output.write_all(plot::replay::html(trace).as_bytes())?;
    output.finish()
}

/// Refuses a frame that the trace, or the longer of two, does not have.
pub(crate) fn check_frame(traces: &[Trace], frame: usize) -> Result<()> {
    let last = frames(traces) - 1;
    ensure!(frame <= last, "the trace has no frame {frame}; its frames are 0 to {last}");
    Ok(())
}

/// Writes one frame of the trace as a PNG file.
pub(crate) fn write_png(
    mut output: Output,
    traces: &[Trace],
    look: &Look,
    frame: usize,
) -> Result<()> {
    let picture = png::encode(look.size, Painter::new(traces, look)?.paint(frame.into()))?;
    output.write_all(&picture)?;
    output.finish()
}

/// Shows how many of its pictures a file has.
fn progress(path: &Path, pictures: usize) -> ProgressBar {
    let style = "{bar:24} {pos}/{len} pictures of {msg}  {eta} left";
    let style = ProgressStyle::with_template(style).expect("a valid template");
    let name = files::output_name(path);
    ProgressBar::new(pictures as u64).with_style(style.progress_chars("━╸ ")).with_message(name)
}

/// Reads a trace that `sample --trace` wrote.
pub(crate) fn read_trace(path: &Path) -> Result<Trace> {
    let name = files::input_name(path);
    let json = files::read_text(path).with_context(|| format!("cannot read the trace {name}"))?;
    Trace::from_json(&json).with_context(|| format!("cannot use {name}"))
}
