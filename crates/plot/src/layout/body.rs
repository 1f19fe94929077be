//! The body text: the lines of all tokens of a trace, from the text of the last frame.

use super::Place;
use super::grid::Area;
use crate::draw::{Measure, Weight};
use crate::trace::Trace;
use crate::wrap::{Measured, Segment, Widths, Wrapped};

/// Height of a line in em.
pub(super) const LEADING: f32 = 1.6;
/// Space between paragraphs in line heights.
const PARAGRAPH: f32 = 0.45;
/// Room at the end of a line for words that others replace, in em, and at most 8% of the line.
const SPARE: f32 = 3.0;
/// Most columns of a long text.
const MOST_COLUMNS: usize = 4;
/// Smallest font scale of a token that is wider than its place.
pub(super) const SMALLEST: f32 = 0.6;
/// Texts are measured at this size and scaled, so that a plan measures each token once.
pub(super) const REFERENCE: f32 = 64.0;

/// The text of a trace in an area.
#[derive(Clone, Debug)]
pub(super) struct Body<'a> {
    pub(super) trace: &'a Trace,
    /// Pixels per em.
    pub(super) font: f32,
    /// Of a line, in pixels.
    pub(super) width: f32,
    /// Of a space, in em.
    pub(super) space: f32,
    pub(super) segments: Vec<Segment>,
    /// One for each segment, in the last frame.
    pub(super) places: Vec<Place>,
    /// `[frames]`: what each position shows.
    pub(super) strings: Vec<Vec<String>>,
}

impl<'a> Body<'a> {
    /// Sets the text into `area`, in columns with `gutter` between them where that allows a much
    /// larger font, which is at most `largest`.
    pub(super) fn new(
        trace: &'a Trace,
        area: Area,
        largest: f32,
        gutter: f32,
        measure: &mut Measure<'_>,
    ) -> Self {
        let mut em = |text: &str, bold: bool| {
            measure(text, REFERENCE, if bold { Weight::Bold } else { Weight::Regular }) / REFERENCE
        };
        let widths = Widths { space: em(" ", false), small: 0.4, empty: 0.12, mask: 2.0 };
        let measured = Measured::new(trace, widths, &mut em);
        // What stood there in other words gets some room.
        let spare = if trace.rewrites() { SPARE } else { 0.0 };
        let stride = |columns: usize| (area.width + gutter) / columns as f32;
        let mut fit = |columns| {
            let width = stride(columns) - gutter;
            fit(&measured, (width, spare), area.height, largest, columns, &mut em)
        };
        let mut best = fit(1);
        for columns in 2..=MOST_COLUMNS {
            let other = fit(columns);
            if other.font > 1.2 * best.font {
                best = other;
            }
        }
        let Fit { font, columns, wrapped, rows } = best;

        // A short text sits a little above the middle; a long one begins at the top.
        let height = rows.iter().fold(0.0f32, |most, row| most.max(row.1 + 1.0)) * LEADING * font;
        let spare = area.height - height;
        let top = area.y + if spare > 0.4 * area.height { 0.38 * spare } else { 0.0 };
        let place = |s: &Segment| Place {
            token: s.token,
            x: area.x + rows[s.line].0 as f32 * stride(columns) + s.x * font,
            y: top + rows[s.line].1 * LEADING * font,
            width: s.width * font,
            height: LEADING * font,
        };
        Self {
            trace,
            font,
            width: stride(columns) - gutter,
            space: widths.space,
            places: wrapped.segments.iter().map(place).collect(),
            segments: wrapped.segments,
            strings: (0..trace.frames.len()).map(|f| trace.strings(f)).collect(),
        }
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
    (width, spare): (f32, f32),
    height: f32,
    largest: f32,
    columns: usize,
    em: &mut dyn FnMut(&str, bool) -> f32,
) -> Fit {
    let mut font = largest;
    loop {
        let limit = width / font;
        let wrapped = measured.wrap(limit - (0.08 * limit).min(spare), em);
        let rows = wrapped.rows(height / (LEADING * font), PARAGRAPH);
        if rows.last().is_none_or(|row| row.0 < columns) {
            return Fit { font, columns, wrapped, rows };
        }
        font *= 0.98;
    }
}
