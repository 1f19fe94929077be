//! Two texts beside each other, on one time line: both are shown at the same share of their way,
//! however many steps each takes. The engine writes one after the other; the page plays both.

use leptos::prelude::*;
use plot::compare::abreast;

use super::requests::{fitting, for_rival};
use super::{App, Branch, EngineState, Tree};
use crate::protocol::{Command, ModelEntry, Request};

/// Two texts beside each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Index of the branch on the left.
    pub left: usize,
    /// What stands on the right.
    pub right: Right,
}

/// The text on the right.
#[derive(Clone, Debug, PartialEq)]
pub enum Right {
    /// A branch, by its index.
    Branch(usize),
    /// A text that has not begun yet.
    Coming {
        /// What is to be written.
        request: Request,
        /// The model that is loaded for it; none is the one that is there.
        model: Option<Box<ModelEntry>>,
    },
}

impl Comparison {
    /// The branches on the left and on the right, as far as they are there.
    pub fn branches<'a>(&self, tree: &'a Tree) -> [Option<&'a Branch>; 2] {
        let right = match self.right {
            Right::Branch(right) => tree.branches.get(right),
            Right::Coming { .. } => None,
        };
        [tree.branches.get(self.left), right]
    }

    /// Index of the last moment of the time line: one for each state of the longer run.
    pub fn longest(&self, tree: &Tree) -> usize {
        self.branches(tree).into_iter().flatten().map(extent).max().unwrap_or(0)
    }

    /// The frame of a branch at a moment. Before there are two, it is the newest.
    pub fn frame(&self, tree: &Tree, branch: &Branch, moment: usize) -> usize {
        let last = branch.last();
        match self.right {
            Right::Branch(_) => {
                abreast(moment.into(), self.longest(tree), extent(branch)).frame.min(last)
            }
            Right::Coming { .. } => last,
        }
    }

    /// The moment after this one, if both texts have come so far.
    fn after(&self, tree: &Tree, moment: usize) -> Option<usize> {
        let longest = self.longest(tree);
        let next = Some(moment + 1).filter(|&next| next <= longest)?;
        let written = |branch: Option<&Branch>| {
            branch.is_some_and(|branch| {
                abreast(next.into(), longest, extent(branch)).frame <= branch.last()
            })
        };
        self.branches(tree).into_iter().all(written).then_some(next)
    }
}

/// Index of the last state that a branch has or is to have.
fn extent(branch: &Branch) -> usize {
    let last = branch.last();
    let done = branch.trace.frames[last].step;
    let to_come = if branch.finished { 0 } else { branch.trace.planned().saturating_sub(done) };
    last + to_come as usize
}

impl App {
    /// Shows the text beside another one that is written for this request, by this model of the list
    /// or by the one that is there.
    pub fn compare_anew(self, request: Request, model: Option<Box<ModelEntry>>) {
        if let Some(left) = self.tree.with_untracked(|tree| tree.current) {
            let right = Right::Coming { request, model };
            self.open_comparison(Comparison { left, right }, 0);
        }
    }

    /// Shows two branches beside each other, from a moment on.
    pub fn compare(self, left: usize, right: usize, from: usize) {
        self.open_comparison(Comparison { left, right: Right::Branch(right) }, from);
    }

    fn open_comparison(self, comparison: Comparison, from: usize) {
        self.pause();
        self.leave_views();
        self.lesson.set(None);
        self.inspected.set(None);
        self.fault.set(None);
        self.moment.set(from);
        self.compared.set(Some(comparison));
        self.said.set("Two texts, side by side.".into());
        self.complete();
        self.play_both();
    }

    /// Back to one text.
    pub fn close_comparison(self) {
        self.pause();
        self.compared.set(None);
        self.head.set(self.last());
    }

    /// Leaves what stands beside one text, or over it.
    pub(super) fn leave_views(self) {
        self.compared.set(None);
        self.tour.set(None);
    }

    /// Whether the text on the right has not begun yet.
    pub(super) fn awaits_text(self) -> bool {
        let coming = |both: &Comparison| matches!(both.right, Right::Coming { .. });
        self.compared.with_untracked(|both| both.as_ref().is_some_and(coming))
    }

    /// Whether two texts are shown.
    pub fn comparing(self) -> bool {
        self.compared.with(Option::is_some)
    }

    /// As [`Self::comparing`], without subscribing.
    pub fn comparing_untracked(self) -> bool {
        self.compared.with_untracked(Option::is_some)
    }

    /// Lets the engine write what is missing of both texts, one after the other.
    pub(super) fn complete(self) {
        let Some(Comparison { left, right }) = self.compared.get_untracked() else { return };
        let Some(info) = self.info.get_untracked() else { return };
        if self.engine.get_untracked() != EngineState::Ready || self.running.get_untracked() {
            return;
        }
        match right {
            _ if self.can_go_on(left) => self.hurry(left),
            Right::Branch(right) if self.can_go_on(right) => self.hurry(right),
            Right::Branch(_) => {}
            // What is missing then, is written when it stands.
            Right::Coming { model: Some(model), .. } if info.id.as_ref() != Some(&model.id) => {
                self.load_listed(*model);
            }
            Right::Coming { request, model } => {
                self.visiting.set_value(false);
                let request = if model.is_some() { for_rival(request, &info) } else { request };
                let fragment = self.begin_run(fitting(request, &info), vec![]);
                self.run_on(0);
                self.enter(fragment);
            }
        }
    }

