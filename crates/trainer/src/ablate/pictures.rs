//! Curves of runs, with bands over their seeds.

use plot::curve::{BandPlot, Series};
use plot::theme::Theme;

use super::matrix::Arm;
use super::measured::{Measured, Point};

/// An arm with what was measured of its runs.
pub(super) type Results = (Arm, Vec<Measured>);

/// What curves run over.
pub(super) const OVER: [(&str, &str); 3] =
    [("step", "Step"), ("tokens", "Tokens"), ("time", "Seconds of training")];

/// Bits per byte of held-out text over [`OVER`], one line for each arm, called by what the arms do not
/// share: the mean of the seeds, with a band from the lowest to the highest.
pub(super) fn curves(title: &str, arms: &[Results], over: usize) -> BandPlot {
    let lines = arms.iter().map(|(arm, runs)| Series::line(&arm.last, band(runs, over)));
    BandPlot {
        title: title.to_owned(),
        x_label: OVER[over].1.to_owned(),
        y_label: "Held-out text, bits per byte (band: all seeds)".to_owned(),
        lines: lines.collect(),
        log_x: true,
        theme: Theme::Light,
        ..BandPlot::default()
    }
}

/// x, lowest, mean and highest of the seeds, at the steps after the first that all have reached.
fn band(runs: &[Measured], over: usize) -> Vec<[f64; 4]> {
    let Some((first, others)) = runs.split_first() else { return vec![] };
    let at = |run: &Measured, step: u32| run.curve.iter().copied().find(|point| point.step == step);
    let x = |point: &Point| match over {
        0 => f64::from(point.step),
        1 => point.tokens,
        _ => point.seconds,
    };
    let steps = first.curve.iter().filter(|point| point.step > 0);
    let summary = steps.filter_map(|point| {
        let more = others.iter().map(|run| at(run, point.step));
        let points = [Some(*point)].into_iter().chain(more).collect::<Option<Vec<_>>>()?;
        let mean =
            |of: &dyn Fn(&Point) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
        let bits = points.iter().map(|point| point.bits_per_byte);
        let (low, high) = bits.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), bits| {
            (low.min(bits), high.max(bits))
        });
        Some([mean(&x), low, mean(&|point| point.bits_per_byte), high])
    });
    summary.collect()
}

/// Whether a picture has a curve: single points say less than the table.
pub(super) fn has_curves(plot: &BandPlot) -> bool {
    plot.lines.iter().any(|line| line.points.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_points_are_no_curves() {
        let plot = |points| BandPlot {
            lines: vec![Series::dots("one", vec![[1.0; 4]]), Series::dots("two", points)],
            ..BandPlot::default()
        };
        assert!(!has_curves(&plot(vec![[2.0; 4]])));
        assert!(has_curves(&plot(vec![[2.0; 4], [3.0; 4]])));
    }
}
