//! The picture of one frame of a trace as a list of shapes.
//!
//! [`Plan::new`] gives every token its line once, from the text of the last frame;
//! [`Plan::draw`] then draws any frame, so no line breaks anew while the text appears.

mod body;
mod grid;
mod pair;
mod panel;
mod room;
mod strip;
mod tokens;

use crate::draw::{Draw, Measure, Size};
use crate::theme::{Palette, Theme};
use crate::trace::Trace;

use body::Body;
use grid::Grid;
pub use pair::{Pair, Pane};
pub use strip::{Strip, StripPlan};

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
    body: Body<'a>,
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
        let frames = 0..trace.frames.len();
        Self {
            trace,
            size,
            body: Body::new(trace, grid.text, grid.largest_font, grid.gutter(), measure),
            grid,
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
        let mut out = vec![ground(self.size, palette)];
        self.header(style, measure, &mut out);
        self.body.draw(moment, style, measure, &mut out);
        self.panel(moment, style, &mut out);
        self.footer(palette, measure, &mut out);
        out
    }

    /// The places of the tokens at a frame in order, to find the token under a pointer. A token has
    /// one place on each line that it reaches, and none if it is nothing but a space before another.
    ///
    /// # Panics
    /// If the trace has no such frame.
    pub fn places(&self, frame: usize, measure: &mut Measure<'_>) -> Vec<Place> {
        self.body.places_at(frame, measure)
    }

    /// Bounding box of the text, as `[x, y, width, height]`.
    pub fn text_area(&self) -> [f32; 4] {
        let area = self.grid.text;
        [area.x, area.y, area.width, area.height]
    }

    /// The size of the letters of the text, in pixels per em.
    pub fn font_size(&self) -> f32 {
        self.body.font
    }
}

/// The background.
fn ground(size: Size, palette: &Palette) -> Draw {
    let (width, height) = (size.width as f32, size.height as f32);
    Draw::Rect { x: 0.0, y: 0.0, width, height, radius: 0.0, color: palette.background }
}
