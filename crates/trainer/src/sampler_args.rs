//! The flags that say how texts are generated, for all commands that generate or describe it.

use anyhow::{Result, ensure};
use clap::Args;
use diffusion::sampler::{Commit, Correction, Layout, Order, SampleOptions, Sampler, SamplerKind};

/// How to generate. What is not given is left as the model's card, or else the program, has it.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Sampler")]
pub(crate) struct SamplerArgs {
    /// Which tokens come first, how many, and what is drawn again
    #[arg(long, value_name = "NAME", long_help = sampler_help())]
    pub(crate) sampler: Option<Sampler>,

    /// Which tokens come first: `confidence`, `margin` (between the two likeliest), `entropy`,
    /// `random`, or `noisy` (confidence with noise)
    #[arg(long)]
    pub(crate) order: Option<Order>,

    /// How many come in a step: as many as the `schedule` says, each by `chance`, all of a
    /// confidence of `threshold:P`, as many as depend on each other by at most `bound:NATS`, or `one`
    #[arg(long, value_name = "RULE")]
    pub(crate) commit: Option<Commit>,

    /// Where they may come: in the `whole` text, in `blocks:TOKENS` from left to right, or `apart`
    /// (no two neighbours in one step)
    #[arg(long)]
    pub(crate) layout: Option<Layout>,

    /// What is drawn again: `none`, the least confident tokens (`revise`), every token (`redraw`), a few
    /// at random (`remdm:ETA`), or, when the text stands, doubled tokens and those of a probability
    /// below P in up to ROUNDS rounds (`targeted:P:ROUNDS`)
    #[arg(long, value_name = "CORRECTION")]
    pub(crate) correct: Option<Correction>,

    /// Denoising steps, at most the model's number of timesteps [default: all of them]
    #[arg(long, value_name = "N")]
    pub(crate) steps: Option<usize>,

    /// Sampling temperature: 0 takes the likeliest token, 1 draws from the model's distribution
    /// [default: 0.8]
    #[arg(long, allow_negative_numbers = true, value_name = "X")]
    pub(crate) temperature: Option<f32>,

    /// Noise in the order `noisy`: 0 keeps the most confident, 100 any [default: 1]
    #[arg(long, allow_negative_numbers = true, value_name = "X")]
    pub(crate) choice_temperature: Option<f32>,

    /// Top-k sampling: draw among this many likeliest tokens [default: all]
    #[arg(long, value_name = "N")]
    pub(crate) top_k: Option<u32>,

    /// Nucleus (top-p) sampling: draw among the smallest set of likeliest tokens whose
    /// probabilities sum to at least this [default: all]
    #[arg(long, allow_negative_numbers = true, value_name = "P")]
    pub(crate) top_p: Option<f32>,
}

fn sampler_help() -> String {
    let presets = SamplerKind::ALL.map(|preset| {
        let parts = Sampler::from(preset);
        let Sampler { order, commit, layout, correction } = parts;
        format!("- {preset}: {}\n  ({order}+{commit}+{layout}+{correction})", preset.about())
    });
    format!(
        "Which tokens come first, how many, and what is drawn again [default: maskgit]\n\n{}\n\n\
         Parts may follow, joined by `+`: `maskgit+blocks:32`. They are those of --order, --commit, \
         --layout and --correct.",
        presets.join("\n")
    )
}

impl SamplerArgs {
    /// Whether any flag is given.
    pub(crate) fn given(&self) -> bool {
        let Self { sampler, order, commit, layout, correct, steps, .. } = self;
        let parts = order.is_some() || commit.is_some() || layout.is_some() || correct.is_some();
        let Self { temperature, choice_temperature, top_k, top_p, .. } = self;
        let draws = temperature.or(*choice_temperature).or(*top_p).is_some() || top_k.is_some();
        sampler.is_some() || parts || steps.is_some() || draws
    }

    /// The options with what is given.
    ///
    /// # Errors
    /// When steps are asked of a sampler that has none.
    pub(crate) fn apply(&self, options: &SampleOptions) -> Result<SampleOptions> {
        let mut sampler = self.sampler.unwrap_or(options.sampler);
        sampler.order = self.order.unwrap_or(sampler.order);
        sampler.commit = self.commit.unwrap_or(sampler.commit);
        sampler.layout = self.layout.unwrap_or(sampler.layout);
        sampler.correction = self.correct.unwrap_or(sampler.correction);
        ensure!(
            self.steps.is_none() || !sampler.adaptive(),
            "`{sampler}` takes as many steps as the text needs; leave out --steps, or use --commit schedule"
        );
        Ok(SampleOptions {
            sampler,
            steps: self.steps.or(options.steps),
            temperature: self.temperature.unwrap_or(options.temperature),
            choice_temperature: self.choice_temperature.unwrap_or(options.choice_temperature),
            top_k: self.top_k.or(options.top_k),
            top_p: self.top_p.or(options.top_p),
            ..options.clone()
        })
    }
}
