//! Generation: every sampler with several numbers of steps, with and without a cache.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use device::Device;
use diffusion::sampler::{
    Generation, Parts, PassOptions, SampleError, SampleOptions, Sampler, SamplerKind, Workspace,
};
use model::{Model, Objective};
use pollster::block_on;
use serde::Serialize;

use super::{Request, passes};
use crate::checkpoints::{WeightsArgs, load_located};
use crate::print::say;

/// What is drawn with; untrained models are as undecided as they can be anyway.
const TEMPERATURE: f32 = 0.8;

/// What to generate.
#[derive(Clone, Debug)]
pub(crate) struct Texts<'a> {
    /// A trained model; else one with the shapes of the settings.
    pub(crate) checkpoint: Option<&'a Path>,
    /// Numbers of denoising steps.
    pub(crate) steps: &'a [usize],
    /// Texts at a time.
    pub(crate) number: usize,
}

#[derive(Serialize)]
struct Figures {
    device: String,
    texts: usize,
    /// Of a text; the first is given.
    tokens: usize,
    generations: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    sampler: &'static str,
    /// Asked for; none where the sampler decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<usize>,
    /// Whether keys and values of earlier tokens are kept.
    cache: bool,
    /// Passes of the network.
    passes: usize,
    seconds: f64,
    seconds_a_token: f64,
}

/// Measures and prints.
pub(crate) fn generate(request: &Request, texts: &Texts<'_>) -> Result<()> {
    let (mut device, variants) = request.open()?;
    let (model, schedule) = match texts.checkpoint {
        Some(path) => {
            let checkpoint = load_located(path, None, WeightsArgs::default())?.model;
            (Model::load(&mut device, &checkpoint)?, checkpoint.card.schedule)
        }
        None => {
            let settings = &request.settings;
            let model = passes::untrained(&mut device, settings, settings.objective())?;
            (model, settings.diffusion.schedule)
        }
    };
    let length = model.config.block_size;
    let mut figures = Figures {
        device: device.to_string(),
        texts: texts.number,
        tokens: length,
        generations: Vec::new(),
    };
    say!(
        "\n{:<16}{:>7}{:>8}{:>9}{:>12}{:>12}{:>12}",
        format!("{} x {length} tokens", texts.number),
        "steps",
        "cache",
        "passes",
        "seconds",
        "ms a token",
        "tokens/s"
    );
    let plain = Workspace::new(&mut device, &model.config, texts.number, length)?;
    let cached = match model.objective {
        Objective::Autoregressive | Objective::Block(_) => {
            Some(Workspace::for_model(&mut device, &model, texts.number, length)?)
        }
        _ => None,
    };
    let mut prompt = vec![None; length];
    prompt[0] = Some(0);
    let prompts = vec![prompt; texts.number];
    for kind in SamplerKind::ALL {
        let asked = texts.steps.iter().map(|&steps| Some(steps.min(model.config.timesteps)));
        let decides = kind == SamplerKind::LeftToRight || Sampler::from(kind).adaptive();
        let asked: Vec<Option<usize>> = if decides { vec![None] } else { asked.collect() };
        for steps in asked {
            let options = SampleOptions {
                sampler: kind.into(),
                schedule,
                steps,
                temperature: TEMPERATURE,
                ..SampleOptions::default()
            };
            if options.validate(&model.config, model.objective).is_err() {
                continue;
            }
            for workspace in [Some(&plain), cached.as_ref()].into_iter().flatten() {
                let parts = Parts { model: &model, variants: &variants, workspace };
                let measured = best(&mut device, parts, &prompts, &options, request.repeats);
                let (passes, seconds) = match measured {
                    // Without a cache, some samplers cannot write in blocks.
                    Err(SampleError::Impossible(_)) => continue,
                    measured => measured?,
                };
                let row = Row {
                    sampler: kind.name(),
                    steps,
                    cache: !std::ptr::eq(workspace, &raw const plain),
                    passes,
                    seconds,
                    seconds_a_token: seconds / (texts.number * (length - 1)) as f64,
                };
                row.print();
                figures.generations.push(row);
            }
        }
    }
    request.write(&figures)
}

/// Passes, and seconds of the fastest of `repeats` generations after one to warm up.
fn best(
    device: &mut Device,
    parts: Parts<'_>,
    prompts: &[Vec<Option<u32>>],
    options: &SampleOptions,
    repeats: usize,
) -> Result<(usize, f64), SampleError> {
    let (mut passes, mut seconds) = (0, f64::INFINITY);
    for repeat in 0..=repeats {
        let mut generation =
            Generation::new(device, parts, prompts, options, PassOptions::default())?;
        let start = Instant::now();
        generation.run(device)?;
        block_on(generation.read_state(device))?;
        if repeat > 0 {
            seconds = seconds.min(start.elapsed().as_secs_f64());
        }
        passes = block_on(generation.passes_run(device))?;
    }
    Ok((passes, seconds))
}

impl Row {
    fn print(&self) {
        let Self { sampler, steps, cache, passes, seconds, seconds_a_token } = self;
        say!(
            "{sampler:<16}{:>7}{:>8}{passes:>9}{seconds:>12.3}{:>12.2}{:>12.0}",
            steps.map_or("-".to_owned(), |steps| steps.to_string()),
            if *cache { "yes" } else { "no" },
            seconds_a_token * 1e3,
            1.0 / seconds_a_token,
        );
    }
}
