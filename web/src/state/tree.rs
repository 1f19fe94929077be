//! The runs of a session: a tree of branches, each a whole trace from the first mask on.

use plot::{State, Trace};
pub use writer::Edit;

use crate::protocol::{Predictions, Request, Snapshot};

/// Where a branch left another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fork {
    /// Index of the other branch.
    pub branch: usize,
    /// Index of the frame that both share up to.
    pub frame: usize,
}

/// One run, from all masks to where it is now.
#[derive(Clone, Debug)]
pub struct Branch {
    /// Where it began, unless at the beginning.
    pub fork: Option<Fork>,
    /// What was asked for.
    pub request: Request,
    /// All its states.
    pub trace: Trace,
    /// What the model expected when it made each state; the first state has none.
    pub predictions: Vec<Option<Predictions>>,
    /// Positions that a person pinned.
    pub pinned: Vec<bool>,
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

    /// Its last state, for the engine.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::last(&self.trace, &self.pinned)
    }

    /// What a position is at a frame: a pinned token counts as settled.
    pub fn state(&self, frame: usize, position: usize) -> State {
        self.trace.state(frame, position)
    }

    /// Cuts everything after `frame`.
    fn truncate(&mut self, frame: usize) {
        self.trace.frames.truncate(frame + 1);
        self.predictions.truncate(frame + 1);
        self.finished = false;
        self.run = None;
    }

    /// Applies an edit to the last state, see [`writer::edit`].
    fn apply(&mut self, position: usize, edit: Edit) {
        writer::edit(&mut self.trace, &mut self.pinned, position, edit);
        self.predictions.truncate(self.trace.frames.len());
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
    /// Index of the one that is shown.
    pub current: usize,
}

impl Tree {
    /// The branch that is shown.
    pub fn shown(&self) -> Option<&Branch> {
        self.branches.get(self.current)
    }

    /// The branch that is shown, to change it.
    pub fn shown_mut(&mut self) -> Option<&mut Branch> {
        self.branches.get_mut(self.current)
    }

    /// The branch that this run of the engine continues.
    pub fn of_run(&mut self, run: u32) -> Option<(usize, &mut Branch)> {
        self.branches.iter_mut().enumerate().find(|(_, branch)| branch.run == Some(run))
    }

    /// Adds a run from the beginning, and shows it.
    pub fn begin(&mut self, request: Request, trace: Trace, run: u32) {
        let len = trace.len();
        self.current = self.branches.len();
        self.branches.push(Branch {
            fork: None,
            request,
            trace,
            predictions: vec![None],
            pinned: vec![false; len],
            touched: vec![],
            finished: false,
            run: Some(run),
        });
    }

    /// Edits a token of the shown branch at `frame`. In the past, or when the run is over, the
    /// branch stays as it is and a new one begins. Returns the frame to show.
    pub fn edit(&mut self, frame: usize, position: usize, edit: Edit) -> usize {
        let Some(branch) = self.shown() else { return frame };
        if frame < branch.last() || branch.finished {
            let mut fork = branch.clone();
            fork.fork = Some(Fork { branch: self.current, frame });
            fork.touched.clear();
            let finished = fork.finished && frame == fork.last();
            fork.truncate(frame);
            fork.finished = finished;
            self.current = self.branches.len();
            self.branches.push(fork);
        }
        let branch = self.shown_mut().expect("there is one");
        branch.apply(position, edit);
        let last = branch.last();
        if let Some(fork) = &mut branch.fork {
            fork.frame = fork.frame.min(last);
        }
        last
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
            sampler: SamplerKind::Carry,
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
            mask_id: 2,
            end_id: None,
            runs_on: true,
            prompt: "A".into(),
            fixed: vec![true, false, false, false, false],
            pieces: (10..15).map(|id| (id, Piece::Text(format!(" {id}")))).collect(),
            frames: (0..5).map(frame).collect(),
        };
        let mut tree = Tree::default();
        tree.begin(request(), trace, 1);
        tree.branches[0].predictions = vec![None; 5];
        tree.branches[0].finished = true;
        tree
    }

    #[test]
    fn an_edit_in_the_past_begins_a_branch() {
        let mut tree = finished();
        assert_eq!(tree.edit(2, 1, Edit::Replace(14)), 2);
        assert_eq!((tree.branches.len(), tree.current), (2, 1));
        let branch = &tree.branches[1];
        assert_eq!(branch.fork, Some(Fork { branch: 0, frame: 2 }));
        assert_eq!(branch.trace.frames[2].ids, [10, 14, 12, 2, 2]);
        assert!(branch.pinned[1] && !branch.finished && branch.run.is_none());
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
