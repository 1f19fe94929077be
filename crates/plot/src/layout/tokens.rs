//! The text itself: prompt, masks, fresh and settled tokens in their places.

use super::body::{Body, LEADING, SMALLEST};
use super::{Moment, Place, Style};
use crate::draw::{Align, Color, Draw, Measure, Weight, shorten};
use crate::trace::State;
use crate::wrap::{Kind, Segment};

/// Baseline below the top of a line, in em.
const BASELINE: f32 = 1.12;
/// Frames until the flash of a fresh token has faded.
const FLASH: f32 = 2.5;
/// Opacity of text after the end of text.
const DIMMED: f32 = 0.35;

impl Body<'_> {
    /// The shapes of all tokens at a moment.
    pub(super) fn draw(
        &self,
        Moment { frame, phase }: Moment,
        style: &Style,
        measure: &mut Measure<'_>,
        out: &mut Vec<Draw>,
    ) {
        let palette = style.theme.palette();
        let end = self.trace.end(frame).unwrap_or(usize::MAX);
        let last = self.trace.frames.len() - 1;
        let places = self.places_at(frame, measure);
        let mut at = 0;
        while at < self.segments.len() {
            let token = self.segments[at].token;
            let count = self.segments[at..].iter().take_while(|s| s.token == token).count();
            let segments = &self.segments[at..at + count];
            let places = &places[at..at + count];
            at += count;
            let pairs = || segments.iter().zip(places);
            let opacity = if token > end { DIMMED } else { 1.0 };
            let state = self.trace.state(frame, token);
            if state == State::Masked {
                for (segment, place) in pairs() {
                    out.push(self.block(segment, place, 0.72, palette.mask.fade(opacity)));
                }
                continue;
            }
            let flash = match (state, self.trace.age(frame, token)) {
                (State::Prompt, _) | (_, None) => 0.0,
                (_, Some(age)) => (1.0 - (age as f32 + phase) / FLASH).max(0.0).powf(1.5),
            };
            if flash > 0.0 {
                for (segment, place) in pairs() {
                    out.push(self.pill(segment, place, palette.accent.fade(flash * opacity)));
                }
            }
            let silent = self.strings[frame][token].trim().is_empty();
            if style.confidence && state != State::Prompt && !silent {
                let color = palette
                    .confidence(self.trace.frames[frame].confidence[token])
                    .fade((1.0 - flash) * opacity);
                for (segment, place) in pairs() {
                    out.push(self.underline(segment, place, color));
                }
            }
            if Some(self.trace.frames[frame].ids[token]) == self.trace.end_id {
                let color = palette.accent.mix(palette.on_accent, smooth(flash));
                out.push(
                    self.tombstone(&places[0], color.fade(if token > end { 0.5 } else { 1.0 })),
                );
                continue;
            }
            let widest = places.iter().max_by(|a, b| a.width.total_cmp(&b.width));
            let widest = widest.expect("a token in the list has at least one place");
            if self.trace.pinned(frame, token) {
                out.push(self.pin(widest, palette.accent.fade(opacity)));
            }
            let weight = weight_of(state);
            let color = palette.ink.mix(palette.on_accent, smooth(flash)).fade(opacity);
            let text = |place: &Place, size: f32, text: String| Draw::Text {
                x: place.x,
                y: self.baseline(place),
                align: Align::Left,
                size,
                weight,
                color,
                text,
            };
            if self.strings[frame][token] == self.strings[last][token] {
                let words = pairs().filter(|(s, _)| s.kind == Kind::Word);
                out.extend(words.map(|(s, place)| text(place, self.font, s.text.clone())));
                continue;
            }
            // Another token than the last frame has: fitted into the widest of its places.
            let (size, fitted) = self.fit(&self.strings[frame][token], widest, weight, measure);
            if !fitted.is_empty() {
                out.push(text(widest, size, fitted));
            }
        }
    }

    /// `string` and the size at which it fits into `place`.
    fn fit(
        &self,
        string: &str,
        place: &Place,
        weight: Weight,
        measure: &mut Measure<'_>,
    ) -> (f32, String) {
        let words = in_one_line(string);
        let width = measure(&words, self.font, weight);
        if width <= place.width {
            return (self.font, words);
        }
        let size = self.font * (place.width / width).max(SMALLEST);
        let fitted = shorten(&words, place.width * 1.001, size, weight, measure);
        (size, fitted)
    }

    fn baseline(&self, place: &Place) -> f32 {
        place.y + BASELINE * self.font
    }

    /// A quiet rounded block, `height` em high, over the body of the letters.
    fn block(&self, segment: &Segment, place: &Place, height: f32, color: Color) -> Draw {
        let seam = 0.035 * self.font; // between the tokens of one word
        let hangs = matches!(segment.kind, Kind::Break | Kind::End);
        let left = if hangs { 4.0 * seam } else { seam * f32::from(u8::from(!segment.opens)) };
        let right = if segment.closes { 0.0 } else { seam };
        let height = height * self.font;
        Draw::Rect {
            x: place.x + left,
            y: self.baseline(place) - 0.36 * self.font - height / 2.0,
            width: place.width - left - right,
            height,
            radius: (0.16 * self.font).min(place.width / 2.0),
            color,
        }
    }

    /// The flash behind a fresh token; wider than the letters where a space lets it.
    fn pill(&self, segment: &Segment, place: &Place, color: Color) -> Draw {
        let pad = 0.1 * self.font;
        let left = if segment.opens && segment.kind == Kind::Word { pad } else { 0.0 };
        let right = if segment.closes && segment.kind == Kind::Word { pad } else { 0.0 };
        let height = (LEADING - 0.3) * self.font;
        Draw::Rect {
            x: place.x - left,
            y: self.baseline(place) - 0.35 * self.font - height / 2.0,
            width: place.width + left + right,
            height,
            radius: (0.2 * self.font).min(place.width / 2.0),
            color,
        }
    }

    fn underline(&self, segment: &Segment, place: &Place, color: Color) -> Draw {
        let height = (0.11 * self.font).max(1.5);
        let right = if segment.closes { 0.0 } else { 0.035 * self.font };
        Draw::Rect {
            x: place.x,
            y: self.baseline(place) + 0.26 * self.font,
            width: place.width - right,
            height,
            radius: height / 2.0,
            color,
        }
    }

    /// The mark of what a person pinned or wrote: a dot above it.
    fn pin(&self, place: &Place, color: Color) -> Draw {
        let side = 0.24 * self.font;
        Draw::Rect {
            x: place.x + (place.width - side) / 2.0,
            y: self.baseline(place) - 1.02 * self.font,
            width: side,
            height: side,
            radius: side / 2.0,
            color,
        }
    }

    /// The end-of-text mark: the small square that ends an article in a magazine.
    fn tombstone(&self, place: &Place, color: Color) -> Draw {
        let side = 0.34 * self.font;
        Draw::Rect {
            x: place.x + (place.width - side) / 2.0,
            y: self.baseline(place) - 0.36 * self.font - side / 2.0,
            width: side,
            height: side,
            radius: 0.06 * self.font,
            color,
        }
    }
}

/// The words of a token on one line.
pub(super) fn in_one_line(string: &str) -> String {
    let words = string.split_whitespace().collect::<Vec<_>>().join(" ");
    words.replace(char::REPLACEMENT_CHARACTER, "·") // half a character
}

/// The weight of a token in this state.
pub(super) fn weight_of(state: State) -> Weight {
    if state == State::Prompt { Weight::Bold } else { Weight::Regular }
}

/// Share of the light text on a flash of this strength: only a strong one carries it.
fn smooth(flash: f32) -> f32 {
    let x = (4.0 * flash - 2.4).clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}
