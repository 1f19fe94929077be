//! The lesson: a text stops in the middle, one word is ringed for the visitor to change, and what
//! comes of the change is shown beside what would have come.

use leptos::prelude::*;
use plot::{Piece, State};

use super::{App, Branch, Edit};
use crate::protocol::ModelInfo;

/// What the lesson writes.
const PROMPT: &str = "Once upon a time, there was a little girl who wanted a pet. One day, she";

/// Frequent words that say little: another one in their place changes little.
const PLAIN: [&str; 16] = [
    "that", "they", "them", "with", "were", "have", "very", "then", "when", "from", "this", "what",
    "said", "their", "there", "would",
];

/// Where the lesson stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lesson {
    /// Its text is to be begun.
    Asked,
    /// The model writes the first half.
    Watching,
    /// The word at this position is to be changed.
    Change(usize),
}

impl App {
    /// Begins the lesson.
    pub fn begin_lesson(self) {
        self.lesson.set(Some(Lesson::Asked));
        self.begin_example(PROMPT.to_owned());
    }

    /// Leaves the lesson; its text stays.
    pub fn leave_lesson(self) {
        self.lesson.set(None);
        self.said.set("The lesson is over.".into());
    }

    /// A text has begun: that of the lesson, or another one.
    pub(super) fn lesson_or_not(self) {
        let asked = self.lesson.get_untracked() == Some(Lesson::Asked);
        self.lesson.set(asked.then_some(Lesson::Watching));
    }

    /// Stops the text of the lesson when half of it is written.
    pub(super) fn teach(self) {
        if self.lesson.get_untracked() != Some(Lesson::Watching) {
            return;
        }
        let found = |branch: &Branch| word_to_change(branch, |id| self.is_word(id));
        let word = self.tree.with_untracked(|tree| tree.shown().and_then(found));
        if let Some(position) = word {
            self.pause();
            self.lesson.set(Some(Lesson::Change(position)));
            self.said.set("Half of the text is written. Now change the ringed word.".into());
        }
    }

    /// Whether a token of the model is a whole word.
    pub fn is_word(self, id: u32) -> bool {
        let text = |info: &ModelInfo| match info.pieces.get(id as usize) {
            Some(Piece::Text(text)) => whole(text) && !info.special.contains(&id),
            _ => false,
        };
        self.info.with_untracked(|info| info.as_ref().is_some_and(|info| text(info)))
    }

    /// After a change in the lesson: both ways on, side by side.
    pub(super) fn show_both_endings(self, edit: Edit) {
        let asked = matches!(self.lesson.get_untracked(), Some(Lesson::Change(_)));
        if !asked || matches!(edit, Edit::Pin | Edit::Release) {
            return;
        }
        self.lesson.set(None);
        let both = self.tree.with_untracked(|tree| {
            let fork = tree.shown()?.fork?;
            Some((fork.branch, tree.current?, fork.frame))
        });
        if let Some((before, after, frame)) = both {
            self.compare(before, after, frame);
        }
    }
}

/// The word whose change tells most, once half of the text is written: one that says something, of
/// which the model was least sure, and for which it thought of other words. `is_word` tells of a
/// token whether it is a whole word.
fn word_to_change(branch: &Branch, is_word: impl Fn(u32) -> bool) -> Option<usize> {
    let (trace, last) = (&branch.trace, branch.last());
    if 2 * trace.masks(last) > trace.generated() {
        return None;
    }
    let strings = trace.strings(last);
    let end = trace.end(last).unwrap_or(trace.len());
    let written = |&i: &usize| {
        matches!(trace.state(last, i), State::Fresh | State::Settled)
            && !strings[i].trim().is_empty()
    };
    // What is a word of its own, and no part of one.
    let word = |i: usize| {
        let ends = strings.get(i + 1).is_none_or(|next| !next.starts_with(char::is_alphabetic));
        whole(&strings[i]) && ends && strings[i].len() > 4 && !PLAIN.contains(&strings[i].trim())
    };
    let others = |i: usize| {
        let own = trace.frames[last].ids[i];
        let top = branch.expected(last, i).into_iter().flat_map(|expected| expected.top(i));
        top.filter(|&(id, _)| id != own && is_word(id)).count().min(2)
    };
    let sureness = |i: usize| trace.frames[last].confidence[i];
    let merit = |i: usize| (word(i) && others(i) == 2, word(i), others(i));
    let all = (0..end).filter(written);
    all.min_by(|&a, &b| merit(b).cmp(&merit(a)).then_with(|| sureness(a).total_cmp(&sureness(b))))
}

/// Whether the text of a token is a whole word, with the space before it.
fn whole(text: &str) -> bool {
    text.strip_prefix(' ')
        .is_some_and(|word| !word.is_empty() && word.chars().all(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Predictions;
    use crate::state::tree::tests::finished;
    use writer::TOP;

    #[test]
    fn the_word_that_says_something_is_chosen_in_the_middle() {
        let mut tree = finished();
        let branch = &mut tree.branches[0];
        let text = |text: &str| Piece::Text(text.into());
        branch.trace.pieces.extend([(11, text(" with")), (12, text(" dragon")), (13, text("s"))]);
        branch.trace.frames.truncate(2);
        assert_eq!(word_to_change(branch, |_| true), None, "one word of four is not the half");
        let mut tree = finished();
        let branch = &mut tree.branches[0];
        branch.trace.pieces.extend([
            (11, text(" with")),
            (12, text(" dragon")),
            (14, text(" castle")),
        ]);
        branch.trace.frames.truncate(4);
        assert_eq!(word_to_change(branch, |_| true), Some(2));
        // Of two such words the one that the model was less sure of.
        branch.trace.pieces.insert(11, text(" wizard"));
        branch.trace.frames[3].confidence[2] = 0.9;
        branch.trace.frames[3].confidence[1] = 0.4;
        assert_eq!(word_to_change(branch, |_| true), Some(1));
        // The model thought of marks alone for that one, and of words for the other.
        let mut tokens = vec![20; 5 * TOP];
        tokens[2 * TOP..3 * TOP].fill(13);
        let probabilities = vec![0.2; 5 * TOP];
        let entropy = vec![1.6; 5];
        branch.predictions[3] = Some(Predictions { tokens, probabilities, entropy });
        assert_eq!(word_to_change(branch, |id| id < 20), Some(2));
    }
}
