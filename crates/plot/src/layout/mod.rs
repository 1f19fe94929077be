//! The picture of one frame of a trace as a list of shapes.
//!
//! [`Plan::new`] gives every token its place once, from the text of the last frame;
//! [`Plan::draw`] then draws any frame, so nothing jumps while the text appears.

mod grid;
mod panel;
mod tokens;

use crate::draw::{Draw, Measure, Size, Weight};
use crate::theme::Theme;
use crate::trace::Trace;
use crate::wrap::{Measured, Segment, Widths, Wrapped};

use grid::Grid;

/// Height of a line in em.
const LEADING: f32 = 1.6;
/// Space between paragraphs in line heights.
const PARAGRAPH: f32 = 0.45;
/// Most columns of a long text.
const MOST_COLUMNS: usize = 4;
/// Texts are measured at this size and scaled, so that a plan measures each token once.
const REFERENCE: f32 = 64.0;

/// How frames are drawn.
#[derive(Clone, Debug)]
pub struct Style {
    /// Light or dark.
    pub theme: Theme,
    /// Show the confidence of each generated token as a coloured line beneath it.
    pub confidence: bool,
    /// Title at the top left.
    pub title: String,
}

impl Default for Style {
    fn default() -> Self {
        Self { theme: Theme::default(), confidence: true, title: "Cinnabar".into() }
    }
}

/// A rectangle that belongs to a token, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// The position in the trace.
    pub token: usize,
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width.
    pub width: f32,
    /// Height of a line of text.
    pub height: f32,
}

/// A point in time in a trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Index of the frame.
    pub frame: usize,
    /// How far time has gone on from this frame to the next, 0 to 1 (or beyond, if this frame stays
    /// on): the flash of fresh tokens fades and the playhead moves with it.
    pub phase: f32,
}

impl From<usize> for Moment {
    fn from(frame: usize) -> Self {
        Self { frame, phase: 0.0 }
    }
}

/// The layout of the pictures of a trace.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    trace: &'a Trace,
    size: Size,
    grid: Grid,
    /// Pixels per em of the text.
    font: f32,
    segments: Vec<Segment>,
    /// One for each segment.
    places: Vec<Place>,
    /// `[frames]`: what each position shows.
    strings: Vec<Vec<String>>,
    /// `[frames]`: masks.
    masks: Vec<usize>,
    /// `[frames]`: mean confidence.
    confidence: Vec<Option<f32>>,
}

impl<'a> Plan<'a> {
    /// Plans pictures of `size`. The trace must have passed [`Trace::check`]. Long texts get
    /// a smaller font until they fit.
    pub fn new(trace: &'a Trace, size: Size, measure: &mut Measure<'_>) -> Self {
        let grid = Grid::new(size);
        let mut em = |text: &str, bold: bool| {
            measure(text, REFERENCE, if bold { Weight::Bold } else { Weight::Regular }) / REFERENCE
        };
        let widths = Widths { space: em(" ", false), small: 0.4, empty: 0.12, mask: 2.0 };
        let measured = Measured::new(trace, widths, &mut em);

        // Columns only if they allow a much larger font.
        let mut best = fit(&measured, &grid, 1, &mut em);
        for columns in 2..=MOST_COLUMNS {
            let other = fit(&measured, &grid, columns, &mut em);
            if other.font > 1.2 * best.font {
                best = other;
            }
        }
        let Fit { font, columns, wrapped, rows } = best;

        // A short text sits a little above the middle; a long one begins at the top.
        let height = rows.iter().fold(0.0f32, |most, row| most.max(row.1 + 1.0)) * LEADING * font;
        let spare = grid.text.height - height;
        let top = grid.text.y + if spare > 0.4 * grid.text.height { 0.38 * spare } else { 0.0 };
        let place = |s: &Segment| Place {
            token: s.token,
            x: grid.text.x + rows[s.line].0 as f32 * grid.stride(columns) + s.x * font,
            y: top + rows[s.line].1 * LEADING * font,
            width: s.width * font,
            height: LEADING * font,
        };
        let frames = 0..trace.frames.len();
        Self {
            trace,
            size,
            places: wrapped.segments.iter().map(place).collect(),
            segments: wrapped.segments,
            grid,
            font,
            strings: frames.clone().map(|f| trace.strings(f)).collect(),
            masks: frames.clone().map(|f| trace.masks(f)).collect(),
            confidence: frames.map(|f| trace.mean_confidence(f)).collect(),
        }
    }

    /// The shapes of one moment, in painting order.
    ///
    /// # Panics
    /// If the trace has no such frame.
    pub fn draw(&self, moment: Moment, style: &Style, measure: &mut Measure<'_>) -> Vec<Draw> {
        let palette = style.theme.palette();
        let mut out = vec![Draw::Rect {
            x: 0.0,
            y: 0.0,
            width: self.size.width as f32,
            height: self.size.height as f32,
            radius: 0.0,
            color: palette.background,
        }];
        self.header(style, measure, &mut out);
        self.tokens(moment, style, measure, &mut out);
        self.panel(moment, style, &mut out);
        self.footer(palette, measure, &mut out);
        out
    }

    /// The places of the tokens in order, to find the token under a pointer. A token has one place
    /// on each line that it reaches, and none if it is nothing but a space before another.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// Bounding box of the text, as `[x, y, width, height]`.
    pub fn text_area(&self) -> [f32; 4] {
        let area = self.grid.text;
        [area.x, area.y, area.width, area.height]
    }

    /// The size of the letters of the text, in pixels per em.
    pub fn font_size(&self) -> f32 {
        self.font
    }
}

/// The text in columns, in the largest font that fits.
struct Fit {
    font: f32,
    columns: usize,
    wrapped: Wrapped,
    /// Column and top (in line heights) of each line.
    rows: Vec<(usize, f32)>,
}

fn fit(
    measured: &Measured,
    grid: &Grid,
    columns: usize,
    em: &mut dyn FnMut(&str, bool) -> f32,
) -> Fit {
    let mut font = grid.largest_font;
    loop {
        let wrapped = measured.wrap(grid.column(columns) / font, em);
        let rows = wrapped.rows(grid.text.height / (LEADING * font), PARAGRAPH);
        if rows.last().is_none_or(|row| row.0 < columns) {
            return Fit { font, columns, wrapped, rows };
        }
        font *= 0.98;
    }
}
