//! A text between two passes.

/// A batch of texts between two passes: what is needed to show it, to change it, and to go on
/// from it. Fields are `(batch, length)`, row after row.
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

    /// Token ids of one text up to the first `end_token` behind all given tokens, without it: what
    /// was given is never cut away.
    pub fn text(&self, row: usize, end_token: Option<u32>) -> &[u32] {
        let ids = self.row(row);
        let generated = &self.generated[row * self.length..][..self.length];
        let end = (behind_given(generated)..ids.len()).find(|&i| Some(ids[i]) == end_token);
        &ids[..end.unwrap_or(ids.len())]
    }

    /// Makes a position a mask that is to be generated, pinned or not.
    ///
    /// # Panics
    /// Like all that take a position: when there is no such text or position.
    pub fn erase(&mut self, row: usize, position: usize, mask_id: u32) {
        self.set(row, position, mask_id, 0.0, true);
    }

    /// Writes a token that never changes again, unless it is erased or released.
    pub fn pin(&mut self, row: usize, position: usize, token: u32) {
        self.set(row, position, token, 1.0, false);
    }

    /// Writes a token as if it had been drawn with certainty: it may become a mask again, after
    /// all others.
    pub fn replace(&mut self, row: usize, position: usize, token: u32) {
        self.set(row, position, token, 1.0, true);
    }

    /// Lets a pinned token change again.
    pub fn release(&mut self, row: usize, position: usize) {
        let n = self.index(row, position);
        self.generated[n] = true;
    }

    fn set(&mut self, row: usize, position: usize, id: u32, confidence: f32, generated: bool) {
        let n = self.index(row, position);
        (self.ids[n], self.confidence[n], self.generated[n]) = (id, confidence, generated);
    }

    fn index(&self, row: usize, position: usize) -> usize {
        let Self { length, .. } = *self;
        assert!(position < length, "position {position} of a text of {length} tokens");
        row * length + position
    }
}

/// The first position of a text that no given token follows.
pub(super) fn behind_given(generated: &[bool]) -> usize {
    generated.iter().rposition(|&generated| !generated).map_or(0, |last| last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        State {
            pass: 0,
            time: 5,
            length: 3,
            ids: vec![7, 9, 9, 9, 8, 7],
            confidence: vec![1.0, 0.5, 0.25, 0.5, 0.5, 0.5],
            generated: vec![true, false, true, true, true, true],
        }
    }

    #[test]
    fn texts_end_at_an_end_token_behind_what_was_given() {
        let mut state = state();
        assert_eq!(state.batch(), 2);
        assert_eq!(state.text(0, None), [7, 9, 9]);
        assert_eq!(state.text(0, Some(9)), [7, 9]);
        assert_eq!(state.text(1, Some(9)), [0u32; 0]);
        assert_eq!(state.text(1, Some(7)), [9, 8]);
        state.pin(1, 1, 8);
        assert_eq!(state.text(1, Some(9)), [9, 8, 7]);
    }

    #[test]
    fn edits() {
        let mut state = state();
        state.erase(0, 1, 2);
        state.pin(1, 0, 6);
        state.replace(1, 2, 5);
        assert_eq!(state.ids, [7, 2, 9, 6, 8, 5]);
        assert_eq!(state.confidence, [1.0, 0.0, 0.25, 1.0, 0.5, 1.0]);
        assert_eq!(state.generated, [true, true, true, false, true, true]);
        state.release(1, 0);
        assert!(state.generated[3]);
    }
}
