//! A training step: its speed, and where its time goes.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::Result;
use device::{Device, Timing};
use diffusion::training::Training;
use kernels::Variants;
use plot::curve::Bar;
use pollster::block_on;
use run::Settings;
use serde::Serialize;

use super::peaks::Peaks;
use crate::print::say;

/// A training step.
#[derive(Serialize)]
pub(super) struct Step {
    sequences: usize,
    tokens: usize,
    seconds_best: f64,
    seconds_median: f64,
    /// Bytes of its buffers, parameters and optimizer's state included.
    memory: u64,
    /// What ran, where kernels can be timed; else all that is recorded.
    flop: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    kernels: Vec<KernelTime>,
}

/// All launches of a kernel in a step.
#[derive(Serialize)]
struct KernelTime {
    kernel: &'static str,
    launches: usize,
    seconds: f64,
    flop: f64,
    bytes: f64,
    /// The least time for this arithmetic and traffic, launch by launch.
    floor_seconds: f64,
}

impl Step {
    /// What its picture shows.
    pub(super) fn title(&self, device: &str) -> String {
        format!(
            "One training step, {} sequences of {} tokens, on {device}",
            self.sequences, self.tokens
        )
    }

    /// The bars of its picture.
    pub(super) fn bars(&self) -> Vec<Bar> {
        let bar = |kernel: &KernelTime| Bar {
            name: kernel.kernel.to_owned(),
            launches: kernel.launches,
            seconds: kernel.seconds,
            floor: kernel.floor_seconds,
        };
        self.kernels.iter().map(bar).collect()
    }

    fn print(&self, peaks: &Peaks) {
        let Self { sequences, tokens, seconds_best, seconds_median, flop, .. } = self;
        let all = (sequences * tokens) as f64;
        say!("\ntraining step, {sequences} sequences of {tokens} tokens");
        say!(
            "  {:.0} tokens/s best, {:.0} median ({seconds_median:.3} s a step)",
            all / seconds_best,
            all / seconds_median
        );
        say!(
            "  {:.2} TFLOP a step, {:.1} GFLOP/s best: {:.2} times the {:.3} s that its FLOP take at the peak",
            flop * 1e-12,
            flop * 1e-9 / seconds_best,
            seconds_best * peaks.flop_per_second / flop,
            flop / peaks.flop_per_second,
        );
        say!("  {:.0} MB of buffers", self.memory as f64 * 1e-6);
        if self.kernels.is_empty() {
            say!("  this adapter cannot time single kernels");
            return;
        }
        let total: f64 = self.kernels.iter().map(|kernel| kernel.seconds).sum();
        say!(
            "\n{:<30}{:>9}{:>10}{:>8}{:>10}{:>10}{:>9}{:>9}{:>10}{:>9}",
            "kernel",
            "launches",
            "ms",
            "share",
            "GFLOP",
            "GFLOP/s",
            "GB",
            "GB/s",
            "floor, ms",
            "achieved"
        );
        for KernelTime { kernel, launches, seconds, flop, bytes, floor_seconds } in &self.kernels {
            say!(
                "{kernel:<30}{launches:>9}{:>10.2}{:>7.1}%{:>10.2}{:>10.1}{:>9.3}{:>9.1}{:>10.2}{:>8.0}%",
                seconds * 1e3,
                100.0 * seconds / total,
                flop * 1e-9,
                flop * 1e-9 / seconds,
                bytes * 1e-9,
                bytes * 1e-9 / seconds,
                floor_seconds * 1e3,
                100.0 * floor_seconds / seconds,
            );
        }
        let floor: f64 = self.kernels.iter().map(|kernel| kernel.floor_seconds).sum();
        say!(
            "all kernels: {:.1} ms, their floors {:.1} ms ({:.0}%)",
            total * 1e3,
            floor * 1e3,
            100.0 * floor / total
        );
    }
}

/// Measures and prints a step.
pub(super) fn run(
    device: &mut Device,
    variants: &Variants,
    settings: &Settings,
    repeats: usize,
    peaks: &Peaks,
) -> Result<Step> {
    let before = device.memory();
    let mut training = run::on_zeros(device, variants, settings)?;
    let seconds = step_seconds(device, &mut training, repeats)?;
    let timings = block_on(training.profile(device))?;
    let flop = match &timings {
        Some(timings) => timings.iter().map(|timing| timing.flop).sum(),
        None => training.recording().flop(),
    };
    let step = Step {
        sequences: settings.train.batch_size,
        tokens: settings.model.block_size,
        seconds_best: seconds[0],
        seconds_median: seconds[seconds.len() / 2],
        memory: device.memory() - before,
        flop: flop as f64,
        kernels: by_kernel(&timings.unwrap_or_default(), peaks),
    };
    step.print(peaks);
    Ok(step)
}

/// Seconds of `repeats` steps after one to warm up, the shortest first.
pub(super) fn step_seconds(
    device: &mut Device,
    training: &mut Training,
    repeats: usize,
) -> Result<Vec<f64>> {
    let mut seconds = Vec::with_capacity(repeats);
    for repeat in 0..=repeats {
        let start = Instant::now();
        training.step(device)?;
        // Reading waits for the step.
        block_on(training.log(device))?;
        if repeat > 0 {
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds)
}

/// One row per kernel, the slowest first. Launches that were skipped count for their time alone.
fn by_kernel(timings: &[Timing], peaks: &Peaks) -> Vec<KernelTime> {
    let mut kernels: BTreeMap<&str, KernelTime> = BTreeMap::new();
    for &Timing { kernel, seconds, flop, bytes, ran } in timings {
        let sum = kernels.entry(kernel).or_insert(KernelTime {
            kernel,
            launches: 0,
            seconds: 0.0,
            flop: 0.0,
            bytes: 0.0,
            floor_seconds: 0.0,
        });
        sum.launches += usize::from(ran);
        sum.seconds += seconds;
        sum.flop += flop as f64;
        sum.bytes += bytes as f64;
        sum.floor_seconds += peaks.floor(flop as f64, bytes as f64);
    }
    let mut rows: Vec<_> = kernels.into_values().collect();
    rows.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    rows
}
