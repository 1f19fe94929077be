//! Changes that came with a link: they are made again when the run is where they were made.

use leptos::prelude::*;
use plot::Piece;

use super::{App, Branch};
use crate::address::{self, Link};
use crate::made::MOST;
use crate::protocol::Request;
use writer::Edit;

impl Branch {
    /// Its share link with all changes, as a fragment; `None` if a link cannot tell them.
    pub fn link(&self) -> Option<String> {
        let link = address::read(&self.fragment, &Request::default())?;
        if link.request != self.request || self.made.len() > MOST {
            return None;
        }
        let made = self.made.iter().map(|(made, _)| *made).collect();
        Some(address::write(&Link { made, ..link }))
    }

    /// Makes the planned changes that are due: those of a state that is there, or all when the run is
    /// over. Those outside the text or the vocabulary, `pieces`, are passed over. Returns whether
    /// any was made.
    fn retrace(&mut self, pieces: &[Piece]) -> bool {
        let mut any = false;
        while let Some(&next) = self.planned.first() {
            let step = self.trace.frames[self.last()].step;
            if !self.finished && step < next.step {
                break;
            }
            self.planned.remove(0);
            let named = match next.edit {
                Edit::Replace(id) => pieces.get(id as usize).map(|piece| Some((id, piece))),
                _ => Some(None),
            };
            let Some(named) = named.filter(|_| next.position < self.trace.len()) else { continue };
            self.trace.pieces.extend(named.map(|(id, piece)| (id, piece.clone())));
            self.apply(next.position, next.edit);
            any = true;
        }
        any
    }
}

impl App {
    /// Makes the changes of the shown run's link that are due, and goes on from there if `going`.
    pub(super) fn retrace(self, going: bool) {
        let planned = |branch: &Branch, _: usize| !branch.planned.is_empty();
        let Some(info) = self.info.get_untracked() else { return };
        if self.with_shown_untracked(planned) != Some(true) {
            return;
        }
        let mut any = false;
        self.tree.update(|tree| {
            any = tree.shown_mut().is_some_and(|branch| branch.retrace(&info.pieces));
        });
        if any {
            self.head.set(self.last());
            if going && !self.finished() {
                self.go_on();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made::Made;
    use crate::state::tree::tests::finished;

    fn pieces() -> Vec<Piece> {
        (0..20).map(|id| Piece::Text(format!(" {id}"))).collect()
    }

    #[test]
    fn changes_are_made_again_at_their_step() {
        let mut tree = finished();
        let fragment = address::write(&Link {
            model: None,
            request: tree.branches[0].request.clone(),
            made: vec![],
        });
        tree.branches[0].fragment = fragment;
        // A person erases and replaces after step 2, and pins at step 3.
        tree.edit(2, 1, Edit::Erase);
        tree.edit(2, 3, Edit::Replace(17));
        let next = tree.branches[1].trace.frames[2].clone();
        tree.branches[1].trace.frames.push(plot::Frame { step: 3, ..next });
        tree.edit(3, 2, Edit::Pin);
        let told = tree.branches[1].clone();
        let link = told.link().expect("it can be told");
        assert!(link.ends_with("&edits=2.1.e_2.3.17_3.2.p"), "{link}");

        // The same run, from the link.
        let mut again = finished().branches.remove(0);
        let whole = again.trace.clone();
        again.trace.frames.truncate(2);
        again.finished = false;
        again.planned = address::read(&link, &Request::default()).expect("a link").made;
        assert!(!again.retrace(&pieces()), "nothing is due after step 1");
        again.trace.frames.push(whole.frames[2].clone());
        assert!(again.retrace(&pieces()));
        assert_eq!((again.planned.len(), again.run), (1, None));
        assert_eq!(again.trace.frames[2].ids, told.trace.frames[2].ids);
        again.finished = true;
        assert!(again.retrace(&pieces()), "all are due when the run is over");
        assert_eq!(again.snapshot().fixed, told.snapshot().fixed);
    }

    #[test]
    fn what_a_stranger_planned_outside_the_text_is_passed_over() {
        let mut branch = finished().branches.remove(0);
        let before = branch.trace.clone();
        let made = |position, edit| Made { step: 0, position, edit };
        branch.planned =
            vec![made(5, Edit::Erase), made(1, Edit::Replace(20)), made(usize::MAX, Edit::Pin)];
        assert!(!branch.retrace(&pieces()));
        assert!(branch.planned.is_empty() && branch.trace == before);
    }

    #[test]
    fn what_a_link_cannot_tell_has_none() {
        let mut branch = finished().branches.remove(0);
        branch.fragment = String::new();
        assert_eq!(branch.link(), None, "a trace from a file");
        let link = Link { model: None, request: branch.request.clone(), made: vec![] };
        branch.fragment = address::write(&link);
        assert_eq!(branch.link(), Some(branch.fragment.clone()));
        branch.request.stop_at_end = true;
        assert_eq!(branch.link(), None, "it was written on behind its end");
    }
}
