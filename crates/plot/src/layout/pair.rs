//! The picture of two traces beside each other, at the same share of their frames.

use super::body::Body;
use super::grid::{Area, Grid};
use super::panel::{bar, legend, rule, seal, text};
use super::{Moment, Style, ground};
use crate::compare;
use crate::draw::{Align, Draw, Measure, Size, Weight, shorten};
use crate::theme::Palette;
use crate::trace::Trace;

/// One of two runs.
#[derive(Clone, Debug)]
pub struct Pane<'a> {
    /// The run.
    pub trace: &'a Trace,
    /// What tells it from the other one, in a few words.
    pub title: String,
    /// `[frames]`: seconds of computing up to each frame; empty where nobody measured them.
    pub seconds: Vec<f32>,
}

impl<'a> Pane<'a> {
    /// The panes of two runs, under the settings in which they differ.
    pub fn both(left: &'a Trace, right: &'a Trace) -> [Self; 2] {
        let mut titles = compare::differences(left, right);
        for (title, name) in titles.iter_mut().zip(["Left", "Right"]) {
            if title.is_empty() {
                *title = name.into();
            }
        }
        let [first, second] = titles;
        let pane = |trace, title| Self { trace, title, seconds: vec![] };
        [pane(left, first), pane(right, second)]
    }
}

/// The layout of the pictures of two traces.
#[derive(Clone, Debug)]
pub struct Pair<'a> {
    panes: [Pane<'a>; 2],
    areas: [Area; 2],
    bodies: [Body<'a>; 2],
    size: Size,
    grid: Grid,
}

impl<'a> Pair<'a> {
    /// Plans pictures of `size`: the runs side by side, in upright pictures one above the other. The
    /// traces must have passed [`Trace::check`].
    pub fn new(panes: [Pane<'a>; 2], size: Size, measure: &mut Measure<'_>) -> Self {
        let grid = Grid::new(size);
        let areas = areas(&grid, size);
        let mut set = |largest: f32| -> [Body<'a>; 2] {
            std::array::from_fn(|i| {
                let area = body_area(&areas[i], &grid);
                Body::new(panes[i].trace, area, largest, grid.gutter(), measure)
            })
        };
        let [left, right] = set(grid.largest_font);
        // One size of letters for both: the eye compares the texts, not the sizes.
        let bodies = set(left.font.min(right.font));
        Self { panes, areas, bodies, size, grid }
    }

    /// Frames of the longer run: the time line of both.
    pub fn frames(&self) -> usize {
        self.panes.iter().map(|pane| pane.trace.frames.len()).max().unwrap_or(1)
    }

    /// The shapes of one moment of the longer run, in painting order; the other one is at the same
    /// share of its frames.
    ///
    /// # Panics
    /// If the longer run has no such frame.
    pub fn draw(&self, moment: Moment, style: &Style, measure: &mut Measure<'_>) -> Vec<Draw> {
        let palette = style.theme.palette();
        let mut out = vec![ground(self.size, palette)];
        self.header(style, measure, &mut out);
        let longest = self.frames() - 1;
        for ((pane, area), body) in self.panes.iter().zip(&self.areas).zip(&self.bodies) {
            let at = compare::abreast(moment, longest, pane.trace.frames.len() - 1);
            self.head(pane, area, at.frame, palette, measure, &mut out);
            body.draw(at, style, measure, &mut out);
        }
        self.foot(style, measure, &mut out);
        out
    }

    /// The title of the picture, with the model if both runs have the same.
    fn header(&self, style: &Style, measure: &mut Measure<'_>, out: &mut Vec<Draw>) {
        let [left, right] = &self.panes;
        let model = &left.trace.model;
        let model = if *model == right.trace.model { model } else { "" };
        seal(&self.grid, style, model, measure, out);
    }

    /// What a run is and how far it has come.
    fn head(
        &self,
        pane: &Pane<'_>,
        area: &Area,
        frame: usize,
        palette: &Palette,
        measure: &mut Measure<'_>,
        out: &mut Vec<Draw>,
    ) {
        let (trace, size, u) = (pane.trace, self.grid.label, self.grid.unit);
        let right = area.x + area.width;
        let clock = trace.clock(trace.frames[frame].step);
        let step = format!("{clock} / {}", clock.of);
        let room = area.width - measure(&step, size, Weight::Bold) - size;
        let title = shorten(&pane.title, room, 1.4 * size, Weight::Bold, measure);
        let y = area.y + 1.4 * size;
        out.push(text(area.x, y, Align::Left, 1.4 * size, Weight::Bold, palette.ink, title));
        out.push(text(right, y, Align::Right, size, Weight::Bold, palette.ink, step));
        let all = trace.generated();
        let written = all.saturating_sub(trace.masks(frame));
        let y = y + 1.8 * size;
        let regular = Weight::Regular;
        let words = format!("{written} of {all} written");
        out.push(text(area.x, y, Align::Left, size, regular, palette.muted, words));
        if let Some(seconds) = pane.seconds.get(frame) {
            let clock = format!("{seconds:.1} s of computing");
            out.push(text(right, y, Align::Right, size, regular, palette.muted, clock));
        }
        let share = written as f32 / all.max(1) as f32;
        bar([area.x, y + 0.8 * size], area.width, share, u, palette, out);
    }

    /// What the marks mean, and the settings that both have in common.
    fn foot(&self, style: &Style, measure: &mut Measure<'_>, out: &mut Vec<Draw>) {
        let palette = style.theme.palette();
        let (grid, size) = (&self.grid, self.grid.label);
        let [left, right] = self.panes.each_ref().map(|pane| pane.trace);
        let width = grid.right - grid.margin;
        let place = Area { x: grid.margin, y: grid.footer - 5.2 * size, width, height: size };
        legend(&place, 5, size, &[left, right], style, out);
        rule(grid, palette, out);
        let common = compare::common(left, right).join("  ·  ");
        let common = shorten(&common, width, size, Weight::Regular, measure);
        let (x, y) = (grid.margin, grid.footer);
        out.push(text(x, y, Align::Left, size, Weight::Regular, palette.muted, common));
    }
}

/// The places of both runs.
fn areas(grid: &Grid, size: Size) -> [Area; 2] {
    let u = grid.unit;
    let (top, bottom) = (grid.title + 2.4 * grid.label, grid.footer - 6.4 * grid.label);
    let (width, height) = (grid.right - grid.margin, bottom - top);
    let (across, down) = (56.0 * u, 28.0 * u);
    if size.height > size.width {
        let half = (height - down) / 2.0;
        let area = |y| Area { x: grid.margin, y, width, height: half };
        [area(top), area(top + half + down)]
    } else {
        let half = (width - across) / 2.0;
        let area = |x| Area { x, y: top, width: half, height };
        [area(grid.margin), area(grid.margin + half + across)]
    }
}

/// The place of the text below the head of a run.
fn body_area(area: &Area, grid: &Grid) -> Area {
    let head = 5.4 * grid.label;
    Area { y: area.y + head, height: area.height - head, ..*area }
}
