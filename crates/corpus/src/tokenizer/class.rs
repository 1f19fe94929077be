//! Classes of characters, as in the pre-tokenizer's expression.

include!(concat!(env!("OUT_DIR"), "/classes.rs"));

/// Character class.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// `\p{L}`
    Letter,
    /// `\p{N}`
    Number,
    /// `\s`
    Space,
    /// All others.
    Other,
}

impl Class {
    /// That of a character.
    pub(super) fn of(c: char) -> Self {
        if c.is_ascii_alphabetic() {
            return Self::Letter; // no need for the table
        }
        if c.is_whitespace() {
            return Self::Space;
        }
        let behind = RUNS.partition_point(|run| run >> 2 <= u32::from(c));
        match behind.checked_sub(1).map(|run| RUNS[run] & 3) {
            Some(1) => Self::Letter,
            Some(2) => Self::Number,
            _ => Self::Other,
        }
    }
}
