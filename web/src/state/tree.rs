//! The runs of a session: a tree of branches, each a whole trace from the first mask on.

use plot::{State, Trace};
pub use writer::Edit;

use crate::made::Made;
use crate::protocol::{Predictions, Request, Snapshot};

/// Where a branch left another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fork {
    /// Index of the other branch.
    pub branch: usize,
    /// Index of the frame that both share up to.
    pub frame: usize,
    /// Index of the frame that was shown when the person made the change.
    pub seen: usize,
}

/// One run, from all masks to where it is now.
#[derive(Clone, Debug)]
pub struct Branch {
    /// Where it began, unless at the beginning.
    pub fork: Option<Fork>,
    /// What was asked for.
    pub request: Request,
    /// Its share link, as the fragment of an address; empty for a trace from a file.
    pub fragment: String,
    /// All its states.
    pub trace: Trace,
    /// What the model expected when it made each state; the first state has none.
    pub predictions: Vec<Option<Predictions>>,
    /// `[frames]`: seconds of computing up to each state, as far as they were measured.
    pub seconds: Vec<f32>,
    /// What a person changed, each with the step from which on the text is another.
    pub made: Vec<(Made, u32)>,
    /// Changes of the link that are still to be made again.
    pub planned: Vec<Made>,
    /// Positions that a person touched, to say what a branch is about.
    pub touched: Vec<usize>,
    /// Nothing is left to do.
    pub finished: bool,
    /// Number of the engine's run that continues it.
    pub run: Option<u32>,
}

impl Branch {
    /// Index of its last state.
    pub fn last(&self) -> usize {
        self.trace.frames.len() - 1
    }

    /// The next frame with another text, or the last one; none after that.
    pub fn next_change(&self, frame: usize) -> Option<usize> {
        let frames = &self.trace.frames;
        let changes = |&next: &usize| frames[next].ids != frames[frame].ids;
        (frame < self.last()).then(|| (frame + 1..self.last()).find(changes).unwrap_or(self.last()))
    }

    /// Notes how many milliseconds the last state took.
    pub fn time(&mut self, ms: f64) {
        if self.seconds.len() + 1 == self.trace.frames.len() {
            let before = self.seconds.last().copied().unwrap_or(0.0);
            self.seconds.push(before + (ms / 1e3) as f32);
        }
    }

    /// The last frame before with another text.
    pub fn change_before(&self, frame: usize) -> Option<usize> {
        let frames = &self.trace.frames;
        (0..frame).rev().find(|&before| frames[before].ids != frames[frame].ids)
    }

    /// Its last state, for the engine.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::last(&self.trace)
    }

    /// What the model expected at a position when it was last asked about it, up to a frame: it is
    /// asked about masks only, and about what it draws again.
    pub fn expected(&self, frame: usize, position: usize) -> Option<&Predictions> {
        let until = self.predictions.iter().take(frame + 1).rev().flatten();
        until.into_iter().find(|predictions| predictions.entropy(position).is_some())
    }

    /// What a position is at a frame: a pinned token counts as settled.
    pub fn state(&self, frame: usize, position: usize) -> State {
        self.trace.state(frame, position)
    }

    /// Cuts everything after `frame`.
    fn truncate(&mut self, frame: usize) {
        self.trace.frames.truncate(frame + 1);
        let step = self.trace.frames[frame].step;
        self.trace.pinned.retain(|_, since| *since <= step);
        self.made.retain(|(_, from)| *from <= step);
        self.predictions.truncate(frame + 1);
        self.seconds.truncate(frame + 1);
        self.finished = false;
        self.run = None;
    }

    /// Applies an edit to the last state, see [`writer::edit`].
    pub(super) fn apply(&mut self, position: usize, edit: Edit) {
        let made = Made { step: self.trace.frames[self.last()].step, position, edit };
        writer::edit(&mut self.trace, position, edit);
        self.made.push((made, self.trace.frames[self.last()].step));
        self.predictions.truncate(self.trace.frames.len());
        self.seconds.truncate(self.trace.frames.len());
        // New masks leave something to do.
        self.finished = self.finished && self.trace.masks(self.last()) == 0;
        if !self.touched.contains(&position) {
            self.touched.push(position);
        }
        self.run = None;
    }
}

