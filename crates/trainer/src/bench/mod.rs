//! Measurements of this machine, as tables and as JSON.

mod generate;
mod operations;
mod passes;
mod peaks;
mod scale;
mod training;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use clap::ValueEnum;
use device::{Device, DeviceError, Program, Slice};
use kernels::Variants;
use plot::curve::StepPlot;
use plot::theme::Theme;
use pollster::block_on;
use run::Settings;
use serde::Serialize;

use crate::compute::{self, ComputeArgs};
use crate::curves::Drawing;
use crate::print::say;
use crate::{files, memory};

pub(crate) use generate::{Texts, generate};
pub(crate) use scale::scale;

use operations::Rates;
use passes::Passes;
use peaks::Peaks;
use training::Step;

/// One of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Matrix products in every variant.
    Products,
    /// Attention in every variant.
    Attention,
    /// A training step, kernel by kernel.
    Step,
    /// Denoising passes.
    Passes,
}

/// What all measurements have in common.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Shapes of the model and the batch.
    pub(crate) settings: Settings,
    /// Runs of everything that is measured.
    pub(crate) repeats: usize,
    /// File for the figures as JSON.
    pub(crate) json: Option<PathBuf>,
    /// What to compute on.
    pub(crate) compute: ComputeArgs,
}

impl Request {
    /// Opens the device and says what it is.
    fn open(&self) -> Result<(Device, Variants)> {
        let mut device = self.compute.open()?;
        let variants = compute::variants(&mut device, self.settings.train.precision)?;
        say!("device  {device}");
        if device.gpu().is_some() {
            say!("variants   {variants:?}");
        }
        Ok((device, variants))
    }

    /// Writes figures as JSON, if somebody wants them.
    fn write(&self, figures: &impl Serialize) -> Result<()> {
        let Some(path) = &self.json else { return Ok(()) };
        files::write_atomically(path, |file| {
            serde_json::to_writer_pretty(&mut *file, figures)?;
            Ok(writeln!(file)?)
        })
    }
}

/// The figures of [`run()`].
#[derive(Serialize)]
struct Figures {
    device: String,
    variants: Variants,
    #[serde(flatten)]
    peaks: Peaks,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    products: Vec<Rates>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attention: Vec<Rates>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<Step>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    passes: Vec<Passes>,
}

/// Measures `parts` and prints them. `picture` shows where the time of a training step goes: an SVG file
/// or, by its ending, a PNG.
pub(crate) fn run(
    request: &Request,
    parts: &[Part],
    denoising_steps: usize,
    picture: Option<&Path>,
) -> Result<()> {
    let Request { settings, repeats, .. } = request;
    let (mut device, variants) = request.open()?;
    memory::check_training(settings, [0, 0], &device, &variants)?;
    let mut peaks = Peaks::measure(&mut device, settings.train.precision, *repeats)?;
    let wanted = |part| parts.contains(&part);
    let mut figures = Figures {
        device: device.to_string(),
        variants,
        peaks,
        products: Vec::new(),
        attention: Vec::new(),
        step: None,
        passes: Vec::new(),
    };
    if wanted(Part::Products) {
        figures.products = operations::products(&mut device, settings, *repeats)?;
        let fastest = figures.products.iter().map(Rates::fastest);
        peaks.flop_per_second = fastest.fold(peaks.flop_per_second, f64::max);
        figures.peaks = peaks;
    }
    if wanted(Part::Attention) {
        figures.attention = operations::attention(&mut device, settings, *repeats)?;
    }
    if wanted(Part::Step) {
        let step = training::run(&mut device, &variants, settings, *repeats, &peaks)?;
        if let Some(path) = picture {
            let (title, kernels) = (step.title(&figures.device), step.bars());
            let plot = StepPlot { title, kernels, theme: Theme::Light };
            Drawing::new(|size, measure| plot.draw(size, measure))?.write(path)?;
        }
        figures.step = Some(step);
    }
    if wanted(Part::Passes) {
        figures.passes = passes::run(&mut device, &variants, settings, denoising_steps, &peaks)?;
    }
    request.write(&figures)
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
