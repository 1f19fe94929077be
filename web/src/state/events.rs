//! What the engine says, put into the signals.

use std::sync::Arc;

use leptos::prelude::*;
use plot::{Frame, Trace};

use super::{App, EngineState, Loading, Speed};
use crate::protocol::{Event, Fault, FaultKind, Stage, Thoughts};

/// Weight of the newest measurement in the mean.
const NEWEST: f64 = 0.2;

impl App {
    /// Takes in an event.
    pub(super) fn receive(self, event: Event) {
        match event {
            Event::Hello { webgpu } => {
                self.webgpu.set(webgpu);
                self.load_first();
            }
            Event::Progress(stage) => self.progress(stage),
            Event::Loaded(info) => {
                self.said.set(format!("{} is ready.", info.name));
                self.request.update(|request| {
                    request.steps = request.steps.min(info.timesteps);
                    request.length = request.length.min(info.block_size);
                });
                self.info.set(Some(Arc::new(*info)));
                self.engine.set(EngineState::Ready);
                if self.eager.get_value() {
                    self.eager.set_value(false);
                    self.write();
                }
                if let Some(remark) = self.remark.try_update_value(Option::take).flatten() {
                    self.fault.set(Some(remark));
                }
            }
            Event::Started { run, schedule, fixed, frame } => {
                self.started(run, schedule, fixed, frame);
            }
            Event::Stepped { run, frame, thoughts, ms, memory } => {
                self.stepped(run, frame, thoughts);
                self.speed.update(|speed| {
                    // The first step also makes the GPU's program.
                    let mean = if speed.steps < 2 { ms } else { speed.ms };
                    let steps = speed.steps + 1;
                    *speed = Speed { steps, ms: mean + NEWEST * (ms - mean), memory };
                });
            }
            Event::Finished { run } => self.ended(run),
            Event::Fault(fault) => self.fail(fault),
        }
    }

    fn progress(self, stage: Stage) {
        self.engine.update(|engine| {
            if !matches!(engine, EngineState::Loading(_)) {
                *engine = EngineState::Loading(Loading::default());
            }
            let EngineState::Loading(loading) = engine else { return };
            match stage {
                Stage::Adapter | Stage::Shaders { .. } => loading.device = Some(stage),
                Stage::Download { .. } | Stage::Weights => loading.files = Some(stage),
            }
        });
    }

    fn started(self, run: u32, schedule: String, fixed: Vec<bool>, frame: Frame) {
        if run + 1 != self.next_run.get_value() {
            return;
        }
        let (request, Some(info)) = (self.request.get_untracked(), self.info.get_untracked())
        else {
            return;
        };
        let mut trace = Trace {
            version: plot::trace::VERSION,
            model: info.name.clone(),
            sampler: request.sampler.name().into(),
            schedule,
            temperature: request.temperature,
            top_k: request.top_k,
            top_p: request.top_p,
            seed: request.seed,
            steps: request.steps,
            mask_id: info.mask_id,
            end_id: info.end_id,
            runs_on: !request.stop_at_end,
            prompt: request.prompt.clone(),
            fixed,
            pieces: Default::default(),
            frames: vec![frame],
        };
        name_pieces(&mut trace, &info.pieces, 0);
        self.speed.update(|speed| speed.steps = 0);
        self.tree.update(|tree| tree.begin(request, trace, run));
        self.head.set(0);
    }

    fn stepped(self, run: u32, frame: Frame, thoughts: Thoughts) {
        let Some(info) = self.info.get_untracked() else { return };
        let follows = self.head.get_untracked() == self.tree.with_untracked(last);
        let mut shown = None;
        self.tree.update(|tree| {
            let current = tree.current;
            let Some((index, branch)) = tree.of_run(run) else { return };
            if branch.trace.frames[branch.last()].step >= frame.step {
                return; // from before an edit
            }
            branch.trace.frames.push(frame);
            branch.thoughts.push(Some(thoughts));
            let last = branch.last();
            name_pieces(&mut branch.trace, &info.pieces, last);
            shown = (index == current).then_some(last);
        });
        if let Some(last) = shown.filter(|_| follows) {
            self.head.set(last);
        }
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
            self.said.set("Finished writing.".into());
        }
    }

    pub(super) fn fail(self, fault: Fault) {
        log::error!("{}", fault.message);
        self.running.set(false);
        if fault.kind != FaultKind::Request {
            self.engine.set(EngineState::Failed);
            self.tree.update(|tree| tree.branches.iter_mut().for_each(|branch| branch.run = None));
        }
        self.said.set(fault.message.clone());
        self.fault.set(Some(fault));
    }
}

fn last(tree: &super::Tree) -> usize {
    tree.shown().map_or(0, super::Branch::last)
}

fn name_pieces(trace: &mut Trace, pieces: &[plot::Piece], frame: usize) {
    for &id in &trace.frames[frame].ids {
        if let Some(piece) = pieces.get(id as usize) {
            trace.pieces.entry(id).or_insert_with(|| piece.clone());
        }
    }
}
