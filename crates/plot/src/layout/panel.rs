//! Around the text: title, step counter, charts, legend and footer.

use super::grid::{Area, Grid};
use super::{Moment, Plan, Style};
use crate::caption::{self, short};
use crate::draw::{Align, Color, Draw, Measure, Weight, shorten};
use crate::theme::Palette;
use crate::trace::Trace;

/// Name of the mark of what a person pinned or wrote.
const BY_HAND: &str = "By hand";

impl Plan<'_> {
    pub(super) fn header(&self, style: &Style, measure: &mut Measure<'_>, out: &mut Vec<Draw>) {
        seal(&self.grid, style, &self.trace.model, measure, out);
    }

    pub(super) fn panel(&self, moment: Moment, style: &Style, out: &mut Vec<Draw>) {
        let palette = style.theme.palette();
        let frame = moment.frame;
        let state = &self.trace.frames[frame];
        let clock = self.trace.clock(state.step);
        let grid = &self.grid;

        let label = match clock.correcting {
            true => "Correction".to_owned(),
            false => format!("Step   t = {}", short(state.t)),
        };
        let step = format!("{} / {}", clock.done, clock.of);
        stat(&grid.step, &label, &step, grid.label, palette, out);
        let share = self.now(moment) / self.trace.total().max(1) as f32;
        step_bar(grid, share, palette, out);

        let generated = self.trace.generated();
        let masks = format!("{} of {generated}", self.masks[frame]);
        stat(&grid.masks, "Masked", &masks, grid.label, palette, out);
        let values = self.masks.iter().map(|&m| Some(m as f32 / generated.max(1) as f32));
        self.chart(&grid.masks, values, moment, palette.accent, palette, out);

        let mean = self.confidence[frame].map_or("–".into(), |c| format!("{c:.2}"));
        stat(&grid.confidence, "Mean confidence", &mean, grid.label, palette, out);
        let color = palette.ramp[2];
        let values = self.confidence.iter().copied();
        self.chart(&grid.confidence, values, moment, color, palette, out);

        legend(&grid.legend, grid.columns, grid.label, &[self.trace], style, out);
    }

    /// Steps done at `moment`.
    fn now(&self, Moment { frame, phase }: Moment) -> f32 {
        let step = |f: usize| self.trace.frames[f].step as f32;
        let next = (frame + 1).min(self.trace.frames.len() - 1);
        step(frame) + (step(next) - step(frame)) * phase.clamp(0.0, 1.0)
    }

    /// A curve of `values` (0 to 1) over the frames with a playhead, below the first line of
    /// `area`: past values strong, future ones faint.
    fn chart(
        &self,
        area: &Area,
        values: impl Iterator<Item = Option<f32>>,
        moment: Moment,
        color: Color,
        palette: &Palette,
        out: &mut Vec<Draw>,
    ) {
        let u = self.grid.unit;
        let top = area.y + 2.5 * self.grid.label;
        let bottom = area.y + area.height;
        let last = self.trace.frames.last().map_or(0, |f| f.step).max(1) as f32;
        let x = |step: f32| area.x + area.width * step / last;
        let y = |value: f32| bottom - (bottom - top) * value;
        for value in [0.0, 0.5, 1.0] {
            let (from, to) = ([area.x, y(value)], [area.x + area.width, y(value)]);
            out.push(Draw::Line { from, to, width: u, color: palette.hairline, dash: 0.0 });
        }
        let frames = values.zip(&self.trace.frames);
        let points: Vec<[f32; 2]> =
            frames.filter_map(|(v, f)| Some([x(f.step as f32), y(v?)])).collect();
        let head_x = x(self.now(moment));
        let (past, head) = until(&points, head_x);
        let faint = Draw::Polyline { points, width: 1.5 * u, color: palette.muted.fade(0.4) };
        out.push(faint);
        let (from, to) = ([head_x, top], [head_x, bottom]);
        out.push(Draw::Line { from, to, width: u, color: palette.muted.fade(0.5), dash: 0.0 });
        let Some([head_x, head_y]) = head else { return };
        curve(past, [head_x, head_y], bottom, u, color, palette, out);
    }

    pub(super) fn footer(&self, palette: &Palette, measure: &mut Measure<'_>, out: &mut Vec<Draw>) {
        let trace = self.trace;
        let (grid, size) = (&self.grid, self.grid.label);
        rule(grid, palette, out);
        let regular = Weight::Regular;
        let right = caption::extent(trace);
        let room = grid.right - grid.margin - measure(&right, size, regular) - 2.0 * size;
        let left = shorten(&caption::settings(trace).join("  ·  "), room, size, regular, measure);
        out.push(text(grid.margin, grid.footer, Align::Left, size, regular, palette.muted, left));
        out.push(text(grid.right, grid.footer, Align::Right, size, regular, palette.muted, right));
    }
}

