//! What the engine says, put into the signals.

use std::sync::Arc;

use leptos::prelude::*;
use plot::{Frame, Trace};

use super::requests::adopted;
use super::{App, EngineState, Loading, Speed};
use crate::protocol::{Event, Fault, FaultKind, ModelInfo, Predictions, Stage};

/// Weight of the newest measurement in the mean.
const NEWEST: f64 = 0.2;

impl App {
    /// Takes in an event.
    pub(super) fn receive(self, event: Event) {
        match event {
            Event::Hello { .. } => {
                self.load_first();
                self.engine_listens();
            }
            Event::Progress(stage) => self.progress(stage),
            Event::Loaded(info) => {
                self.lent(&info);
                self.loaded(*info);
            }
            Event::Started { run, trace } => self.started(run, *trace),
            Event::Stepped { run, frame, predictions, ms, memory } => {
                self.stepped(run, frame, predictions, ms);
                self.speed.update(|speed| {
                    // The first step also makes the GPU's program.
                    let mean = if speed.steps < 2 { ms } else { speed.ms };
                    let steps = speed.steps + 1;
                    *speed = Speed { steps, ms: mean + NEWEST * (ms - mean), memory };
                });
            }
            // Workers that make GIFs are not this one.
            Event::Painted { .. } => {}
            Event::Finished { run } => self.ended(run),
            Event::Training(event) => self.trained(event),
            Event::Fault(fault) => self.fail(fault),
        }
    }

    fn loaded(self, info: ModelInfo) {
        self.said.set(format!("{} is ready.", info.name));
        let old = self.defaults_untracked();
        self.draft.update_value(|draft| *draft = adopted(draft, &old, &info));
        // What a link asks for stays as it is.
        if !self.visiting.get_value() {
            self.request.update(|request| *request = adopted(request, &old, &info));
        }
        self.info.set(Some(Arc::new(info)));
        // What was measured is another model's.
        self.speed.set(Speed::default());
        self.engine.set(EngineState::Ready);
        self.stands();
        if self.eager.get_untracked() {
            self.write();
        } else {
            self.complete();
        }
        if let Some(remark) = self.remark.try_update_value(Option::take).flatten() {
            self.fault.set(Some(remark));
        }
    }

    pub(super) fn progress(self, stage: Stage) {
        self.engine.update(|engine| {
            if !matches!(engine, EngineState::Loading(_)) {
                *engine = EngineState::Loading(Loading::default());
            }
            let EngineState::Loading(loading) = engine else { return };
            match stage {
                Stage::Adapter | Stage::Cpu | Stage::Timing | Stage::Shaders { .. } => {
                    loading.device = Some(stage);
                }
                Stage::Server | Stage::Download { .. } | Stage::Weights => {
                    loading.files = Some(stage);
                }
            }
        });
    }

    fn started(self, run: u32, trace: Trace) {
        if run + 1 != self.next_run.get_value() {
            return;
        }
        let Some((request, fragment, made)) = self.begun.get_value() else { return };
        self.speed.update(|speed| speed.steps = 0);
        self.tree.update(|tree| {
            tree.begin(request, fragment, trace, Some(run));
            if let Some(branch) = tree.shown_mut() {
                branch.planned = made;
            }
        });
        self.head.set(0);
        if let Some(branch) = self.tree.with_untracked(|tree| tree.current) {
            self.awaited(branch);
        }
        self.retrace(self.running.get_untracked());
    }

    fn stepped(self, run: u32, frame: Frame, predictions: Predictions, ms: f64) {
        let Some(info) = self.info.get_untracked() else { return };
        let follows = self.head.get_untracked() == self.tree.with_untracked(last);
        let mut shown = None;
        self.tree.update(|tree| {
            let current = tree.current;
            let Some((index, branch)) = tree.of_run(run) else { return };
            if branch.trace.frames[branch.last()].step >= frame.step {
                return; // from before an edit
            }
            branch.trace.push(frame, |id| info.pieces.get(id as usize).cloned());
            branch.predictions.push(Some(predictions));
            branch.time(ms);
            shown = (Some(index) == current).then_some(branch.last());
        });
        if let Some(last) = shown.filter(|_| follows) {
            self.head.set(last);
        }
        self.retrace(self.running.get_untracked());
        self.teach();
    }

    fn ended(self, run: u32) {
        let mut known = false;
        self.tree.update(|tree| {
            if let Some((_, branch)) = tree.of_run(run) {
                branch.finished = true;
                known = true;
            }
        });
        if known {
            self.running.set(false);
            self.retrace(true);
        }
        if known && !self.running.get_untracked() {
            self.said.set("Finished writing.".into());
            self.complete();
        }
    }

    pub(super) fn fail(self, fault: Fault) {
        log::error!("{}", fault.message);
        self.running.set(false);
        self.said.set(fault.message.clone());
        self.fault.set(Some(fault.clone()));
        // What was to stand beside the text does not come.
        if self.awaits_text() {
            self.close_comparison();
        }
        if fault.kind == FaultKind::Engine && self.training.stands() {
            self.training_fails(fault.clone());
        }
        if self.load_failed(fault.kind) || fault.kind == FaultKind::Request {
            return;
        }
        self.engine.set(EngineState::Failed);
        self.tree.update(|tree| tree.branches.iter_mut().for_each(|branch| branch.run = None));
    }
}

fn last(tree: &super::Tree) -> usize {
    tree.shown().map_or(0, super::Branch::last)
}
