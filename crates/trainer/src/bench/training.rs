//! A training step: its speed, and where its time goes.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::Result;
use device::{Device, Timing};
use kernels::Variants;
use pollster::block_on;

use run::Settings;

use crate::print::say;

pub(super) fn run(
    device: &mut Device,
    variants: &Variants,
    settings: &Settings,
    repeats: usize,
    peak: f64,
) -> Result<()> {
    let mut training = run::on_zeros(device, variants, settings)?;
    let tokens = settings.tokens_per_step() as f64;
    let mut seconds = Vec::new();
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
    let (best, median) = (seconds[0], seconds[seconds.len() / 2]);
    let flop = training.recording().flop() as f64;
    say!(
        "\ntraining step, {} sequences of {} tokens",
        settings.train.batch_size,
        settings.model.block_size
    );
    say!(
        "  {:.0} tokens/s best, {:.0} median ({median:.3} s a step)",
        tokens / best,
        tokens / median
    );
    say!(
        "  {:.2} TFLOP a step, {:.1} GFLOP/s best: {:.2} times the {:.3} s that its FLOP take at the rate of the fastest product above",
        flop * 1e-12,
        flop * 1e-9 / best,
        best * peak / flop,
        flop / peak,
    );
    say!("  {:.0} MB of buffers", device.memory() as f64 * 1e-6);

    match block_on(training.profile(device))? {
        Some(timings) => by_kernel(&timings),
        None => say!("  this adapter cannot time single kernels"),
    }
    Ok(())
}

/// One row per kernel, the slowest first.
fn by_kernel(timings: &[Timing]) {
    #[derive(Default)]
    struct Sum {
        launches: usize,
        seconds: f64,
        flop: f64,
        bytes: f64,
    }
    let mut kernels: BTreeMap<&str, Sum> = BTreeMap::new();
    for timing in timings {
        let sum = kernels.entry(timing.kernel).or_default();
        sum.launches += 1;
        sum.seconds += timing.seconds;
        sum.flop += timing.flop as f64;
        sum.bytes += timing.bytes as f64;
    }
    let total: f64 = kernels.values().map(|sum| sum.seconds).sum();
    let mut rows: Vec<_> = kernels.into_iter().collect();
    rows.sort_by(|(_, a), (_, b)| b.seconds.total_cmp(&a.seconds));
    say!(
        "\n{:<30}{:>9}{:>10}{:>8}{:>10}{:>10}{:>10}{:>10}",
        "kernel",
        "launches",
        "ms",
        "share",
        "GFLOP",
        "GFLOP/s",
        "GB",
        "GB/s"
    );
    for (kernel, Sum { launches, seconds, flop, bytes }) in rows {
        say!(
            "{kernel:<30}{launches:>9}{:>10.2}{:>7.1}%{:>10.2}{:>10.1}{:>10.3}{:>10.1}",
            seconds * 1e3,
            100.0 * seconds / total,
            flop * 1e-9,
            flop * 1e-9 / seconds,
            bytes * 1e-9,
            bytes * 1e-9 / seconds,
        );
    }
}
