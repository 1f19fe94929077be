//! Word wrap by the last frame of a trace: every token keeps its line in all frames.
//!
//! Lengths are in em (the picture) or in character cells (the terminal). A token owns one or more
//! segments; whatever it holds in an earlier frame is shown inside them.

use crate::{State, Trace};

/// What a segment stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Letters of a word.
    Word,
    /// A token of nothing but spaces.
    Blank,
    /// A token of nothing but line breaks.
    Break,
    /// An end-of-text token.
    End,
    /// A mask that the last frame still has.
    Mask,
    /// A token that adds no character of its own.
    Empty,
}

/// A run of text on a line.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) token: usize,
    pub(crate) kind: Kind,
    pub(crate) line: usize,
    pub(crate) x: f32,
    pub(crate) width: f32,
    /// What stands here in the last frame.
    pub(crate) text: String,
    /// There is a space (or the margin) before it.
    pub(crate) opens: bool,
    /// There is a space (or the margin) after it.
    pub(crate) closes: bool,
}

/// Widths of things that are not words, in the unit of the measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Widths {
    /// A blank between words.
    pub(crate) space: f32,
    /// A line break or an end of text.
    pub(crate) small: f32,
    /// A token without characters of its own.
    pub(crate) empty: f32,
    /// A mask that was never filled.
    pub(crate) mask: f32,
}

/// The text of the last frame on lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wrapped {
    pub(crate) segments: Vec<Segment>,
    /// For each line: it begins a paragraph set apart from the one above.
    pub(crate) gaps: Vec<bool>,
}

/// A measured piece of the text, before it has a place.
#[derive(Clone, Debug)]
enum Atom {
    Piece { token: usize, kind: Kind, width: f32, text: String, bold: bool },
    Space(f32),
    Newline,
    Paragraph,
}

/// The measured text of the last frame; wraps to any width without measuring again.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    atoms: Vec<Atom>,
    widths: Widths,
}

impl Measured {
    /// Measures the last frame; `width_of(text, bold)` is the measure.
    pub(crate) fn new(
        trace: &Trace,
        widths: Widths,
        width_of: &mut dyn FnMut(&str, bool) -> f32,
    ) -> Self {
        let last = trace.frames.len() - 1;
        let end = trace.end(last);
        let mut atoms = Vec::new();
        for (token, string) in trace.strings(last).iter().enumerate() {
            let bold = trace.state(last, token) == State::Prompt;
            let id = trace.frames[last].ids[token];
            let mut piece = |kind, width, text: &str| {
                atoms.push(Atom::Piece { token, kind, width, text: text.into(), bold });
            };
            if id == trace.mask_id {
                piece(Kind::Mask, widths.mask, "");
                atoms.push(Atom::Space(widths.space));
            } else if Some(id) == trace.end_id {
                piece(Kind::End, widths.small, "");
                if Some(token) == end {
                    atoms.push(Atom::Paragraph);
                } else if trace.runs_on {
                    atoms.push(Atom::Space(widths.space));
                }
            } else if string.is_empty() {
                piece(Kind::Empty, widths.empty, "");
            } else if string.trim().is_empty() {
                let breaks = string.matches('\n').count();
                if breaks == 0 {
                    piece(Kind::Blank, widths.space * string.chars().count() as f32, string);
                } else {
                    piece(Kind::Break, widths.small, "");
                    atoms.extend(std::iter::repeat_n(Atom::Newline, breaks));
                }
            } else {
                split(token, string, bold, widths.space, &mut atoms, width_of);
            }
        }
        Self { atoms, widths }
    }

    /// Places everything on lines of width `limit`; `width_of` measures parts of a token that is
    /// itself wider than a line.
    pub(crate) fn wrap(&self, limit: f32, width_of: &mut dyn FnMut(&str, bool) -> f32) -> Wrapped {
        // Line breaks and blanks hang into a reserve at the end of the line.
        let body = (limit - 2.0 * self.widths.small).max(limit / 2.0);
        let mut pen = Pen { out: Wrapped::default(), x: 0.0, line: 0, breaks: 0, spaces: 0.0 };
        pen.out.gaps.push(false);
        let mut at = 0;
        while let Some(atom) = self.atoms.get(at) {
            match atom {
                Atom::Space(width) => pen.spaces += width,
                Atom::Newline => pen.breaks += 1,
                Atom::Paragraph => pen.breaks = 2,
                Atom::Piece { token, kind, width, text, .. } if hangs(*kind) => {
                    let width = width.min(limit);
                    if pen.x + pen.spaces + width > limit {
                        pen.next_line(false);
                    }
                    pen.put(*token, *kind, width, text);
                }
                Atom::Piece { .. } => {
                    let rest = &self.atoms[at..];
                    let joined = |a: &&Atom| matches!(a, Atom::Piece { kind, .. } if !hangs(*kind));
                    let word: Vec<&Atom> = rest.iter().take_while(joined).collect();
                    pen.word(&word, body, width_of);
                    at += word.len() - 1;
                }
            }
            at += 1;
        }
        pen.out.close();
        pen.out
    }
}

