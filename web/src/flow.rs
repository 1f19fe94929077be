//! Word wrap for text that changes: keeps line breaks stable. Lengths are in em.
//!
//! A finished run is wrapped by its last state ([`wrap`]), so no line breaks anew during replay;
//! within their lines, words that later ones replace take the room that they need ([`squeeze`]). A
//! running one keeps its line breaks ([`hold`]): only a line that becomes too long is wrapped again,
//! with the lines below it. Its lines start shorter than the limit ([`spare`]), so that this is rare;
//! the page animates the change. The pictures' wrap (plot's `wrap.rs`) also splits tokens and never
//! has to hold a line, so the two share no code.

/// Smallest letters of a token in a line without room for it.
const SMALLEST: f32 = 0.55;

/// The space that one token takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Slot {
    /// Space before it.
    pub gap: f32,
    /// Its own width.
    pub width: f32,
    /// Whether a line may begin with it.
    pub opens: bool,
    /// Line breaks after it.
    pub breaks: u8,
    /// It is nothing but line breaks.
    pub bare: bool,
}

/// Line breaks, as the first position of each line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// First position of each line; the first is 0.
    pub starts: Vec<usize>,
    /// Whether each line begins a paragraph.
    pub paragraphs: Vec<bool>,
}

impl Lines {
    /// The positions of each line, of `len` in all, and whether it begins a paragraph.
    pub fn ranges(&self, len: usize) -> impl Iterator<Item = (std::ops::Range<usize>, bool)> + '_ {
        let ends = self.starts.iter().skip(1).copied().chain([len]);
        let ranges = self.starts.iter().zip(ends).map(|(&start, end)| start..end);
        ranges.zip(self.paragraphs.iter().copied())
    }

    fn push(&mut self, start: usize, paragraph: bool) {
        self.starts.push(start);
        self.paragraphs.push(paragraph);
    }
}

/// Breaks `slots` into lines no wider than `limit` where words allow it.
pub fn wrap(slots: &[Slot], limit: f32) -> Lines {
    let mut lines = Lines::default();
    wrap_from(&mut lines, slots, 0, false, limit);
    lines
}

/// Initial line width of a run in progress, which leaves room for masks to become longer words.
pub fn spare(limit: f32) -> f32 {
    limit - (0.08 * limit).min(3.0)
}

/// Re-wraps from the first line that exceeds `limit`; the lines above stay.
pub fn hold(lines: &Lines, slots: &[Slot], limit: f32) -> Lines {
    let mut kept = Lines::default();
    for (range, paragraph) in lines.ranges(slots.len()) {
        if line_width(&slots[range.clone()]) > limit && range.len() > 1 {
            wrap_from(&mut kept, slots, range.start, paragraph, spare(limit));
            return kept;
        }
        kept.push(range.start, paragraph);
    }
    kept
}

/// Narrows slots in lines that exceed `limit` where they are wider than `last` ones: what an earlier
/// state wrote there. Letters do not become smaller than can be read.
pub fn squeeze(lines: &Lines, slots: &mut [Slot], last: &[Slot], limit: f32) {
    for (range, _) in lines.ranges(slots.len()) {
        let (line, last) = (&mut slots[range.clone()], &last[range]);
        let over = line_width(line) - limit;
        let wider = || line.iter().zip(last).filter(|(slot, last)| slot.width > last.width);
        let room: f32 = wider().map(|(slot, _)| slot.width).sum();
        if over <= 0.0 || room <= 0.0 {
            continue;
        }
        let scale = (1.0 - over / room).max(SMALLEST);
        for (slot, last) in line.iter_mut().zip(last).filter(|(slot, last)| slot.width > last.width)
        {
            slot.width = (scale * slot.width).max(last.width);
        }
    }
}

/// Width of a line: the gap before its first token does not count.
fn line_width(slots: &[Slot]) -> f32 {
    let first_gap = slots.first().map_or(0.0, |slot| slot.gap);
    slots.iter().map(|slot| slot.gap + slot.width).sum::<f32>() - first_gap
}

