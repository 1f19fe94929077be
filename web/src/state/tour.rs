//! The tour: which of its cards is open, and whether the visitor has seen it.

use leptos::prelude::*;

use super::draft::storage;
use super::{App, Branch};

/// Local-storage key of having seen the tour.
const TOURED: &str = "cinnabar-toured";

impl App {
    /// Begins the tour, on the text that is shown.
    pub fn begin_tour(self) {
        self.pause();
        self.inspected.set(None);
        self.tour.set(Some(0));
    }

    /// Ends the tour, at the newest state of the text.
    pub fn end_tour(self) {
        self.tour.set(None);
        self.head.set(self.last());
        self.refuse_tour();
    }

    /// Remembers that the tour need not be offered again.
    pub fn refuse_tour(self) {
        self.toured.set(true);
        // Storage may be full or disabled: then it is offered at the next visit.
        let _ = storage().map(|storage| storage.set_item(TOURED, "yes"));
    }

    /// Whether an earlier visit has seen the tour, or refused it.
    pub(super) fn restore_tour(self) {
        let seen = storage().and_then(|storage| storage.get_item(TOURED).ok()?);
        self.toured.set(seen.is_some());
    }

    /// Shows a share of the run, at a state in which something is new.
    pub fn seek_share(self, share: f32) {
        if let Some(frame) = self.with_shown_untracked(|branch, _| telling(branch, share)) {
            self.seek(frame);
        }
    }
}

/// The frame at a share of a run, or the next one in which a word appears; the ends are themselves.
fn telling(branch: &Branch, share: f32) -> usize {
    let (last, trace) = (branch.last(), &branch.trace);
    let frame = (last as f32 * share).round() as usize;
    if frame == 0 || frame >= last {
        return frame.min(last);
    }
    let appears = |at: usize| {
        let (now, before) = (&trace.frames[at].ids, &trace.frames[at - 1].ids);
        now.iter().zip(before).any(|(now, before)| now != before && *now != trace.mask_id)
    };
    (frame..=last).find(|&at| appears(at)).unwrap_or(frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::tree::tests::finished;

    #[test]
    fn the_tour_stops_where_something_is_new() {
        let mut tree = finished();
        let branch = &mut tree.branches[0];
        assert_eq!([0.0, 0.4, 0.8, 1.0].map(|share| telling(branch, share)), [0, 2, 3, 4]);
        branch.trace.frames[2].ids = branch.trace.frames[1].ids.clone();
        assert_eq!(telling(branch, 0.4), 3, "nothing is new");
        branch.trace.frames[2].ids.fill(branch.trace.mask_id);
        assert_eq!(telling(branch, 0.4), 3, "words are hidden again");
    }
}