/// Kinds that may overhang at the end of a line.
fn hangs(kind: Kind) -> bool {
    matches!(kind, Kind::Blank | Kind::Break | Kind::End)
}

/// Cuts a token with letters at its white space.
fn split(
    token: usize,
    string: &str,
    bold: bool,
    space: f32,
    atoms: &mut Vec<Atom>,
    width_of: &mut dyn FnMut(&str, bool) -> f32,
) {
    let mut word = String::new();
    for character in string.chars().chain(['\0']) {
        let boundary = character.is_whitespace() || character == '\0';
        if !boundary {
            word.push(character);
            continue;
        }
        if !word.is_empty() {
            let text = std::mem::take(&mut word);
            let width = width_of(&text, bold);
            atoms.push(Atom::Piece { token, kind: Kind::Word, width, text, bold });
        }
        match character {
            '\0' => {}
            '\n' => atoms.push(Atom::Newline),
            _ => atoms.push(Atom::Space(space)),
        }
    }
}

/// Where the next segment goes.
struct Pen {
    out: Wrapped,
    x: f32,
    line: usize,
    /// Pending line breaks: their marks stay on the line that they end.
    breaks: usize,
    spaces: f32,
}

impl Pen {
    fn next_line(&mut self, gap: bool) {
        self.x = 0.0;
        self.spaces = 0.0;
        self.line += 1;
        self.out.gaps.push(gap);
    }

    fn put(&mut self, token: usize, kind: Kind, width: f32, text: &str) {
        let opens = self.x == 0.0 || self.spaces > 0.0 || hangs(kind);
        self.x += std::mem::take(&mut self.spaces);
        let (line, x, text) = (self.line, self.x, text.into());
        self.out.segments.push(Segment { token, kind, line, x, width, text, opens, closes: false });
        self.x += width;
    }

    fn word(&mut self, word: &[&Atom], body: f32, width_of: &mut dyn FnMut(&str, bool) -> f32) {
        match std::mem::take(&mut self.breaks) {
            0 => {}
            // A text may open with line breaks; there is no line to end then.
            _ if self.x == 0.0 && self.line == 0 => self.spaces = 0.0,
            breaks => self.next_line(breaks > 1),
        }
        if self.x == 0.0 {
            self.spaces = 0.0;
        }
        let total: f32 = word.iter().map(|atom| atom_width(atom)).sum();
        if self.x > 0.0 && self.x + self.spaces + total > body {
            self.next_line(false);
        }
        for atom in word {
            let Atom::Piece { token, kind, width, text, bold } = atom else {
                continue;
            };
            if self.x > 0.0 && self.x + self.spaces + width > body {
                self.next_line(false);
            }
            if *width <= body {
                self.put(*token, *kind, *width, text);
                continue;
            }
            // Wider than a line: as many characters as fit on each.
            let mut part = String::new();
            let mut part_width = 0.0;
            for character in text.chars() {
                let wide = width_of(character.encode_utf8(&mut [0; 4]), *bold);
                if part_width > 0.0 && part_width + wide > body {
                    self.put(*token, *kind, part_width, &std::mem::take(&mut part));
                    self.next_line(false);
                    part_width = 0.0;
                }
                part.push(character);
                part_width += wide;
            }
            self.put(*token, *kind, part_width.min(body), &part);
        }
    }
}

fn atom_width(atom: &Atom) -> f32 {
    match atom {
        Atom::Piece { width, .. } => *width,
        _ => 0.0,
    }
}

impl Wrapped {
    /// Marks the segments that have room to their right.
    fn close(&mut self) {
        for i in 0..self.segments.len() {
            let apart = self
                .segments
                .get(i + 1)
                .is_none_or(|next| next.line != self.segments[i].line || next.opens);
            self.segments[i].closes = apart;
        }
    }

    /// Column and top of each line, in line heights, in columns of `height`; a gap between
    /// paragraphs counts `gap`.
    pub(crate) fn rows(&self, height: f32, gap: f32) -> Vec<(usize, f32)> {
        let mut next = (0, 0.0);
        let place = |&apart: &bool| {
            let (column, y) = next;
            let y = if apart && y > 0.0 { y + gap } else { y };
            // Half a thousandth for rounding, so that a height found by adding up fits again.
            let row =
                if y > 0.0 && y + 1.0 > height + 5e-4 { (column + 1, 0.0) } else { (column, y) };
            next = (row.0, row.1 + 1.0);
            row
        };
        self.gaps.iter().map(place).collect()
    }
}