/// All branches, in the order in which they began.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// The branches.
    pub branches: Vec<Branch>,
    /// Index of the one that is shown; none on the first view of the page.
    pub current: Option<usize>,
    /// Branches as they were before they were changed in place, by their index.
    before: Vec<(usize, Branch)>,
}

impl Tree {
    /// The branch that is shown.
    pub fn shown(&self) -> Option<&Branch> {
        self.branches.get(self.current?)
    }

    /// The branch that is shown, to change it.
    pub fn shown_mut(&mut self) -> Option<&mut Branch> {
        self.branches.get_mut(self.current?)
    }

    /// The branch that this run of the engine continues.
    pub fn of_run(&mut self, run: u32) -> Option<(usize, &mut Branch)> {
        self.branches.iter_mut().enumerate().find(|(_, branch)| branch.run == Some(run))
    }

    /// Adds a run from the beginning, and shows it. `run` is the number of the engine's run.
    pub fn begin(&mut self, request: Request, fragment: String, trace: Trace, run: Option<u32>) {
        let frames = trace.frames.len();
        self.current = Some(self.branches.len());
        self.branches.push(Branch {
            fork: None,
            request,
            fragment,
            trace,
            predictions: vec![None; frames],
            seconds: if run.is_some() { vec![0.0; frames] } else { vec![] },
            made: vec![],
            planned: vec![],
            touched: vec![],
            finished: false,
            run,
        });
    }

    /// Adds the run of a trace from a file, and shows it.
    pub fn open(&mut self, trace: Trace) {
        let request = request_of(&trace);
        self.begin(request, String::new(), trace, None);
        let branch = self.shown_mut().expect("just begun");
        let last = branch.last();
        let Trace { frames, mask_id, .. } = &branch.trace;
        let visible = branch.trace.end(last).unwrap_or(branch.trace.len());
        let complete = !frames[last].ids[..visible].contains(mask_id);
        branch.finished = complete || frames[last].step >= branch.trace.planned();
    }

    /// The newest run that was begun with this share link.
    pub fn begun_with(&self, fragment: &str) -> Option<usize> {
        let is = |branch: &Branch| branch.fork.is_none() && branch.fragment == fragment;
        self.branches.iter().rposition(is)
    }

    /// Edits a token of the shown branch at `frame`. The branch stays as it is and a new one begins,
    /// unless it has just begun with another edit of the same state, or only a pin is set or
    /// removed. Returns the frame to show.
    pub fn edit(&mut self, frame: usize, position: usize, edit: Edit) -> usize {
        let (Some(current), Some(branch)) = (self.current, self.shown()) else { return frame };
        let at_head = frame == branch.last() && !branch.finished;
        let pin = matches!(edit, Edit::Pin | Edit::Release);
        if at_head && branch.fork.is_some_and(|fork| fork.frame == frame) {
            self.before.push((current, branch.clone()));
        } else if !(at_head && pin) {
            let mut fork = branch.clone();
            fork.fork = Some(Fork { branch: current, frame, seen: frame });
            fork.touched.clear();
            let finished = fork.finished && frame == fork.last();
            fork.truncate(frame);
            fork.finished = finished;
            self.current = Some(self.branches.len());
            self.branches.push(fork);
        }
        let branch = self.shown_mut().expect("there is one");
        // Who takes over leaves the link's way.
        branch.planned.clear();
        branch.apply(position, edit);
        let last = branch.last();
        if let Some(fork) = &mut branch.fork {
            fork.frame = fork.frame.min(last);
        }
        last
    }

    /// Whether the shown branch has an edit to take back.
    pub fn can_undo(&self) -> bool {
        self.shown().is_some_and(|branch| branch.fork.is_some())
    }

    /// Takes back the last edit of the shown branch: shows the text as it was before, and says which
    /// frame to show. What was written after the edit stays as a branch.
    pub fn undo(&mut self) -> Option<usize> {
        let current = self.current?;
        if let Some(at) = self.before.iter().rposition(|(branch, _)| *branch == current) {
            let (_, before) = self.before.remove(at);
            let last = before.last();
            // What was written since is more than this edit: the whole branch is left.
            if self.branches[current].last() == last {
                self.branches[current] = before;
                return Some(last);
            }
        }
        let Fork { branch, seen, .. } = self.branches[current].fork?;
        self.current = Some(branch);
        Some(seen)
    }
}