/// How far a run has come, at the bottom of the grid's place for the step.
pub(super) fn step_bar(grid: &Grid, share: f32, palette: &Palette, out: &mut Vec<Draw>) {
    let Area { x, y, width, height } = grid.step;
    bar([x, y + height - 4.0 * grid.unit], width, share, grid.unit, palette, out);
}

/// A bar from `[x, y]` on, of which a share is filled; `u` is the grid's unit.
pub(super) fn bar(
    [x, y]: [f32; 2],
    width: f32,
    share: f32,
    u: f32,
    palette: &Palette,
    out: &mut Vec<Draw>,
) {
    let mut part = |width: f32, color| {
        out.push(Draw::Rect { x, y, width, height: 4.0 * u, radius: 2.0 * u, color });
    };
    part(width, palette.hairline);
    if share > 0.0 {
        part((width * share).max(4.0 * u), palette.accent);
    }
}

/// A curve up to its head, with the area down to `bottom` beneath it; `u` is the grid's unit.
pub(super) fn curve(
    past: Vec<[f32; 2]>,
    [head_x, head_y]: [f32; 2],
    bottom: f32,
    u: f32,
    color: Color,
    palette: &Palette,
    out: &mut Vec<Draw>,
) {
    let mut beneath = past.clone();
    beneath.extend([[head_x, bottom], [past[0][0], bottom]]);
    out.push(Draw::Area { points: beneath, color: color.fade(0.14) });
    out.push(Draw::Polyline { points: past, width: 2.5 * u, color });
    for (radius, color) in [(6.5 * u, palette.background), (4.5 * u, color)] {
        let (x, y) = (head_x - radius, head_y - radius);
        let (width, height) = (2.0 * radius, 2.0 * radius);
        out.push(Draw::Rect { x, y, width, height, radius, color });
    }
}

/// The line above the footer.
pub(super) fn rule(grid: &Grid, palette: &Palette, out: &mut Vec<Draw>) {
    let y = grid.footer - 2.0 * grid.label;
    let (from, to) = ([grid.margin, y], [grid.right, y]);
    out.push(Draw::Line { from, to, width: grid.unit, color: palette.hairline, dash: 0.0 });
}

/// A label on the left and its value on the right, on the first line of `area`; `size` is the label's.
pub(super) fn stat(
    area: &Area,
    label: &str,
    value: &str,
    size: f32,
    palette: &Palette,
    out: &mut Vec<Draw>,
) {
    let y = area.y + 1.5 * size;
    out.push(text(area.x, y, Align::Left, size, Weight::Regular, palette.muted, label.into()));
    let (right, big) = (area.x + area.width, 1.5 * size);
    out.push(text(right, y, Align::Right, big, Weight::Bold, palette.ink, value.into()));
}

/// The title of a picture and the name of the model.
pub(super) fn seal(
    grid: &Grid,
    style: &Style,
    model: &str,
    measure: &mut Measure<'_>,
    out: &mut Vec<Draw>,
) {
    let palette = style.theme.palette();
    let u = grid.unit;
    let size = 1.5 * grid.label;
    let side = 0.72 * size;
    out.push(Draw::Rect {
        x: grid.margin,
        y: grid.title - side,
        width: side,
        height: side,
        radius: 0.24 * side,
        color: palette.accent,
    });
    let x = grid.margin + side + 10.0 * u;
    let title = shorten(&style.title, (grid.right - x) / 2.0, size, Weight::Bold, measure);
    let model_x = x + measure(&title, size, Weight::Bold) + 0.5 * size;
    out.push(text(x, grid.title, Align::Left, size, Weight::Bold, palette.ink, title));
    let model = shorten(model, grid.right - model_x, size, Weight::Regular, measure);
    let color = palette.muted;
    out.push(text(model_x, grid.title, Align::Left, size, Weight::Regular, color, model));
}

