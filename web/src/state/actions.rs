//! Runs: begin, go on, wait, step.

use leptos::prelude::*;
use plot::Trace;

use super::requests::{example, fitting};
use super::{App, Branch, EngineState};
use crate::made::Made;
use crate::protocol::{Command, Fault, FaultKind, Request};

impl App {
    /// Begins a new run with the settings of the controls.
    pub fn write(self) {
        let Some(info) = self.info.get_untracked() else { return };
        if self.engine.get_untracked() != EngineState::Ready {
            return;
        }
        self.pause();
        self.leave_views();
        self.lesson_or_not();
        self.fault.set(None);
        self.inspected.set(None);
        self.eager.set(false);
        self.request.update(|request| *request = fitting(request.clone(), &info));
        let visiting = self.visiting.get_value();
        let made = if visiting { self.told.get_value() } else { vec![] };
        let fragment = self.begin_run(self.request.get_untracked(), made);
        self.go();
        self.said.set("Writing.".into());
        if visiting {
            self.visiting.set_value(false);
            self.rename_place(fragment);
        } else {
            self.enter(fragment);
        }
    }

    /// Asks the engine for a new run, in which changes are to be made; returns the fragment of its link.
    pub(super) fn begin_run(self, request: Request, made: Vec<Made>) -> String {
        let fragment = self.fragment_for(&request, made.clone());
        let run = self.new_run();
        self.begun.set_value(Some((request.clone(), fragment.clone(), made)));
        self.send(Command::Start { run, request });
        fragment
    }

    /// Writes an example with the default settings: fills its gaps, or goes on from it. Before the
    /// model is there, it waits for it.
    pub fn write_example(self, prompt: String) {
        self.lesson.set(None);
        self.begin_example(prompt);
    }

    /// Writes an example, which may be that of the lesson.
    pub(super) fn begin_example(self, prompt: String) {
        self.request.set(example(prompt, self.defaults_untracked()));
        self.visiting.set_value(false);
        self.write_when_ready();
        if self.waiting() {
            self.said.set("The text begins when the model is ready.".into());
        }
    }

    /// The one button: waits, goes on, plays again, or begins.
    pub fn play_or_pause(self) {
        if self.running.get_untracked() {
            self.pause();
        } else if self.replaying.get_untracked() {
            self.stop_replay();
        } else if !self.has_run() {
            self.write();
        } else if self.head.get_untracked() < self.last() {
            self.play(self.head.get_untracked());
        } else if self.finished() {
            self.play(0);
        } else {
            self.go_on();
        }
    }

    /// Waits after the step that is under way.
    pub fn pause(self) {
        self.stop_replay();
        if self.running.get_untracked() {
            self.running.set(false);
            self.send(Command::Pause);
            self.said.set("Paused.".into());
        }
    }

    /// One step forward: in what is recorded, else a new one.
    pub fn step_forward(self) {
        self.pause();
        let head = self.head.get_untracked();
        if head < self.last() {
            self.head.set(head + 1);
        } else if self.has_run() && !self.finished() && self.attach_shown() {
            self.send(Command::Step);
        }
    }

    /// To the next state with another text; after the last one, a new step.
    pub fn next_change(self) {
        self.pause();
        let next = self.with_shown_untracked(Branch::next_change).flatten();
        match next {
            Some(next) => self.head.set(next),
            None => self.step_forward(),
        }
    }

    /// To the state before with another text.
    pub fn change_before(self) {
        self.pause();
        let before = self.with_shown_untracked(Branch::change_before).flatten();
        self.head.set(before.unwrap_or(0));
    }

    /// One step back in what is recorded.
    pub fn step_back(self) {
        self.pause();
        self.head.update(|head| *head = head.saturating_sub(1));
    }

    /// Shows a frame of the run.
    pub fn seek(self, frame: usize) {
        self.pause();
        self.head.set(frame.min(self.last()));
    }

    /// Shows another branch, at its end or where it left the one before.
    pub fn show_branch(self, branch: usize) {
        self.pause();
        self.leave_views();
        self.lesson.set(None);
        self.inspected.set(None);
        self.tree.update(|tree| {
            tree.current = Some(branch).filter(|&branch| branch < tree.branches.len());
        });
        self.head.set(self.last());
        if let Some(fragment) = self.with_shown_untracked(|branch, _| branch.fragment.clone()) {
            self.enter(fragment);
        }
    }

    /// Lets the engine continue the shown branch from its last frame.
    pub fn go_on(self) {
        if self.attach_shown() {
            self.head.set(self.last());
            self.go();
        }
    }

    /// Whether the shown branch has nothing left to do.
    pub fn finished(self) -> bool {
        self.tree.with_untracked(|tree| tree.shown().is_some_and(|branch| branch.finished))
    }

    /// Tells the engine to run at the chosen pace.
    pub(super) fn go(self) {
        self.running.set(true);
        let interval_ms = match self.pace.get_untracked() {
            0 => 0,
            pace => 1000 / pace,
        };
        self.send(Command::Run { interval_ms });
    }

    /// Changes the pace, also of what is going on.
    pub fn set_pace(self, pace: u32) {
        self.pace.set(pace);
        // Beside another text a run is as fast as it can be.
        if self.running.get_untracked() && !self.comparing_untracked() {
            self.go();
        }
    }

    /// Makes the engine stand at the end of the shown branch. False if it cannot.
    fn attach_shown(self) -> bool {
        self.tree.with_untracked(|tree| tree.current).is_some_and(|shown| self.attach(shown))
    }

    /// Makes the engine stand at the end of a branch. False if it cannot.
    pub(super) fn attach(self, index: usize) -> bool {
        if self.engine.get_untracked() != EngineState::Ready {
            return false;
        }
        if !self.belongs_to_model(index) {
            self.fail(Fault::new(
                FaultKind::Request,
                "Another model wrote this text, and only that model can continue it. Choose it \
                 again, or write a new text.",
            ));
            return false;
        }
        let known = self.tree.with_untracked(|tree| tree.branches.get(index).cloned());
        let Some(branch) = known else { return false };
        if branch.run.is_some() {
            return true;
        }
        let run = self.new_run();
        self.tree.update(|tree| tree.branches[index].run = Some(run));
        let from = branch.snapshot();
        self.send(Command::Resume { run, request: branch.request, from });
        true
    }

    /// Whether the loaded model wrote a branch.
    pub(super) fn belongs_to_model(self, index: usize) -> bool {
        let Some(info) = self.info.get_untracked() else { return false };
        self.tree.with_untracked(|tree| {
            tree.branches.get(index).is_none_or(|branch| {
                let Trace { mask_id, frames, .. } = &branch.trace;
                let known = |&id: &u32| (id as usize) < info.pieces.len();
                info.wrote(&branch.trace)
                    && *mask_id == info.mask_id
                    && branch.trace.len() <= info.block_size as usize
                    && frames[branch.last()].ids.iter().all(known)
            })
        })
    }

    fn new_run(self) -> u32 {
        // The engine holds one run: all others must be resumed.
        self.tree.update(|tree| tree.branches.iter_mut().for_each(|branch| branch.run = None));
        let run = self.next_run.get_value();
        self.next_run.set_value(run + 1);
        run
    }
}
