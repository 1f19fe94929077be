//! How a training step grows with each of its sizes.

use anyhow::Result;
use kernels::Variants;
use run::Settings;
use serde::Serialize;

use super::Request;
use super::training::step_seconds;
use crate::memory;
use crate::print::say;

/// Factors that each size is multiplied by.
const FACTORS: [f64; 4] = [0.5, 1.0, 2.0, 4.0];

/// One of the sizes: its name, and how settings have it at a factor.
type Size = (&'static str, fn(&mut Settings, f64) -> usize);

const SIZES: [Size; 4] = [
    ("batch_size", |settings, factor| scaled(&mut settings.train.batch_size, factor)),
    ("block_size", |settings, factor| scaled(&mut settings.model.block_size, factor)),
    ("n_embd", |settings, factor| {
        // Heads stay as wide as they are.
        let width = settings.model.n_embd / settings.model.n_head;
        settings.model.n_embd = width * scaled(&mut settings.model.n_head, factor);
        settings.model.n_embd
    }),
    ("n_layer", |settings, factor| scaled(&mut settings.model.n_layer, factor)),
];

fn scaled(size: &mut usize, factor: f64) -> usize {
    *size = (*size as f64 * factor).round().max(1.0) as usize;
    *size
}

#[derive(Serialize)]
struct Figures {
    device: String,
    points: Vec<Point>,
    /// By size: the exponents of growth of a step's time and of its memory.
    exponents: Vec<Exponents>,
}

#[derive(Clone, Copy, Serialize)]
struct Point {
    size: &'static str,
    value: usize,
    seconds: f64,
    tokens_per_second: f64,
    memory: u64,
}

#[derive(Serialize)]
struct Exponents {
    size: &'static str,
    seconds: f64,
    memory: f64,
}

/// Measures and prints.
pub(crate) fn scale(request: &Request) -> Result<()> {
    let (device, variants) = request.open()?;
    let mut figures =
        Figures { device: device.to_string(), points: Vec::new(), exponents: Vec::new() };
    drop(device);
    say!(
        "\n{:<12}{:>8}{:>14}{:>12}{:>14}",
        "training step",
        "",
        "ms a step",
        "tokens/s",
        "MB of buffers"
    );
    for (size, change) in SIZES {
        let mut points: Vec<Point> = Vec::new();
        for factor in FACTORS {
            let mut settings = request.settings.clone();
            let value = change(&mut settings, factor);
            if points.last().is_some_and(|last| last.value == value) {
                continue;
            }
            match point(request, &variants, &settings, (size, value)) {
                Ok(point) => {
                    say!(
                        "{size:<12}{value:>8}{:>14.1}{:>12.0}{:>14.0}",
                        point.seconds * 1e3,
                        point.tokens_per_second,
                        point.memory as f64 * 1e-6
                    );
                    points.push(point);
                }
                Err(error) => say!("{size:<12}{value:>8}  {error:#}"),
            }
        }
        let exponents = Exponents {
            size,
            seconds: exponent(&points, |point| point.seconds),
            memory: exponent(&points, |point| point.memory as f64),
        };
        say!(
            "{:20}time grows as {size}^{:.2}, memory as {size}^{:.2}",
            "",
            exponents.seconds,
            exponents.memory
        );
        figures.points.extend(points);
        figures.exponents.push(exponents);
    }
    request.write(&figures)
}

/// Measures a step on a device of its own: devices do not free buffers.
fn point(
    request: &Request,
    variants: &Variants,
    settings: &Settings,
    (size, value): (&'static str, usize),
) -> Result<Point> {
    let mut device = request.compute.open()?;
    memory::check_training(settings, [0, 0], &device, variants)?;
    let mut training = run::on_zeros(&mut device, variants, settings)?;
    let seconds = step_seconds(&mut device, &mut training, request.repeats)?[0];
    let tokens_per_second = settings.tokens_per_step() as f64 / seconds;
    Ok(Point { size, value, seconds, tokens_per_second, memory: device.memory() })
}

/// The exponent k of the power law `value^k` that fits best: the slope of logarithms by least squares.
fn exponent(points: &[Point], of: impl Fn(&Point) -> f64) -> f64 {
    let logs: Vec<(f64, f64)> =
        points.iter().map(|point| ((point.value as f64).ln(), of(point).ln())).collect();
    let n = logs.len() as f64;
    let mean = |part: fn(&(f64, f64)) -> f64| logs.iter().map(part).sum::<f64>() / n;
    let (x, y) = (mean(|log| log.0), mean(|log| log.1));
    let covariance: f64 = logs.iter().map(|log| (log.0 - x) * (log.1 - y)).sum();
    let variance: f64 = logs.iter().map(|log| (log.0 - x).powi(2)).sum();
    if variance > 0.0 { covariance / variance } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_found() {
        let point = |value: usize, seconds: f64| Point {
            size: "n_layer",
            value,
            seconds,
            tokens_per_second: 0.0,
            memory: 0,
        };
        let points: Vec<Point> =
            [1, 2, 4, 8].map(|n| point(n, 3e-3 * (n as f64).powf(1.5))).to_vec();
        assert!((exponent(&points, |point| point.seconds) - 1.5).abs() < 1e-12);
        assert_eq!(exponent(&points[..1], |point| point.seconds), 0.0);
        assert_eq!(exponent(&[], |point| point.seconds), 0.0);
    }
}
