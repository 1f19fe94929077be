//! A chart with axes, reference lines and a legend.

use super::Reference;
use super::axis::{label, log_ticks, ticks};
use crate::draw::{Align, Color, Draw, Measure, Size, Weight, shorten};
use crate::theme::Palette;

/// Height of a row of the legend, in units of the design.
const ROW: f32 = 24.0;

/// One line of a chart.
pub(super) struct Line {
    /// Name in the legend; without one it is not listed.
    name: Option<String>,
    points: Vec<(f64, f64)>,
    color: Color,
    /// Thickness in units of the design.
    width: f32,
    dots: bool,
    /// Shaded around the line: x, lower and upper end.
    band: Vec<[f64; 3]>,
}

impl Line {
    pub(super) fn thin(points: Vec<(f64, f64)>, color: Color) -> Self {
        Self { name: None, points, color, width: 1.0, dots: false, band: vec![] }
    }

    pub(super) fn thick(name: Option<String>, points: Vec<(f64, f64)>, color: Color) -> Self {
        Self { name, points, color, width: 2.5, dots: false, band: vec![] }
    }

    pub(super) fn dotted(name: Option<String>, points: Vec<(f64, f64)>, color: Color) -> Self {
        Self { name, points, color, width: 2.0, dots: true, band: vec![] }
    }

    pub(super) fn with_band(self, band: Vec<[f64; 3]>) -> Self {
        Self { band, ..self }
    }
}

pub(super) struct Chart<'a> {
    pub(super) title: &'a str,
    pub(super) x_label: &'a str,
    pub(super) y_label: &'a str,
    pub(super) lines: Vec<Line>,
    pub(super) references: &'a [Reference],
    /// A second row of x labels: its name and how many of it one x is.
    pub(super) x_scale: Option<(&'a str, f64)>,
    pub(super) log_x: bool,
    pub(super) from_zero: bool,
}

/// From data to pixels.
struct Frame {
    left: f32,
    right: f32,
    top: f32,
    bottom: f32,
    x: (f64, f64),
    y: (f64, f64),
    log_x: bool,
}

impl Frame {
    fn x(&self, value: f64) -> f32 {
        let (low, high) = self.x;
        let share = if self.log_x {
            (value.max(low) / low).ln() / (high / low).ln()
        } else {
            (value - low) / (high - low)
        };
        self.left + (self.right - self.left) * share as f32
    }

    fn y(&self, value: f64) -> f32 {
        let share = (value - self.y.0) / (self.y.1 - self.y.0);
        self.bottom - (self.bottom - self.top) * share as f32
    }
}

