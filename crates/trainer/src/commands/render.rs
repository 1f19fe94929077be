//! `render`: pictures of a saved trace, or of two beside each other, without the model.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Result, ensure};
use clap::{ArgGroup, Args};
use plot::Trace;
use plot::draw::Size;
use plot::theme::Theme;

use super::named::named;
use crate::files::{self, Output};
use crate::media::{self, Look};
use crate::print;

/// Make pictures of a denoising that `sample --trace` saved, or of two beside each other
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("output").required(true).multiple(true))]
pub(crate) struct RenderArgs {
    /// The trace; a second one is shown beside it, at the same share of its frames
    #[arg(value_name = "TRACE.json", num_args = 1..=2, required = true)]
    pub(crate) traces: Vec<PathBuf>,

    /// Write a video (needs ffmpeg)
    #[arg(long, group = "output", value_name = "FILE.mp4")]
    pub(crate) mp4: Option<PathBuf>,

    /// Write an endless GIF
    #[arg(long, group = "output", value_name = "FILE.gif")]
    pub(crate) gif: Option<PathBuf>,

    /// Write one picture
    #[arg(long, group = "output", value_name = "FILE.png")]
    pub(crate) png: Option<PathBuf>,

    /// Write a web page that plays it: one file, for any browser, without network
    #[arg(long, group = "output", value_name = "FILE.html")]
    pub(crate) html: Option<PathBuf>,

    /// Frame of the trace that `--png` shows, of the longer one if there are two, from 0
    /// [default: the last]
    #[arg(long, requires = "png", value_name = "N")]
    pub(crate) frame: Option<usize>,

    /// Colours
    #[arg(long, default_value_t = Theme::Dark,
          value_parser = named(&Theme::ALL, Theme::name, Theme::about))]
    pub(crate) theme: Theme,

    /// Pixels: `wide` (1280x720), `square` (1080x1080), or WIDTHxHEIGHT, even numbers for a video
    #[arg(long, default_value = "wide", value_name = "SIZE")]
    pub(crate) size: PictureSize,

    /// Leave out the confidence of the tokens
    #[arg(long)]
    pub(crate) no_confidence: bool,

    /// Pictures of the video in a second
    #[arg(long, default_value_t = 30, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=120))]
    pub(crate) fps: u32,

    /// How long a frame of the trace stays in the video, in milliseconds
    #[arg(long, default_value_t = 120, value_name = "MS",
          value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pub(crate) mp4_frame_ms: u32,

    /// How long a frame of the trace stays in the GIF, in milliseconds
    #[arg(long, default_value_t = 100, value_name = "MS",
          value_parser = clap::value_parser!(u32).range(20..=60_000))]
    pub(crate) gif_frame_ms: u32,
}

/// A size on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PictureSize(Size);

impl FromStr for PictureSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "wide" => return Ok(Self(Size::WIDE)),
            "square" => return Ok(Self(Size::SQUARE)),
            _ => {}
        }
        let sides =
            text.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
        match sides {
            Some((width, height)) if [width, height].iter().all(|s| (160..=8192).contains(s)) => {
                Ok(Self(Size { width, height }))
            }
            Some(_) => Err("each side must be 160 to 8192 pixels".into()),
            None => Err("say `wide`, `square` or a size like 1920x1080".into()),
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &RenderArgs) -> Result<()> {
    let outputs = [&args.png, &args.gif, &args.mp4, &args.html];
    let named = || outputs.into_iter().flatten().map(PathBuf::as_path);
    files::distinct(args.traces.iter().map(PathBuf::as_path), named())?;
    ensure!(
        args.html.is_none() || args.traces.len() == 1,
        "`--html` plays one trace; give one, or `--mp4` for two beside each other"
    );
    let traces: Vec<Trace> =
        args.traces.iter().map(|path| media::read_trace(path)).collect::<Result<_>>()?;
    let frame = args.frame.unwrap_or(media::frames(&traces) - 1);
    media::check_frame(&traces, frame)?;
    if args.mp4.is_some() {
        media::require_ffmpeg()?;
    }
    let look = Look { size: args.size.0, theme: args.theme, confidence: !args.no_confidence };
    // All of them before the first is made: what cannot be written should cost no time.
    let open = |path: &Option<PathBuf>| path.as_deref().map(Output::create).transpose();
    let (png, gif, mp4) = (open(&args.png)?, open(&args.gif)?, open(&args.mp4)?);
    let html = open(&args.html)?;
    if let Some(output) = png {
        media::write_png(output, &traces, &look, frame)?;
    }
    if let Some(output) = gif {
        media::write_gif(output, &traces, &look, args.gif_frame_ms)?;
    }
    if let Some(output) = mp4 {
        media::write_mp4(output, &traces, &look, args.fps, args.mp4_frame_ms)?;
    }
    if let Some(output) = html {
        media::write_html(output, &traces[0])?;
    }
    for path in named() {
        print::note(format_args!("wrote {}", files::output_name(path)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_or_explained() {
        let size = |text: &str| text.parse::<PictureSize>().map(|s| (s.0.width, s.0.height));
        assert_eq!(size("wide"), Ok((1280, 720)));
        assert_eq!(size("square"), Ok((1080, 1080)));
        assert_eq!(size("1920x1080"), Ok((1920, 1080)));
        assert!(size("20x20").unwrap_err().contains("160 to 8192"));
        assert!(size("big").unwrap_err().contains("1920x1080"));
    }
}
