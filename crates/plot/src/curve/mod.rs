//! Curves of a training run and of an evaluation, and the times of a step, as shapes.

mod axis;
mod bands;
mod chart;
mod step_time;

use crate::draw::{Color, Draw, Measure, Size};
use crate::theme::Theme;

pub use bands::{BandPlot, Series};

use chart::{Chart, Line};

pub use step_time::{Bar, StepPlot};

/// A size for curves in documents.
pub const SIZE: Size = Size { width: 1200, height: 675 };

/// Losses of one training run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// Name in the legend.
    pub name: String,
    /// `(step, loss in nats)` on training batches, steps growing. Non-finite losses are left out.
    pub train: Vec<(f64, f64)>,
    /// `(step, loss in nats)` on validation batches.
    pub validation: Vec<(f64, f64)>,
}

/// A reference line, such as the loss of uniform guessing.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// Its name.
    pub label: String,
    /// Its height.
    pub value: f64,
}

/// Loss over the training steps of one or more runs.
#[derive(Clone, Debug, Default)]
pub struct LossPlot {
    /// Title.
    pub title: String,
    /// The runs, at most six to be told apart.
    pub runs: Vec<Run>,
    /// Horizontal lines, for example ln V (guessing) and the unigram entropy.
    pub references: Vec<Reference>,
    /// Tokens per step, for the second row of labels below the steps.
    pub tokens_per_step: Option<f64>,
    /// Logarithmic steps.
    pub log_x: bool,
    /// Light or dark.
    pub theme: Theme,
}

impl LossPlot {
    /// The shapes of the plot. Training losses are drawn as they are, faint, and smoothed, strong;
    /// validation losses as dots on a line.
    pub fn draw(&self, size: Size, measure: &mut Measure<'_>) -> Vec<Draw> {
        let palette = self.theme.palette();
        let single = self.runs.len() == 1;
        let mut lines = Vec::new();
        for (i, run) in self.runs.iter().enumerate() {
            let color = palette.series[i % palette.series.len()];
            let train = finite(&run.train);
            let validation = finite(&run.validation);
            // One run: a colour and a name for each line; several: one of both for each run.
            let other = if single { palette.series[1] } else { color };
            let (mut train_name, mut validation_name) = (Some("train".into()), None);
            if single {
                validation_name = Some("validation".into());
            } else {
                train_name = Some(run.name.clone());
                if train.is_empty() {
                    std::mem::swap(&mut train_name, &mut validation_name);
                }
            }
            if !train.is_empty() {
                let smooth = smoothed(&train);
                lines.push(Line::thin(train, color.fade(0.3)));
                lines.push(Line::thick(train_name, smooth, color));
            }
            if !validation.is_empty() {
                lines.push(Line::dotted(validation_name, validation, other));
            }
        }
        let dotted = !single && self.runs.iter().any(|run| !run.validation.is_empty());
        let chart = Chart {
            title: &self.title,
            x_label: "Step",
            y_label: if dotted {
                "Loss, nats per predicted token (dots: validation)"
            } else {
                "Loss, nats per predicted token"
            },
            lines,
            references: &self.references,
            x_scale: self.tokens_per_step.map(|scale| ("Tokens", scale)),
            log_x: self.log_x,
            from_zero: false,
        };
        chart.draw(size, palette, measure)
    }
}

/// Bits per byte of held-out text over the training steps: comparable between tokenizers, and with
/// the entropy of what wrote the text where that is known.
#[derive(Clone, Debug, Default)]
pub struct BitsPlot {
    /// Title.
    pub title: String,
    /// Name and `(step, bits per byte)` of each run, at most six to be told apart.
    pub runs: Vec<(String, Vec<(f64, f64)>)>,
    /// Horizontal lines.
    pub references: Vec<Reference>,
    /// Tokens per step, for the second row of labels below the steps.
    pub tokens_per_step: Option<f64>,
    /// Light or dark.
    pub theme: Theme,
}

impl BitsPlot {
    /// The shapes of the plot.
    pub fn draw(&self, size: Size, measure: &mut Measure<'_>) -> Vec<Draw> {
        let palette = self.theme.palette();
        let runs = self.runs.iter().enumerate().map(|(i, (name, points))| {
            let color = palette.series[i % palette.series.len()];
            Line::dotted(Some(name.clone()), finite(points), color)
        });
        let chart = Chart {
            title: &self.title,
            x_label: "Step",
            y_label: "Held-out text, bits per byte (masked: upper bound)",
            lines: runs.collect(),
            references: &self.references,
            x_scale: self.tokens_per_step.map(|scale| ("Tokens", scale)),
            log_x: false,
            from_zero: true,
        };
        chart.draw(size, palette, measure)
    }
}

/// Predictive entropy over the diffusion time.
#[derive(Clone, Debug, Default)]
pub struct EntropyPlot {
    /// Title.
    pub title: String,
    /// Name and `(t, entropy in nats)` of each model.
    pub models: Vec<(String, Vec<(f64, f64)>)>,
    /// Horizontal lines, for example ln V.
    pub references: Vec<Reference>,
    /// Light or dark.
    pub theme: Theme,
}

impl EntropyPlot {
    /// The shapes of the plot.
    pub fn draw(&self, size: Size, measure: &mut Measure<'_>) -> Vec<Draw> {
        let palette = self.theme.palette();
        let color = |i: usize| -> Color { palette.series[i % palette.series.len()] };
        let models = self.models.iter().enumerate();
        let chart = Chart {
            title: &self.title,
            x_label: "Timestep",
            y_label: "Entropy of masked positions, nats",
            lines: models
                .map(|(i, (name, points))| {
                    Line::thick(Some(name.clone()), finite(points), color(i))
                })
                .collect(),
            references: &self.references,
            x_scale: None,
            log_x: false,
            from_zero: true,
        };
        chart.draw(size, palette, measure)
    }
}

fn finite(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    points.iter().copied().filter(|p| p.0.is_finite() && p.1.is_finite()).collect()
}

/// Exponential moving average. The window grows with the number of points up to a fortieth of
/// them, so that it does not lag behind a steep start.
fn smoothed(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let longest = (points.len() as f64 / 40.0).max(1.0);
    let mut mean = 0.0;
    let average = |(i, &(x, y)): (usize, &(f64, f64))| {
        mean += (y - mean) / (1.0 + 0.1 * i as f64).min(longest);
        (x, mean)
    };
    points.iter().enumerate().map(average).collect()
}
