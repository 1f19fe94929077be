//! A generation: time of a denoising step.

use std::time::Instant;

use anyhow::Result;
use device::Device;
use diffusion::sampler::{Generation, Parts, PassOptions, SampleOptions, Workspace};
use kernels::Variants;
use model::{Card, Checkpoint, Model, initial_values};
use pollster::block_on;
use run::Settings;

use crate::print::say;

pub(super) fn run(
    device: &mut Device,
    variants: &Variants,
    settings: &Settings,
    steps: usize,
    peak: f64,
) -> Result<()> {
    let config = settings.config(settings.data.vocab_size, 2);
    let values = initial_values(&config, &settings.init());
    let checkpoint = Checkpoint { config, card: Card::default(), values };
    let model = Model::load(device, &checkpoint)?;
    let steps = steps.clamp(1, config.timesteps);
    say!(
        "\n{:<40}{:>14}{:>14}{:>14}",
        "generation of the whole block",
        "ms a step",
        "floor, ms",
        "tokens/s"
    );
    for batch in [1, 8] {
        let workspace = Workspace::new(device, &config, batch, config.block_size)?;
        let prompts = vec![vec![None; config.block_size]; batch];
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
        say!(
            "{:<40}{:>14.2}{:>14.2}{:>14.0}",
            format!("{batch} x {} tokens", config.block_size),
            1e3 * seconds / steps as f64,
            1e3 * flop as f64 / peak,
            (batch * config.block_size) as f64 * steps as f64 / seconds / config.timesteps as f64,
        );
    }
    say!(
        "(floor: the step's FLOP at the rate of the fastest product above; tokens/s: of a generation in all {} steps)",
        config.timesteps
    );
    Ok(())
}