fn wrap_from(lines: &mut Lines, slots: &[Slot], first: usize, paragraph: bool, limit: f32) {
    lines.push(first, paragraph);
    let mut x = 0.0;
    let mut at = first;
    while at < slots.len() {
        // A word: up to the next place where a line may begin.
        let rest = &slots[at + 1..];
        let broken = |i: usize| slots[at + i].breaks > 0;
        let more = (0..rest.len()).take_while(|&i| !rest[i].opens && !broken(i)).count();
        let word = &slots[at..=at + more];
        let start = *lines.starts.last().expect("pushed above");
        if at > start && x + word[0].gap + line_width(word) > limit {
            lines.push(at, false);
            x = 0.0;
        }
        for (i, slot) in word.iter().enumerate() {
            let start = *lines.starts.last().expect("pushed above");
            let position = at + i;
            // A word that is wider than a line breaks between its tokens.
            if position > start && x + slot.gap + slot.width > limit {
                lines.push(position, false);
                x = 0.0;
            }
            let start = *lines.starts.last().expect("pushed above");
            x += slot.width + if position == start { 0.0 } else { slot.gap };
        }
        at += word.len();
        let mut breaks = word[more].breaks;
        // One line break after another ends a paragraph: it gets no line of its own.
        while breaks > 0 && slots.get(at).is_some_and(|slot| slot.bare && slot.breaks > 0) {
            breaks = 2;
            at += 1;
        }
        if breaks > 0 && at < slots.len() {
            lines.push(at, breaks > 1);
            x = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(width: f32) -> Slot {
        Slot { gap: 0.25, width, opens: true, ..Slot::default() }
    }

    fn tail(width: f32) -> Slot {
        Slot { gap: 0.0, width, opens: false, ..Slot::default() }
    }

    #[test]
    fn lines_break_between_words() {
        let slots = [word(2.0), word(2.0), tail(1.0), word(2.0), word(2.0)];
        assert_eq!(wrap(&slots, 5.3).starts, [0, 3]);
        // The second word is two tokens: it moves as a whole.
        assert_eq!(wrap(&slots, 5.0).starts, [0, 1, 3]);
    }

    #[test]
    fn a_word_wider_than_a_line_breaks_between_tokens() {
        let slots = [word(3.0), tail(3.0), tail(3.0), tail(3.0)];
        assert_eq!(wrap(&slots, 6.5).starts, [0, 2]);
        assert_eq!(wrap(&[word(30.0)], 6.5).starts, [0]);
        assert_eq!(wrap(&[], 6.5).starts, [0]);
    }

    #[test]
    fn line_breaks_and_paragraphs() {
        let mut slots = [word(1.0); 4];
        slots[0].breaks = 1;
        slots[1].breaks = 2;
        let lines = wrap(&slots, 10.0);
        assert_eq!(lines.starts, [0, 1, 2]);
        assert_eq!(lines.paragraphs, [false, false, true]);
    }

    #[test]
    fn line_breaks_in_a_row_end_a_paragraph() {
        let mark = Slot { width: 0.7, opens: true, breaks: 1, bare: true, ..Slot::default() };
        let lines = wrap(&[word(1.0), mark, mark, word(1.0), mark, word(1.0)], 10.0);
        assert_eq!(lines.starts, [0, 3, 5]);
        assert_eq!(lines.paragraphs, [false, true, false]);
    }

    #[test]
    fn words_that_are_replaced_share_the_room_of_their_line() {
        let last = [word(2.0); 6];
        let lines = wrap(&last, 7.0);
        assert_eq!(lines.starts, [0, 3]);
        let mut slots = last;
        (slots[0].width, slots[1].width, slots[5].width) = (1.0, 3.5, 2.25);
        let fits = slots;
        squeeze(&lines, &mut slots, &last, 7.0);
        assert_eq!(slots, fits, "both lines have room");
        slots[1].width = 4.0;
        squeeze(&lines, &mut slots, &last, 7.0);
        assert_eq!(line_width(&slots[..3]), 7.0);
        assert_eq!((slots[0].width, slots[1].width), (1.0, 3.5), "only what is too wide gives way");
        slots[1].width = 40.0;
        squeeze(&lines, &mut slots, &last, 7.0);
        assert_eq!(slots[1].width, 40.0 * SMALLEST, "letters stay readable");
    }

    #[test]
    fn held_lines_move_only_when_they_must() {
        let mut slots = [word(2.0); 9];
        let lines = wrap(&slots, 7.0);
        assert_eq!(lines.starts, [0, 3, 6]);
        slots[1].width = 1.0;
        assert_eq!(hold(&lines, &slots, 7.0), lines, "room at the end of a line is no reason");
        slots[4].width = 3.0;
        assert_eq!(hold(&lines, &slots, 7.0).starts, [0, 3, 5, 7]);
        assert!(spare(7.0) < 6.75, "three words fill a line, but leave no room to grow");
    }
}
