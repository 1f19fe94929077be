//! Where the time of a training step goes, as bars.

use crate::draw::{Align, Color, Draw, Measure, Size, Weight, shorten};
use crate::theme::Theme;

/// All launches of one kernel in a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Name of the kernel.
    pub name: String,
    /// How many there are.
    pub launches: usize,
    /// Time of all of them, in seconds.
    pub seconds: f64,
    /// The least time that their arithmetic and traffic can take, in seconds.
    pub floor: f64,
}

/// A bar per kernel, the slowest first, each with its floor.
#[derive(Clone, Debug)]
pub struct StepPlot {
    /// Title.
    pub title: String,
    /// The kernels, the slowest first; those without room are summed up.
    pub kernels: Vec<Bar>,
    /// Light or dark.
    pub theme: Theme,
}

/// Most bars that are drawn.
const MOST: usize = 16;

impl StepPlot {
    /// The shapes of the plot.
    pub fn draw(&self, size: Size, measure: &mut Measure<'_>) -> Vec<Draw> {
        let palette = self.theme.palette();
        let (width, height) = (size.width as f32, size.height as f32);
        let u = (width / 1200.0).min(height / 675.0);
        let (margin, small) = (48.0 * u, 16.0 * u);
        let text = |x: f32, y: f32, align, weight, color, size, text: String| Draw::Text {
            x,
            y,
            align,
            size,
            weight,
            color,
            text,
        };
        let rect = |x: f32, y: f32, width: f32, height: f32, color: Color| Draw::Rect {
            x,
            y,
            width,
            height,
            radius: 0.0,
            color,
        };
        let (measured, floor) = (palette.accent.fade(0.45), palette.accent);
        let mut out = vec![rect(0.0, 0.0, width, height, palette.background)];
        let title = shorten(&self.title, width - 2.0 * margin, 24.0 * u, Weight::Bold, measure);
        let bold = Weight::Bold;
        out.push(text(margin, 58.0 * u, Align::Left, bold, palette.ink, 24.0 * u, title));
        let mut x = margin;
        for (color, name) in [
            (
                floor,
                "Floor: what arithmetic or memory traffic take at the adapter's measured peaks",
            ),
            (measured, "Measured above it"),
        ] {
            out.push(rect(x, 80.0 * u, small, small, color));
            let at = x + 1.5 * small;
            let regular = Weight::Regular;
            out.push(text(at, 94.0 * u, Align::Left, regular, palette.muted, small, name.into()));
            x = at + measure(name, small, regular) + 2.0 * small;
        }

        let bars = self.bars();
        let total: f64 = bars.iter().map(|bar| bar.seconds).sum();
        let longest = bars.iter().map(|bar| bar.seconds).fold(f64::MIN_POSITIVE, f64::max);
        let names: Vec<String> =
            bars.iter().map(|bar| format!("{} × {}", bar.name, bar.launches)).collect();
        let widest = names.iter().map(|name| measure(name, small, Weight::Regular));
        let left = margin + widest.fold(0.0, f32::max) + small;
        let figures = measure("1,000.00 ms  100% of the step", small, Weight::Regular);
        let room = (width - margin - figures - small - left).max(0.0);
        let top = 126.0 * u;
        let pitch = (height - top - 40.0 * u) / bars.len().max(1) as f32;
        for (row, (bar, name)) in bars.iter().zip(names).enumerate() {
            let pitch = pitch.min(56.0 * u);
            let y = top + pitch * row as f32;
            let middle = y + pitch / 2.0 + 0.35 * small;
            let length = |seconds: f64| room * (seconds / longest) as f32;
            let regular = Weight::Regular;
            let right = left - 0.6 * small;
            out.push(text(right, middle, Align::Right, regular, palette.ink, small, name));
            let (y, thick) = (y + 0.14 * pitch, 0.72 * pitch);
            out.push(rect(left, y, length(bar.seconds), thick, measured));
            out.push(rect(left, y, length(bar.floor.min(bar.seconds)), thick, floor));
            let share = 100.0 * bar.seconds / total.max(f64::MIN_POSITIVE);
            let figure = format!("{:.1} ms  {share:.1}% of the step", bar.seconds * 1e3);
            let at = left + length(bar.seconds) + 0.6 * small;
            out.push(text(at, middle, Align::Left, regular, palette.muted, small, figure));
        }
        out
    }

    /// The slowest kernels, and one bar for all others.
    fn bars(&self) -> Vec<Bar> {
        if self.kernels.len() <= MOST {
            return self.kernels.clone();
        }
        let (shown, rest) = self.kernels.split_at(MOST - 1);
        let rest = Bar {
            name: format!("{} other kernels", rest.len()),
            launches: rest.iter().map(|bar| bar.launches).sum(),
            seconds: rest.iter().map(|bar| bar.seconds).sum(),
            floor: rest.iter().map(|bar| bar.floor).sum(),
        };
        [shown, &[rest]].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_without_room_are_summed_up() {
        let bar = |n: usize| Bar {
            name: format!("kernel_{n}"),
            launches: 2,
            seconds: 1e-3 / (1 + n) as f64,
            floor: 2e-4 / (1 + n) as f64,
        };
        let kernels: Vec<Bar> = (0..20).map(bar).collect();
        let plot = StepPlot { title: "A step".into(), kernels, theme: Theme::Light };
        let bars = plot.bars();
        assert_eq!((bars.len(), &*bars[15].name), (16, "5 other kernels"));
        assert_eq!(bars[15].launches, 10);
        let sum = |bars: &[Bar]| bars.iter().map(|bar| bar.seconds).sum::<f64>();
        assert!((sum(&bars) - sum(&plot.kernels)).abs() < 1e-15);

        // Everything stays inside the picture.
        let size = Size { width: 1200, height: 675 };
        let width = |text: &str, size: f32, _: Weight| 0.5 * size * text.chars().count() as f32;
        for shape in plot.draw(size, &mut { width }) {
            match shape {
                Draw::Rect { x, y, width, height, .. } => {
                    assert!(x >= 0.0 && x + width <= 1200.0 && y + height <= 675.0, "{shape:?}");
                }
                Draw::Text { x, y, align: Align::Left, size, weight, ref text, .. } => {
                    assert!(x + width(text, size, weight) <= 1200.0 && y <= 675.0, "{shape:?}");
                }
                Draw::Text { x, ref text, size, weight, .. } => {
                    assert!(x - width(text, size, weight) >= 0.0, "{shape:?}");
                }
                _ => panic!("{shape:?}"),
            }
        }
    }
}