impl Chart<'_> {
    pub(super) fn draw(
        &self,
        size: Size,
        palette: &Palette,
        measure: &mut Measure<'_>,
    ) -> Vec<Draw> {
        let (width, height) = (size.width as f32, size.height as f32);
        let u = (width / 1200.0).min(height / 675.0);
        let small = 16.0 * u;
        let mut out = vec![Draw::Rect {
            x: 0.0,
            y: 0.0,
            width,
            height,
            radius: 0.0,
            color: palette.background,
        }];
        let mut frame = self.frame(size, u);

        let margin = 48.0 * u;
        let bold = Weight::Bold;
        let title = shorten(self.title, width - 2.0 * margin, 24.0 * u, bold, measure);
        out.push(text((margin, 58.0 * u), Align::Left, (24.0 * u, bold), palette.ink, title));
        let regular = (small, Weight::Regular);
        let y_name = (margin, 92.0 * u);
        out.push(text(y_name, Align::Left, regular, palette.muted, self.y_label.into()));
        let rows = self.legend_rows(width - margin, u, measure);
        self.legend(&rows, width - margin, u, palette, &mut out);
        frame.top += ROW * (rows.len() - 1) as f32 * u;

        let y_ticks = ticks(frame.y.0, frame.y.1, 6);
        let widest = y_ticks.iter().map(|&t| measure(&label(t), small, Weight::Regular));
        frame.left = margin + widest.fold(0.0, f32::max) + 14.0 * u;
        for &tick in &y_ticks {
            let y = frame.y(tick);
            out.push(line([frame.left, y], [frame.right, y], u, palette.hairline, 0.0));
            let at = (frame.left - 14.0 * u, y + 0.36 * small);
            out.push(text(at, Align::Right, regular, palette.muted, label(tick)));
        }
        self.x_axis(&frame, u, palette, measure, &mut out);
        for line in &self.lines {
            band(line, &frame, u, &mut out);
        }
        for line in &self.lines {
            polyline(line, &frame, u, palette, &mut out);
        }
        self.reference_lines(&frame, u, palette, measure, &mut out);
        out
    }

    fn frame(&self, size: Size, u: f32) -> Frame {
        let points = || self.lines.iter().flat_map(|line| line.points.iter());
        let first = points().map(|p| p.0).filter(|&x| !self.log_x || x > 0.0);
        let (mut left, mut right) = range(first, (1.0, 10.0));
        if self.log_x {
            (left, right) = (left.max(f64::MIN_POSITIVE), right.max(left * 1.001));
        } else {
            // A run that starts at step 1 or 10 starts at the axis too.
            left = if left > 0.0 && left < 0.1 * right { 0.0 } else { left };
        }
        let levels = self.references.iter().map(|r| r.value).filter(|v| v.is_finite());
        let bands =
            self.lines.iter().flat_map(|line| &line.band).flat_map(|&[_, low, high]| [low, high]);
        let (low, high) = range(points().map(|p| p.1).chain(levels).chain(bands), (0.0, 1.0));
        let pad = 0.06 * (high - low);
        let low = if self.from_zero { low.min(0.0) } else { low - pad };
        let rows = if self.x_scale.is_some() { 98.0 } else { 74.0 };
        Frame {
            left: 110.0 * u,
            right: size.width as f32 - 48.0 * u,
            top: 122.0 * u,
            bottom: size.height as f32 - rows * u,
            x: (left, right),
            y: (low, high + pad),
            log_x: self.log_x,
        }
    }

    fn x_axis(
        &self,
        frame: &Frame,
        u: f32,
        palette: &Palette,
        measure: &mut Measure<'_>,
        out: &mut Vec<Draw>,
    ) {
        let small = 16.0 * u;
        let regular = (small, Weight::Regular);
        let ink = palette.muted;
        let from_to = ([frame.left, frame.bottom], [frame.right, frame.bottom]);
        out.push(line(from_to.0, from_to.1, 1.5 * u, ink.fade(0.6), 0.0));
        let rows: Vec<(&str, f64)> =
            [(self.x_label, 1.0)].into_iter().chain(self.x_scale).collect();
        let mut marks = if self.log_x { log_ticks(frame.x.0, frame.x.1) } else { vec![] };
        // Between two of them lies none that is labelled.
        if marks.len() < 2 {
            marks = ticks(frame.x.0, frame.x.1, 6);
        }
        let ticks = marks;
        for (row, &(name, scale)) in rows.iter().enumerate() {
            let y = frame.bottom + (28.0 + 24.0 * row as f32) * u;
            // The axis title is at the right end; labels that would touch it are left out.
            let name_left = frame.right - measure(name, small, Weight::Regular);
            out.push(text((frame.right, y), Align::Right, regular, palette.ink, name.into()));
            for &tick in &ticks {
                let (x, shown) = (frame.x(tick), label(tick * scale));
                if x + measure(&shown, small, Weight::Regular) / 2.0 + small < name_left {
                    out.push(text((x, y), Align::Center, regular, ink, shown));
                }
            }
        }
        for &tick in &ticks {
            let x = frame.x(tick);
            let to = [x, frame.bottom + 6.0 * u];
            out.push(line([x, frame.bottom], to, u, ink.fade(0.6), 0.0));
        }
    }

    /// Dashed lines with their names above them at the right; names that would lie on another line
    /// or name go below.
    fn reference_lines(
        &self,
        frame: &Frame,
        u: f32,
        palette: &Palette,
        measure: &mut Measure<'_>,
        out: &mut Vec<Draw>,
    ) {
        let small = 15.0 * u;
        let mut sorted: Vec<&Reference> =
            self.references.iter().filter(|r| r.value.is_finite()).collect();
        sorted.sort_by(|a, b| b.value.total_cmp(&a.value));
        let mut lowest = f32::NEG_INFINITY; // lower edge of the last name
        for reference in sorted {
            let y = frame.y(reference.value);
            let color = palette.muted;
            out.push(line([frame.left, y], [frame.right, y], 1.5 * u, color, 6.0 * u));
            let above = y - 8.0 * u;
            let baseline = if above - small > lowest { above } else { y + 1.3 * small };
            lowest = baseline.max(y) + 0.3 * small;
            let name = format!("{}  {}", reference.label, label(reference.value));
            let width = measure(&name, small, Weight::Regular);
            let pad = 6.0 * u;
            out.push(Draw::Rect {
                x: frame.right - width - 2.0 * pad,
                y: baseline - 0.95 * small,
                width: width + 2.0 * pad,
                height: 1.25 * small,
                radius: 3.0 * u,
                color: palette.background.fade(0.8),
            });
            let at = (frame.right - pad, baseline);
            out.push(text(at, Align::Right, (small, Weight::Regular), palette.ink, name));
        }
    }

    /// The named lines in rows that fit: the first beside the name of the y axis, others below it. Each
    /// has the width of its name.
    fn legend_rows(
        &self,
        right: f32,
        u: f32,
        measure: &mut Measure<'_>,
    ) -> Vec<Vec<(&Line, &str, f32)>> {
        let small = 16.0 * u;
        let mut left = 64.0 * u + measure(self.y_label, small, Weight::Regular);
        let (mut rows, mut row, mut used) = (vec![], vec![], 0.0);
        for line in &self.lines {
            let Some(name) = &line.name else { continue };
            let width = measure(name, small, Weight::Regular);
            if used + width + 34.0 * u > right - left {
                rows.push(std::mem::take(&mut row));
                (left, used) = (48.0 * u, 0.0);
            }
            row.push((line, name.as_str(), width));
            used += width + 60.0 * u;
        }
        rows.push(row);
        rows
    }

    /// Names from right to left, row by row.
    fn legend(
        &self,
        rows: &[Vec<(&Line, &str, f32)>],
        right: f32,
        u: f32,
        palette: &Palette,
        out: &mut Vec<Draw>,
    ) {
        let small = 16.0 * u;
        for (number, row) in rows.iter().enumerate() {
            let (mut x, y) = (right, (92.0 + ROW * number as f32) * u);
            for &(entry, name, width) in row.iter().rev() {
                let start = x - width - 34.0 * u;
                let middle = y - 0.34 * small;
                let (from, to) = ([start, middle], [start + 24.0 * u, middle]);
                out.push(line(from, to, 3.0 * u, entry.color, 0.0));
                if entry.dots {
                    dot([start + 12.0 * u, middle], 4.5 * u, entry.color, palette, out);
                }
                let (at, regular) = ((x - width, y), (small, Weight::Regular));
                out.push(text(at, Align::Left, regular, palette.ink, name.to_owned()));
                x = start - 26.0 * u;
            }
        }
    }
}

