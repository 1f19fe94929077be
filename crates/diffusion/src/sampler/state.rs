//! Texts between two passes.

/// A batch of texts between two passes: what is needed to show them, to change them, and to go on
/// from them. Fields are `(batch, length)`, row after row.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Passes done.
    pub pass: usize,
    /// Time of the next pass, from the model's T down; 0 when all passes are done.
    pub time: usize,
    /// Positions of a text.
    pub length: usize,
    /// Token ids; the mask's id where nothing is visible.
    pub ids: Vec<u32>,
    /// Probability with which the visible token was drawn; 1 where it was given, 0 at masks.
    pub confidence: Vec<f32>,
    /// Where tokens are generated; given and pinned ones never change.
    pub generated: Vec<bool>,
}

impl State {
    /// Number of texts.
    pub fn batch(&self) -> usize {
        self.ids.len() / self.length
    }

    /// Token ids of one text.
    pub fn row(&self, row: usize) -> &[u32] {
        &self.ids[row * self.length..(row + 1) * self.length]
    }
}

/// The first position of a text that no given token follows.
pub(super) fn behind_given(generated: &[bool]) -> usize {
    generated.iter().rposition(|&generated| !generated).map_or(0, |last| last + 1)
}
