//! `sample`: writes with a trained model.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use diffusion::sampler::SamplerKind;

use crate::compute::ComputeArgs;
use crate::sample;

/// Which tokens a denoising step draws again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sampler {
    /// Visible tokens stay; of the others the surer are the likelier to stay, with noise.
    #[value(name = "maskgit")]
    MaskGit,
    /// Visible tokens stay, until others are surer.
    Carry,
    /// All tokens are drawn again, as the seed's program does.
    Seed,
}

impl From<Sampler> for SamplerKind {
    fn from(sampler: Sampler) -> Self {
        match sampler {
            Sampler::MaskGit => Self::MaskGit,
            Sampler::Carry => Self::Carry,
            Sampler::Seed => Self::Reference,
        }
    }
}

/// Write with a trained model
///
/// The text goes to standard output; in a terminal one sees it appear out of the noise. Pictures
/// and the trace show the first text of a batch.
#[derive(Clone, Debug, Args)]
pub(crate) struct SampleArgs {
    /// Folder of a shipped model, a checkpoint, or a run (its best checkpoint is taken)
    #[arg(long, value_name = "DIR")]
    pub(crate) checkpoint: PathBuf,

    /// Text to go on from; `[MASK]` is one token to fill in, `[MASK:12]` are twelve
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    pub(crate) prompt: String,

    /// Tokens to write behind the prompt [default: 0 if the prompt has gaps, else 128 or as many
    /// as the model's block holds]
    #[arg(long, value_name = "N")]
    pub(crate) gen_len: Option<usize>,

    /// Denoising steps, at most the T of the model [default: T]
    #[arg(long, value_name = "N")]
    pub(crate) steps: Option<usize>,

    /// Which tokens a step draws again, and which stay
    #[arg(long, value_enum, default_value_t = Sampler::MaskGit)]
    pub(crate) sampler: Sampler,

    /// What logits are divided by: 0 takes the likeliest token, 1 draws as the model believes
    #[arg(long, default_value_t = 0.8, allow_negative_numbers = true, value_name = "X")]
    pub(crate) temperature: f32,

    /// Noise in the order in which `maskgit` keeps tokens: 0 keeps the surest, 100 keeps any
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true, value_name = "X")]
    pub(crate) choice_temperature: f32,

    /// Draw among this many likeliest tokens [default: all]
    #[arg(long, value_name = "N")]
    pub(crate) top_k: Option<u32>,

    /// Draw among the fewest likeliest tokens with this total probability [default: all]
    #[arg(long, allow_negative_numbers = true, value_name = "P")]
    pub(crate) top_p: Option<f32>,

    /// Seed of all draws: the same seed gives the same text
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u64,

    /// Texts to write
    #[arg(long, default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) batch: u32,

    /// End a text where the model ends its story; `=false` fills the whole length: no end is drawn
    #[arg(long, default_value_t = true, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", action = clap::ArgAction::Set, value_name = "BOOL")]
    pub(crate) stop_at_end: bool,

    /// Do not animate the denoising in the terminal
    #[arg(long)]
    pub(crate) no_animate: bool,

    /// Write the denoising as JSON, from which `render` makes pictures without the model
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
    #[arg(long, value_enum, default_value_t = Theme::Dark)]
    pub(crate) theme: Theme,

    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

/// Colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Theme {
    /// Pale on dark.
    Dark,
    /// Dark on pale.
    Light,
}

impl From<Theme> for plot::theme::Theme {
    fn from(theme: Theme) -> Self {
        match theme {
            Theme::Dark => Self::Dark,
            Theme::Light => Self::Light,
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &SampleArgs) -> Result<()> {
    sample::sample(args)
}
