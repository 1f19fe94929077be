//! Files that show a trace: MP4, GIF and PNG.

mod mp4;
mod timeline;

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use plot::Trace;
use plot::draw::Size;
use plot::layout::{Moment, Plan, Style};
use plot::raster::{Raster, gif, png};
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

/// Draws the moments of one trace.
struct Painter<'a> {
    raster: Raster,
    plan: Plan<'a>,
    style: Style,
}

impl<'a> Painter<'a> {
    fn new(trace: &'a Trace, look: &Look) -> Result<Self> {
        let mut raster = Raster::new(look.size)?;
        let plan = Plan::new(trace, look.size, &mut |t, s, w| raster.measure(t, s, w));
        let style = Style { theme: look.theme, confidence: look.confidence, ..Style::default() };
        Ok(Self { raster, plan, style })
    }

    /// The opaque RGBA pixels of a moment.
    fn paint(&mut self, moment: Moment) -> &[u8] {
        let raster = &mut self.raster;
        let measure = &mut |text: &str, size, weight| raster.measure(text, size, weight);
        let shapes = self.plan.draw(moment, &self.style, measure);
        self.raster.draw(&shapes)
    }
}

/// Writes the denoising as an MP4 file: each frame of the trace stays for `frame_ms`, the flash of
/// fresh tokens fading meanwhile; the first and the last frame stay longer.
pub(crate) fn write_mp4(
    output: Output,
    trace: &Trace,
    look: &Look,
    fps: u32,
    frame_ms: u32,
) -> Result<()> {
    let mut painter = Painter::new(trace, look)?;
    let moments: Vec<Moment> = timeline::video(trace.frames.len(), fps, frame_ms).collect();
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
    trace: &Trace,
    look: &Look,
    frame_ms: u32,
) -> Result<()> {
    let mut painter = Painter::new(trace, look)?;
    let moments = timeline::gif(trace.frames.len(), frame_ms);
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

/// Refuses a frame that the trace does not have.
pub(crate) fn check_frame(trace: &Trace, frame: usize) -> Result<()> {
    let last = trace.frames.len() - 1;
    ensure!(frame <= last, "the trace has no frame {frame}; its frames are 0 to {last}");
    Ok(())
}

/// Writes one frame of the trace as a PNG file.
pub(crate) fn write_png(
    mut output: Output,
    trace: &Trace,
    look: &Look,
    frame: usize,
) -> Result<()> {
    let picture = png::encode(look.size, Painter::new(trace, look)?.paint(frame.into()))?;
    output.write_all(&picture)?;
    output.finish()
}

/// Shows how many of its pictures a file has.
fn progress(path: &Path, pictures: usize) -> ProgressBar {
    let style = "{bar:24} {pos}/{len} pictures of {msg}  {eta} left";
    let style = ProgressStyle::with_template(style).expect("a valid template");
    let name = path.display().to_string();
    ProgressBar::new(pictures as u64).with_style(style.progress_chars("━╸ ")).with_message(name)
}

/// Reads a trace that `sample --trace` wrote.
pub(crate) fn read_trace(path: &Path) -> Result<Trace> {
    let name = path.display();
    let json = files::read_text(path).with_context(|| format!("cannot read the trace {name}"))?;
    Trace::from_json(&json).with_context(|| format!("cannot use {name}"))
}
