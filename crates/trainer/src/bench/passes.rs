//! A generation: time of a denoising pass.

use std::time::Instant;

use anyhow::Result;
use device::Device;
use diffusion::sampler::{Generation, Parts, PassOptions, SampleOptions, Workspace};
use kernels::Variants;
use model::{Card, Checkpoint, Model, Objective, initial_values};
use pollster::block_on;
use run::Settings;
use serde::Serialize;

use super::peaks::Peaks;
use crate::print::say;

/// Passes over some texts at a time.
#[derive(Serialize)]
pub(super) struct Passes {
    texts: usize,
    tokens: usize,
    seconds_a_pass: f64,
    floor_seconds: f64,
}

/// Measures and prints passes over one text and over eight.
pub(super) fn run(
    device: &mut Device,
    variants: &Variants,
    settings: &Settings,
    steps: usize,
    peaks: &Peaks,
) -> Result<Vec<Passes>> {
    let model = untrained(device, settings, Objective::Masked)?;
    let config = model.config;
    let steps = steps.clamp(1, config.timesteps);
    say!(
        "\n{:<40}{:>14}{:>14}{:>14}",
        "generation of the whole block",
        "ms a step",
        "floor, ms",
        "tokens/s"
    );
    let mut rows = Vec::new();
    for texts in [1, 8] {
        let workspace = Workspace::new(device, &config, texts, config.block_size)?;
        let prompts = vec![vec![None; config.block_size]; texts];
        let options = SampleOptions { steps: Some(steps), ..SampleOptions::default() };
        let mut run = || -> Result<(f64, u64)> {
            let parts = Parts { model: &model, variants, workspace: &workspace };
            let pass = PassOptions::default();
            let mut generation = Generation::new(device, parts, &prompts, &options, pass)?;
            let start = Instant::now();
            generation.run(device)?;
            block_on(generation.read_state(device))?;
            Ok((start.elapsed().as_secs_f64(), generation.recording().flop()))
        };
        run()?;
        let (seconds, flop) = run()?;
        let row = Passes {
            texts,
            tokens: config.block_size,
            seconds_a_pass: seconds / steps as f64,
            floor_seconds: flop as f64 / peaks.flop_per_second,
        };
        say!(
            "{:<40}{:>14.2}{:>14.2}{:>14.0}",
            format!("{texts} x {} tokens", row.tokens),
            1e3 * row.seconds_a_pass,
            1e3 * row.floor_seconds,
            (texts * row.tokens) as f64 / row.seconds_a_pass / config.timesteps as f64,
        );
        rows.push(row);
    }
    say!(
        "(floor: the pass's FLOP at the peak; tokens/s: of a generation in all {} steps)",
        config.timesteps
    );
    Ok(rows)
}

/// A model of these settings as it is before its training.
pub(super) fn untrained(
    device: &mut Device,
    settings: &Settings,
    objective: Objective,
) -> Result<Model> {
    let config = settings.config(settings.data.vocab_size, 2);
    let values = initial_values(&config, &settings.init());
    let card = Card { objective, ..Card::default() };
    Ok(Model::load(device, &Checkpoint { config, card, values })?)
}
