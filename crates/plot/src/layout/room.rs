//! Room for words that later ones replace: a line keeps its tokens, and within it each takes what it
//! needs.

use super::Place;
use super::body::{Body, SMALLEST};
use super::tokens::{in_one_line, weight_of};
use crate::draw::Measure;
use crate::trace::State;
use crate::wrap::{Kind, Segment};

/// Width of a token without letters in the place of a word, in em.
const SMALL: f32 = 0.4;

impl Body<'_> {
    /// The places at a frame. Where a line has no room for what the frame writes otherwise than the
    /// last one, those tokens give way that are wider than what replaces them.
    pub(super) fn places_at(&self, frame: usize, measure: &mut Measure<'_>) -> Vec<Place> {
        let mut places = self.places.clone();
        let mut at = 0;
        while at < places.len() {
            let line = self.segments[at].line;
            let count = self.segments[at..].iter().take_while(|s| s.line == line).count();
            let range = at..at + count;
            self.make_room(frame, &self.segments[range.clone()], &mut places[range], measure);
            at += count;
        }
        places
    }

    fn make_room(
        &self,
        frame: usize,
        segments: &[Segment],
        places: &mut [Place],
        measure: &mut Measure<'_>,
    ) {
        // Of each: more space before it than in the last frame, and its width.
        let mut wanted = Vec::with_capacity(places.len());
        for (i, (segment, place)) in segments.iter().zip(&*places).enumerate() {
            let Some(string) = self.other(frame, segment) else {
                wanted.push((0.0, place.width));
                continue;
            };
            let weight = weight_of(self.trace.state(frame, segment.token));
            let width = measure(&in_one_line(string), self.font, weight);
            let space = if string.starts_with(' ') { self.space * self.font } else { 0.0 };
            let gap = match i.checked_sub(1).map(|before| places[before]) {
                Some(before) => space - (place.x - before.x - before.width),
                None => 0.0,
            };
            wanted.push((gap, width.max(SMALL * self.font)));
        }
        let (Some(first), Some(last)) = (places.first(), places.last()) else { return };
        let mut over = last.x + last.width - first.x - self.width;
        let mut wider = 0.0;
        for (&(gap, width), place) in wanted.iter().zip(&*places) {
            over += gap + width - place.width;
            wider += if width > place.width { width } else { 0.0 };
        }
        let scale = if over > 0.0 { (1.0 - over / wider).clamp(SMALLEST, 1.0) } else { 1.0 };
        let mut shift = 0.0;
        for (&(gap, width), place) in wanted.iter().zip(places) {
            let width = if width > place.width { (scale * width).max(place.width) } else { width };
            place.x += shift + gap;
            shift += gap + width - place.width;
            place.width = width;
        }
    }

    /// What a frame writes in a segment, if it is a token of one segment, and another in the last
    /// frame.
    fn other(&self, frame: usize, segment: &Segment) -> Option<&str> {
        let (token, last) = (segment.token, self.strings.len() - 1);
        let ids = |frame: usize| self.trace.frames[frame].ids[token];
        let whole =
            segment.kind != Kind::Word || segment.text.trim() == self.strings[last][token].trim();
        let other =
            whole && ids(frame) != ids(last) && self.trace.state(frame, token) != State::Masked;
        other.then_some(self.strings[frame][token].as_str())
    }
}