fn band(line: &Line, frame: &Frame, u: f32, out: &mut Vec<Draw>) {
    let shown = || line.band.iter().filter(|[x, ..]| !frame.log_x || *x > 0.0);
    let lower = shown().map(|&[x, low, _]| [frame.x(x), frame.y(low)]);
    let upper = shown().map(|&[x, _, high]| [frame.x(x), frame.y(high)]);
    let points: Vec<_> = lower.chain(upper.rev()).collect();
    match points[..] {
        [] => {}
        // A single point has no width.
        [from, to] => out.push(self::line(from, to, 2.0 * u, line.color.fade(0.4), 0.0)),
        _ => out.push(Draw::Area { points, color: line.color.fade(0.18) }),
    }
}

fn polyline(line: &Line, frame: &Frame, u: f32, palette: &Palette, out: &mut Vec<Draw>) {
    let shown = line.points.iter().filter(|p| !frame.log_x || p.0 > 0.0);
    let points: Vec<[f32; 2]> = shown.map(|p| [frame.x(p.0), frame.y(p.1)]).collect();
    let few = points.len() <= 60;
    out.push(Draw::Polyline { points: points.clone(), width: line.width * u, color: line.color });
    if line.dots || points.len() == 1 {
        let radius = if few { 4.5 * u } else { 2.5 * u };
        for point in points {
            dot(point, radius, line.color, palette, out);
        }
    }
}

fn dot([x, y]: [f32; 2], radius: f32, color: Color, palette: &Palette, out: &mut Vec<Draw>) {
    for (radius, color) in [(1.45 * radius, palette.background), (radius, color)] {
        out.push(Draw::Rect {
            x: x - radius,
            y: y - radius,
            width: 2.0 * radius,
            height: 2.0 * radius,
            radius,
            color,
        });
    }
}

/// Smallest and largest; never empty and never a single value.
fn range(values: impl Iterator<Item = f64>, default: (f64, f64)) -> (f64, f64) {
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if low > high {
        default
    } else if high - low <= 1e-9 * high.abs().max(1e-9) {
        (low, low + low.abs().max(1.0))
    } else {
        (low, high)
    }
}

fn line(from: [f32; 2], to: [f32; 2], width: f32, color: Color, dash: f32) -> Draw {
    Draw::Line { from, to, width, color, dash }
}

fn text(
    (x, y): (f32, f32),
    align: Align,
    (size, weight): (f32, Weight),
    color: Color,
    text: String,
) -> Draw {
    Draw::Text { x, y, align, size, weight, color, text }
}
