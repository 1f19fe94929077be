//! The lesson: a text stops in the middle, one word is ringed for the visitor to change, and what
//! comes of the change is shown beside what would have come.

use leptos::prelude::*;
use plot::State;

use super::{App, Branch, Edit};

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
        let word = self.tree.with_untracked(|tree| tree.shown().and_then(word_to_change));
        if let Some(position) = word {
            self.pause();
            self.lesson.set(Some(Lesson::Change(position)));
            self.said.set("Half of the text is written. Now change the ringed word.".into());
        }
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

/// The word whose change tells most, once half of the text is written: one that says something, and
/// of which the model was least sure.
fn word_to_change(branch: &Branch) -> Option<usize> {
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
        let text = strings[i].trim();
        let ends = strings.get(i + 1).is_none_or(|next| !next.starts_with(char::is_alphabetic));
        let whole = strings[i].starts_with(' ') && ends;
        whole && text.len() > 3 && text.chars().all(char::is_alphabetic) && !PLAIN.contains(&text)
    };
    let sureness = |i: usize| trace.frames[last].confidence[i];
    let all = (0..end).filter(written);
    all.min_by(|&a, &b| word(b).cmp(&word(a)).then_with(|| sureness(a).total_cmp(&sureness(b))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::tree::tests::finished;
    use plot::Piece;

    #[test]
    fn the_word_that_says_something_is_chosen_in_the_middle() {
        let mut tree = finished();
        let branch = &mut tree.branches[0];
        let text = |text: &str| Piece::Text(text.into());
        branch.trace.pieces.extend([(11, text(" with")), (12, text(" dragon")), (13, text("s"))]);
        branch.trace.frames.truncate(2);
        assert_eq!(word_to_change(branch), None, "one word of four is not the half");
        let mut tree = finished();
        let branch = &mut tree.branches[0];
        branch.trace.pieces.extend([
            (11, text(" with")),
            (12, text(" dragon")),
            (14, text(" castle")),
        ]);
        branch.trace.frames.truncate(4);
        assert_eq!(word_to_change(branch), Some(2));
        // Of two such words the one that the model was less sure of.
        branch.trace.pieces.insert(11, text(" wizard"));
        branch.trace.frames[3].confidence[2] = 0.9;
        branch.trace.frames[3].confidence[1] = 0.4;
        assert_eq!(word_to_change(branch), Some(1));
    }
}
