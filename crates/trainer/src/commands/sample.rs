//! `sample`: writes with a trained model.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use plot::draw::Size;
use plot::theme::Theme;
use writer::Length;

use super::named::named;
use crate::checkpoints::WeightsArgs;
use crate::compute::ComputeArgs;
use crate::sample::{self, Output, Request};
use crate::sampler_args::SamplerArgs;

/// Write with a trained model
///
/// Prints the text on standard output and, in a terminal, animates the denoising. Pictures and the
/// trace show the first text of a batch. How it is sampled is what the model's card says reads best,
/// unless flags say otherwise.
#[derive(Clone, Debug, Args)]
pub(crate) struct SampleArgs {
    /// Folder of a shipped model, a checkpoint, or a run (its best checkpoint is taken)
    #[arg(long, value_name = "DIR")]
    pub(crate) checkpoint: PathBuf,

    /// Text to go on from; `[MASK]` is one token to fill in, `[MASK:12]` are twelve, `[MASK:4-12]`
    /// as many from four to twelve as the model finds likeliest
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    pub(crate) prompt: String,

    /// Tokens to write behind the prompt [default: 0 if the prompt has gaps, else 128 or as many
    /// as the model's block holds]
    #[arg(long, value_name = "N")]
    pub(crate) gen_len: Option<usize>,

    /// Seed of all draws: the same seed gives the same text
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u64,

    /// Texts to write
    #[arg(long, default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) batch: u32,

    /// End a text at its end-of-text token; `=false` never draws one and fills the whole length
    #[arg(long, default_value_t = true, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", action = clap::ArgAction::Set, value_name = "BOOL")]
    pub(crate) stop_at_end: bool,

    /// Do not animate the denoising in the terminal
    #[arg(long)]
    pub(crate) no_animate: bool,

    /// Write the denoising as JSON; `render` makes pictures of it without the model
    #[arg(long, value_name = "FILE.json")]
    pub(crate) trace: Option<PathBuf>,

    /// Write the denoising as video (needs ffmpeg)
    #[arg(long, value_name = "FILE.mp4")]
    pub(crate) viz_video: Option<PathBuf>,

    /// Write the denoising as GIF
    #[arg(long, value_name = "FILE.gif")]
    pub(crate) viz_gif: Option<PathBuf>,

    /// Denoising steps from one picture to the next
    #[arg(long, default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) trace_every: u32,

    /// How long a picture of the GIF stays, in milliseconds
    #[arg(long, default_value_t = 100, value_name = "MS",
          value_parser = clap::value_parser!(u32).range(20..=60_000))]
    pub(crate) gif_frame_ms: u32,

    /// Make square pictures (1080 x 1080) instead of wide ones (1280 x 720)
    #[arg(long)]
    pub(crate) square: bool,

    /// Colours of pictures and terminal
    #[arg(long, default_value_t = Theme::Dark,
          value_parser = named(&Theme::ALL, Theme::name, Theme::about))]
    pub(crate) theme: Theme,

    #[command(flatten)]
    pub(crate) weights: WeightsArgs,

    #[command(flatten)]
    pub(crate) sampler: SamplerArgs,

    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

impl SampleArgs {
    /// What is to be written and shown.
    fn request(&self) -> Request<'_> {
        Request {
            checkpoint: &self.checkpoint,
            weights: self.weights,
            prompt: &self.prompt,
            length: self.gen_len.map_or(Length::Auto, Length::Exactly),
            texts: self.batch as usize,
            sampler: &self.sampler,
            seed: self.seed,
            may_end: self.stop_at_end,
            animate: !self.no_animate,
            output: Output {
                trace: self.trace.as_deref(),
                video: self.viz_video.as_deref(),
                gif: self.viz_gif.as_deref(),
                every: self.trace_every as usize,
                gif_frame_ms: self.gif_frame_ms,
                size: if self.square { Size::SQUARE } else { Size::WIDE },
                theme: self.theme,
            },
            compute: &self.compute,
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &SampleArgs) -> Result<()> {
    sample::sample(&args.request())
}