/// What a trace was asked for, as far as it says so.
fn request_of(trace: &Trace) -> Request {
    let given = trace.fixed.iter().rposition(|&fixed| fixed).map_or(0, |last| last + 1);
    Request {
        prompt: trace.prompt.clone(),
        length: (trace.len() - given) as u32,
        steps: trace.steps,
        sampler: trace.sampler.parse().unwrap_or_default(),
        temperature: trace.temperature,
        top_k: trace.top_k,
        top_p: trace.top_p,
        seed: trace.seed,
        stop_at_end: !trace.runs_on,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::protocol::SamplerKind;
    use plot::{Frame, Piece};

    pub(crate) fn request() -> Request {
        Request {
            prompt: "A".into(),
            length: 4,
            steps: 4,
            sampler: SamplerKind::Carry.into(),
            temperature: 0.0,
            top_k: None,
            top_p: None,
            seed: 1,
            stop_at_end: false,
        }
    }

    /// A run of four tokens after one of the prompt, one more visible after each step.
    pub(crate) fn finished() -> Tree {
        let frame = |step: u32| Frame {
            step,
            t: (4 - step) as f32,
            ids: (0..5).map(|i| if i == 0 || i <= step { 10 + i } else { 2 }).collect(),
            confidence: (0..5).map(|i| if i <= step { 1.0 } else { 0.0 }).collect(),
        };
        let trace = Trace {
            version: plot::trace::VERSION,
            model: "test".into(),
            sampler: "carry".into(),
            schedule: "cosine".into(),
            temperature: 0.0,
            top_k: None,
            top_p: None,
            seed: 1,
            steps: 4,
            corrections: 0,
            mask_id: 2,
            end_id: None,
            runs_on: true,
            prompt: "A".into(),
            fixed: vec![true, false, false, false, false],
            pinned: Default::default(),
            pieces: (10..15).map(|id| (id, Piece::Text(format!(" {id}")))).collect(),
            frames: (0..5).map(frame).collect(),
        };
        let mut tree = Tree::default();
        tree.begin(request(), "prompt=A".into(), trace, Some(1));
        tree.branches[0].predictions = vec![None; 5];
        tree.branches[0].finished = true;
        tree
    }

    #[test]
    fn an_edit_in_the_past_begins_a_branch() {
        let mut tree = finished();
        assert_eq!(tree.edit(2, 1, Edit::Replace(14)), 2);
        assert_eq!((tree.branches.len(), tree.current), (2, Some(1)));
        let branch = &tree.branches[1];
        assert_eq!(branch.fork, Some(Fork { branch: 0, frame: 2, seen: 2 }));
        assert_eq!(branch.trace.frames[2].ids, [10, 14, 12, 2, 2]);
        assert!(branch.trace.pinned(2, 1) && !branch.finished && branch.run.is_none());
        assert_eq!(branch.trace.check().map_err(|e| e.to_string()), Ok(()));
        assert_eq!(tree.branches[0].trace.frames[2].ids, [10, 11, 12, 2, 2], "the old one stays");
        // Another edit at the end of the new branch does not begin a third.
        tree.edit(2, 2, Edit::Erase);
        assert_eq!(tree.branches.len(), 2);
        assert_eq!(tree.branches[1].trace.frames[2].ids, [10, 14, 2, 2, 2]);
    }

    #[test]
    fn erasing_after_the_end_goes_back_in_time() {
        let mut tree = finished();
        assert_eq!(tree.edit(4, 2, Edit::Erase), 3, "step 3 was the last with one mask");
        let branch = &tree.branches[1];
        assert_eq!(branch.trace.frames[3].ids, [10, 11, 2, 13, 14]);
        assert_eq!((branch.trace.frames[3].step, branch.finished), (3, false));
        assert_eq!(tree.edit(3, 0, Edit::Erase), 3, "there are steps left: the prompt too");
        assert!(!tree.branches[1].trace.fixed[0]);
        assert_eq!(tree.branches[1].snapshot().ids, [2, 11, 2, 13, 14]);
    }

    /// The run after two of its four steps.
    fn under_way() -> Tree {
        let mut tree = finished();
        tree.branches[0].truncate(2);
        tree
    }

    #[test]
    fn an_edit_while_a_text_is_written_leaves_what_was_written() {
        let mut tree = under_way();
        let frame = tree.branches[0].trace.frames[2].clone();
        assert_eq!(tree.edit(2, 1, Edit::Erase), 2);
        assert_eq!((tree.branches.len(), tree.current), (2, Some(1)));
        assert_eq!(tree.branches[0].trace.frames[2], frame, "the old one stays");
        // A pin changes no text: it needs no branch.
        let mut tree = under_way();
        tree.edit(2, 1, Edit::Pin);
        assert_eq!(tree.branches.len(), 1);
        assert!(tree.branches[0].trace.pinned(2, 1) && !tree.can_undo());
    }

    #[test]
    fn every_edit_can_be_undone() {
        let shown = |tree: &Tree| tree.shown().map(|branch| branch.snapshot().ids);
        for (mut tree, frame) in [(under_way(), 2), (finished(), 4), (finished(), 2)] {
            let before = shown(&tree);
            let first = tree.edit(frame, 1, Edit::Replace(14));
            let one = shown(&tree);
            tree.edit(first, 2, Edit::Erase);
            assert_ne!(shown(&tree), one);
            assert_eq!(tree.undo(), Some(first));
            assert_eq!(shown(&tree), one);
            assert_eq!(tree.undo(), Some(frame));
            assert_eq!((shown(&tree), tree.current), (before, Some(0)));
            assert_eq!(tree.undo(), None, "there is no more to take back");
        }
    }

    #[test]
    fn what_was_written_after_an_edit_is_not_lost_by_undoing() {
        let mut tree = under_way();
        tree.edit(2, 1, Edit::Erase);
        tree.edit(2, 2, Edit::Erase);
        let next = Frame { step: 3, ..tree.branches[1].trace.frames[2].clone() };
        tree.branches[1].trace.frames.push(next);
        assert_eq!((tree.undo(), tree.current), (Some(2), Some(0)));
        assert_eq!(tree.branches[1].last(), 3);
    }

    #[test]
    fn replay_passes_over_steps_that_change_nothing() {
        let mut tree = finished();
        let branch = &mut tree.branches[0];
        branch.trace.frames[2].ids = branch.trace.frames[1].ids.clone();
        let next: Vec<_> = (0..5).map(|frame| branch.next_change(frame)).collect();
        assert_eq!(next, [Some(1), Some(3), Some(3), Some(4), None]);
        let before: Vec<_> = (0..5).map(|frame| branch.change_before(frame)).collect();
        assert_eq!(before, [None, Some(0), Some(0), Some(2), Some(3)]);
    }

    #[test]
    fn a_trace_opens_as_it_was_left() {
        let mut tree = Tree::default();
        let mut trace = finished().branches[0].trace.clone();
        tree.open(trace.clone());
        let branch = tree.shown().expect("it is shown");
        assert!(branch.finished && branch.run.is_none() && branch.fragment.is_empty());
        assert_eq!(branch.request, request_of(&trace));
        assert_eq!((branch.request.length, branch.request.steps), (4, 4));
        trace.frames.truncate(3);
        tree.open(trace);
        assert_eq!(tree.shown().map(|branch| branch.finished), Some(false));
    }

    #[test]
    fn a_run_is_found_by_its_link() {
        let mut tree = finished();
        tree.edit(2, 1, Edit::Erase);
        assert_eq!(tree.begun_with("prompt=A"), Some(0), "a branch has no link of its own");
        assert_eq!(tree.begun_with("prompt=B"), None);
    }

    #[test]
    fn pins_are_fixed_for_the_engine() {
        let mut tree = finished();
        tree.edit(1, 1, Edit::Pin);
        assert_eq!(tree.branches[1].snapshot().fixed, [true, true, false, false, false]);
        tree.edit(1, 1, Edit::Release);
        assert_eq!(tree.branches[1].snapshot().fixed, [true, false, false, false, false]);
        assert_eq!(tree.branches.len(), 2);
    }
}
