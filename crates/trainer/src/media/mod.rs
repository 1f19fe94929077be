//! Files that show a trace: MP4, GIF and PNG.

mod mp4;
mod timeline;

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use plot::Trace;
use plot::draw::Size;
use plot::layout::{Moment, Plan, Style};
use plot::raster::{Raster, gif, png};
use plot::theme::Theme;

use crate::files;

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
    path: &Path,
    trace: &Trace,
    look: &Look,
    fps: u32,
    frame_ms: u32,
) -> Result<()> {
    let mut painter = Painter::new(trace, look)?;
    let mut video = Mp4Writer::create(path, look.size, fps)?;
    for moment in timeline::video(trace.frames.len(), fps, frame_ms) {
        video.write(painter.paint(moment))?;
    }
    video.finish()
}

/// Writes the denoising as an endless GIF, one picture for each frame of the trace.
pub(crate) fn write_gif(path: &Path, trace: &Trace, look: &Look, frame_ms: u32) -> Result<()> {
    let mut painter = Painter::new(trace, look)?;
    let moments = timeline::gif(trace.frames.len(), frame_ms);
    let delays: Vec<u32> = moments.iter().map(|m| m.1).collect();
    files::write_atomically(path, |file| {
        Ok(gif::write(file, look.size, &delays, |i| painter.paint(moments[i].0).to_vec())?)
    })
}

/// Writes one frame of the trace as a PNG file.
pub(crate) fn write_png(path: &Path, trace: &Trace, look: &Look, frame: usize) -> Result<()> {
    let last = trace.frames.len() - 1;
    if frame > last {
        bail!("the trace has no frame {frame}; its frames are 0 to {last}");
    }
    let picture = png::encode(look.size, Painter::new(trace, look)?.paint(frame.into()))?;
    files::write_atomically(path, |file| Ok(file.write_all(&picture)?))
}

/// Reads a trace that `sample --trace` wrote.
pub(crate) fn read_trace(path: &Path) -> Result<Trace> {
    let name = path.display();
    let json =
        std::fs::read_to_string(path).with_context(|| format!("cannot read the trace {name}"))?;
    Trace::from_json(&json).with_context(|| format!("cannot use {name}"))
}