    fn can_go_on(self, branch: usize) -> bool {
        let finished = |tree: &Tree| tree.branches.get(branch).is_none_or(|branch| branch.finished);
        !self.tree.with_untracked(finished) && self.belongs_to_model(branch)
    }

    /// Lets the engine write a branch as fast as it can: the page plays it at its own pace.
    fn hurry(self, branch: usize) {
        if self.attach(branch) {
            self.run_on(0);
        }
    }

    fn run_on(self, interval_ms: u32) {
        self.running.set(true);
        self.send(Command::Run { interval_ms });
    }

    /// Takes a run that has just begun for the text on the right, if one is awaited.
    pub(super) fn awaited(self, branch: usize) {
        let Some(Comparison { left, right: Right::Coming { .. } }) = self.compared.get_untracked()
        else {
            return;
        };
        self.compared.set(Some(Comparison { left, right: Right::Branch(branch) }));
        self.moment.set(0);
        self.play_both();
    }

    /// Plays or stops both texts.
    pub fn play_or_stop_both(self) {
        if self.replaying.get_untracked() {
            self.stop_replay();
            return;
        }
        if self.moment.get_untracked() >= self.longest() {
            self.moment.set(0);
        }
        self.play_both();
    }

    /// Shows a moment of both texts.
    pub fn seek_both(self, moment: usize) {
        self.stop_replay();
        self.moment.set(moment.min(self.longest()));
    }

    /// Index of the last moment of both texts.
    pub fn longest(self) -> usize {
        self.compared.with_untracked(|comparison| {
            let longest = |tree: &Tree| comparison.as_ref().map_or(0, |both| both.longest(tree));
            self.tree.with_untracked(longest)
        })
    }

    /// Plays both texts from the shown moment on, and waits where the engine is not so far yet.
    fn play_both(self) {
        self.keep_time(move || {
            let now = self.moment.get_untracked();
            let next = self.compared.with_untracked(|comparison| {
                let after = |tree: &Tree| comparison.as_ref()?.after(tree, now);
                self.tree.with_untracked(after)
            });
            match next {
                Some(next) => self.moment.set(next),
                None if self.running.get_untracked() => {}
                None => self.stop_replay(),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Edit;
    use crate::state::tree::tests::finished;

    /// A finished run of four steps, and one of two that has come as far as `step`.
    fn two(step: usize) -> (Tree, Comparison) {
        let mut tree = finished();
        let mut quick = tree.branches[0].clone();
        quick.trace.steps = 2;
        quick.trace.frames = (0..=step)
            .map(|frame| {
                let mut state = tree.branches[0].trace.frames[2 * frame].clone();
                state.step = frame as u32;
                state
            })
            .collect();
        quick.finished = step == 2;
        tree.branches.push(quick);
        (tree, Comparison { left: 0, right: Right::Branch(1) })
    }

    #[test]
    fn both_are_at_the_same_share_of_their_way() {
        let (tree, both) = two(2);
        assert_eq!(both.longest(&tree), 4);
        let frames = |moment| {
            both.branches(&tree)
                .map(|branch| both.frame(&tree, branch.expect("it is there"), moment))
        };
        assert_eq!([0, 1, 2, 3, 4].map(frames), [[0, 0], [1, 0], [2, 1], [3, 1], [4, 2]]);
        assert_eq!(both.after(&tree, 3), Some(4));
        assert_eq!(both.after(&tree, 4), None);
    }

    #[test]
    fn time_waits_for_the_text_that_is_being_written() {
        let (tree, both) = two(1);
        assert_eq!(both.longest(&tree), 4, "the steps to come have their room");
        assert_eq!(both.after(&tree, 2), Some(3));
        assert_eq!(both.after(&tree, 3), None);
        let right = Right::Coming { request: tree.branches[0].request.clone(), model: None };
        let coming = Comparison { left: 0, right };
        assert_eq!(coming.after(&tree, 0), None);
        assert_eq!(coming.frame(&tree, &tree.branches[0], 0), 4, "what is there is shown");
    }

    #[test]
    fn an_edited_text_is_beside_the_one_that_it_left() {
        let mut tree = finished();
        tree.edit(2, 1, Edit::Replace(14));
        let both = Comparison { left: 0, right: Right::Branch(1) };
        assert_eq!(both.longest(&tree), 4);
        let right = &tree.branches[1];
        assert_eq!((both.frame(&tree, right, 1), both.frame(&tree, right, 4)), (1, 2));
        assert_eq!((both.after(&tree, 1), both.after(&tree, 2)), (Some(2), None));
    }
}
