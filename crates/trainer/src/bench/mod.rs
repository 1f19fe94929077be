//! Measurements of this machine, as tables.

mod operations;
mod training;
mod writing;

use std::time::Instant;

use anyhow::Result;
use device::{Device, DeviceError, Program, Slice};
use pollster::block_on;
use run::Settings;

use crate::compute::{self, ComputeArgs};
use crate::memory;
use crate::print::say;

/// What to measure, and how often.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Shapes of the model and the batch.
    pub(crate) settings: Settings,
    /// Runs of each operation and of the training step.
    pub(crate) repeats: usize,
    /// Denoising steps.
    pub(crate) denoising_steps: usize,
    /// What to compute on.
    pub(crate) compute: ComputeArgs,
}

/// Measures everything and prints it.
pub(crate) fn run(request: &Request) -> Result<()> {
    let Request { settings, repeats, denoising_steps, compute } = request;
    let mut device = compute.open()?;
    memory::check_training(settings, settings.data.vocab_size, &device)?;
    let variants = compute::variants(&mut device)?;
    say!("device  {device}");
    if device.gpu().is_some() {
        say!("variants   {variants:?}");
    }
    let peak = operations::run(&mut device, settings, *repeats)?;
    training::run(&mut device, &variants, settings, *repeats, peak)?;
    writing::run(&mut device, &variants, settings, *denoising_steps, peak)
}

/// Seconds of one run of `program`, the best of `repeats` after one to warm up. `output` is
/// something that it writes.
fn best_seconds(
    device: &mut Device,
    program: &Program,
    output: Slice,
    repeats: usize,
) -> Result<f64, DeviceError> {
    let mut best = f64::INFINITY;
    for repeat in 0..=repeats {
        let start = Instant::now();
        device.run(program)?;
        // Reading waits for what runs before it.
        block_on(device.read_floats(output.part(0, 1)))?;
        if repeat > 0 {
            best = best.min(start.elapsed().as_secs_f64());
        }
    }
    Ok(best)
}