/// What the marks in the text mean.
pub(super) fn legend(
    area: &Area,
    columns: usize,
    size: f32,
    traces: &[&Trace],
    style: &Style,
    out: &mut Vec<Draw>,
) {
    let palette = style.theme.palette();
    let wide = 2.0 * size;
    let mut names = vec!["Prompt", "Masked", "Just written"];
    names.extend(traces.iter().find_map(|trace| trace.end_id).map(|_| "End of text"));
    let pinned = traces.iter().any(|trace| !trace.pinned.is_empty());
    names.extend(pinned.then_some(BY_HAND));
    names.extend(style.confidence.then_some("Confidence"));
    // One row where there is room for only one.
    let columns = if columns > 2 { columns.max(names.len()) } else { columns };
    for (i, name) in names.into_iter().enumerate() {
        let column = (i % columns) as f32 / columns as f32;
        let x = area.x + area.width * column;
        let y = area.y + size * (1.0 + 2.1 * (i / columns) as f32);
        let swatch = |dx: f32, width: f32, height: f32, color| Draw::Rect {
            x: x + dx,
            y: y - 0.36 * size - height / 2.0,
            width,
            height,
            radius: 0.2 * size.min(height),
            color,
        };
        let bold = Weight::Bold;
        match name {
            BY_HAND => {
                let (middle, side) = (x + wide / 2.0, 0.3 * size);
                let (regular, ink) = (Weight::Regular, palette.ink);
                out.push(text(middle, y, Align::Center, size, regular, ink, "Ab".into()));
                out.push(Draw::Rect {
                    x: middle - side / 2.0,
                    y: y - 1.15 * size,
                    width: side,
                    height: side,
                    radius: side / 2.0,
                    color: palette.accent,
                });
            }
            "Prompt" => {
                let middle = x + wide / 2.0;
                out.push(text(middle, y, Align::Center, size, bold, palette.ink, "Ab".into()));
            }
            "Masked" => out.push(swatch(0.0, wide, 0.9 * size, palette.mask)),
            "Just written" => out.push(swatch(0.0, wide, 1.1 * size, palette.accent)),
            "End of text" => {
                let side = 0.5 * size;
                out.push(swatch((wide - side) / 2.0, side, side, palette.accent));
            }
            _ => {
                let part = wide / 4.0;
                out.extend((0..4u8).map(|i| {
                    let color = palette.confidence(f32::from(i) / 3.0);
                    swatch(part * f32::from(i), 0.86 * part, 0.3 * size, color)
                }));
            }
        }
        let label = x + wide + 0.6 * size;
        let color = palette.muted;
        out.push(text(label, y, Align::Left, size, Weight::Regular, color, name.into()));
    }
}

/// The part of a curve up to `x`, ending in a point at `x`, and that point.
pub(super) fn until(points: &[[f32; 2]], x: f32) -> (Vec<[f32; 2]>, Option<[f32; 2]>) {
    let mut past: Vec<[f32; 2]> = points.iter().copied().take_while(|p| p[0] <= x).collect();
    if let (Some(&a), Some(&b)) = (past.last(), points.get(past.len()))
        && a[0] < x
    {
        let share = (x - a[0]) / (b[0] - a[0]);
        past.push([x, a[1] + (b[1] - a[1]) * share]);
    }
    let head = past.last().copied();
    (past, head)
}

pub(super) fn text(
    x: f32,
    y: f32,
    align: Align,
    size: f32,
    weight: Weight,
    color: Color,
    text: String,
) -> Draw {
    Draw::Text { x, y, align, size, weight, color, text }
}
