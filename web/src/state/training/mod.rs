//! Training in the tab: what it is, what the engine says about it, and what a person does with it.

mod actions;
mod hidden;
mod keys;
mod plan;
mod progress;

use std::sync::Arc;

use leptos::prelude::*;
use web_sys::File;
use web_time::Instant;

use crate::protocol::{
    Chore, Compute, CorpusInfo, Fault, FaultKind, Kept, Plan, Record, TrainCommand, TrainEvent,
    TrainInfo,
};

use super::App;

pub use keys::{Key, Section, value};
pub use plan::{SIZES, STORIES};
pub use progress::{Curves, Telling, telling};

/// Where a training stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Phase {
    /// Nothing has been prepared.
    #[default]
    Empty,
    /// Corpus, tokenizer and network are being made.
    Preparing(Option<Chore>),
    /// It waits; it can begin or go on.
    Waiting,
    /// It trains.
    Going,
    /// It was told to wait.
    Pausing,
    /// The last step is done.
    Complete,
    /// It ended with a fault. What was stored is still there.
    Ended,
}

/// What the latest step told.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pulse {
    /// Steps done.
    pub step: u32,
    /// Mean time of a step, in milliseconds.
    pub ms: f64,
    /// Seconds until the end, where they are known.
    pub left: Option<f64>,
    /// Bytes that the device holds.
    pub memory: u64,
}

/// The state of the training as signals. Copies share the same signals.
#[derive(Clone, Copy)]
pub struct Training {
    /// The page shows the training instead of the writing.
    pub open: RwSignal<bool>,
    /// It was opened once, so that its views exist.
    pub opened: RwSignal<bool>,
    /// What to train: the controls.
    pub plan: RwSignal<Plan>,
    /// What is to compute.
    pub compute: RwSignal<Compute>,
    /// Where it stands.
    pub phase: RwSignal<Phase>,
    /// The corpus.
    pub corpus: RwSignal<Option<Arc<CorpusInfo>>>,
    /// What can begin or go on.
    pub info: RwSignal<Option<Arc<TrainInfo>>>,
    /// The same as it was when it was made ready, before anybody changed it.
    pub first: RwSignal<Option<Arc<TrainInfo>>>,
    /// The log.
    pub records: RwSignal<Vec<Record>>,
    /// The latest step.
    pub pulse: RwSignal<Pulse>,
    /// What is in the browser's storage.
    pub kept: RwSignal<Option<Kept>>,
    /// Why the training is not stored.
    pub unstored: RwSignal<Option<String>>,
    /// The last fault that was not dismissed.
    pub fault: RwSignal<Option<Fault>>,
    /// Index of the text of the strip that is shown; the newest one if there is none.
    pub shown: RwSignal<Option<usize>>,
    /// It goes on with a checkpoint, so that the plan does not tell what it is.
    pub resumed: RwSignal<bool>,
    /// A file is being made.
    pub taking: RwSignal<bool>,
    /// The person's own texts.
    files: StoredValue<Vec<File>, LocalStorage>,
    /// Questions to the engine that it has not answered with `Ready` or a fault.
    asked: StoredValue<u32>,
    /// Number of the latest change of the plan; timers of older ones stop.
    change: StoredValue<u32>,
    /// What to ask an engine that is starting.
    waiting: StoredValue<Vec<(TrainCommand, Vec<File>)>, LocalStorage>,
    /// The network was asked for to write with it.
    lending: StoredValue<bool>,
    /// It was told to wait and to go on at once, so that it is stored.
    storing: StoredValue<bool>,
    /// When the tab was hidden while it trained, and the step of then.
    hidden: StoredValue<Option<(Instant, u32)>>,
    /// A share of the run in quarters that was announced.
    announced: StoredValue<u32>,
}

impl Training {
    pub(super) fn new() -> Self {
        Self {
            open: RwSignal::new(false),
            opened: RwSignal::new(false),
            plan: RwSignal::new(plan::first()),
            compute: RwSignal::new(Compute::Auto),
            phase: RwSignal::new(Phase::default()),
            corpus: RwSignal::new(None),
            info: RwSignal::new(None),
            first: RwSignal::new(None),
            records: RwSignal::new(vec![]),
            pulse: RwSignal::new(Pulse::default()),
            kept: RwSignal::new(None),
            unstored: RwSignal::new(None),
            fault: RwSignal::new(None),
            shown: RwSignal::new(None),
            resumed: RwSignal::new(false),
            taking: RwSignal::new(false),
            files: StoredValue::new_local(vec![]),
            asked: StoredValue::new(0),
            change: StoredValue::new(0),
            waiting: StoredValue::new_local(vec![]),
            lending: StoredValue::new(false),
            storing: StoredValue::new(false),
            hidden: StoredValue::new(None),
            announced: StoredValue::new(0),
        }
    }

    /// Whether it trains, or is about to stop.
    pub fn going(self) -> bool {
        self.phase.with(|phase| matches!(phase, Phase::Going | Phase::Pausing))
    }

    /// The same, without subscribing.
    pub fn going_untracked(self) -> bool {
        untrack(|| self.going())
    }

    /// Whether steps were done, so that there is something to lose and something to show.
    pub fn begun(self) -> bool {
        self.pulse.with(|pulse| pulse.step > 0)
    }

    /// The same, without subscribing.
    pub fn begun_untracked(self) -> bool {
        untrack(|| self.begun())
    }

    /// Whether it can begin or go on.
    pub fn waits(self) -> bool {
        self.phase.with(|phase| *phase == Phase::Waiting)
    }

    /// Steps in all.
    pub fn steps(self) -> u32 {
        self.info.with(|info| info.as_ref().map_or(0, |info| info.steps))
    }

    /// The keys of the training from its first step on, of the plan before.
    pub fn keys(self) -> Memo<Vec<Section>> {
        let begun = Memo::new(move |_| self.begun() || self.going());
        Memo::new(move |_| match self.info.get().filter(|_| begun.get()) {
            Some(info) => keys::sections(&info.settings),
            None => self.plan.with(Plan::planned),
        })
    }

    /// The keys as they were before anybody changed them.
    pub fn usual_keys(self) -> Memo<Vec<Section>> {
        Memo::new(move |_| match self.first.get().filter(|_| self.resumed.get()) {
            Some(info) => keys::sections(&info.settings),
            None => self.plan.with(Plan::sections),
        })
    }

    /// The texts of the strip, with the steps after which they were written.
    pub fn texts(self) -> Vec<(u32, String)> {
        let text = |record: &Record| match record {
            Record::Sample { step, text } => Some((*step, text.clone())),
            _ => None,
        };
        self.records.with(|records| records.iter().filter_map(text).collect())
    }

    /// Forgets what is shown of an older training.
    fn begin_anew(self) {
        self.records.set(vec![]);
        self.pulse.set(Pulse::default());
        self.shown.set(None);
        self.info.set(None);
        self.unstored.set(None);
        self.fault.set(None);
        self.announced.set_value(0);
    }

    /// Counts an answer; whether it is the one to the last question.
    fn answered(self) -> bool {
        self.asked.update_value(|asked| *asked = asked.saturating_sub(1));
        self.asked.get_value() == 0
    }
}

impl App {
    /// Takes in what the engine says about the training.
    pub(super) fn trained(self, event: TrainEvent) {
        let training = self.training;
        match event {
            TrainEvent::Kept(kept) => training.kept.set(kept),
            // One that goes is changed in passing.
            TrainEvent::Busy(chore) if !training.going_untracked() => {
                training.phase.set(Phase::Preparing(Some(chore)));
            }
            TrainEvent::Busy(_) => {}
            TrainEvent::Corpus(corpus) => training.corpus.set(Some(Arc::new(*corpus))),
            TrainEvent::Ready(info) => self.training_ready(*info),
            TrainEvent::Records(new) => training.records.update(|records| records.extend(new)),
            TrainEvent::Stepped { step, ms, left, memory } => {
                training.pulse.set(Pulse { step, ms, left: Some(left), memory });
                self.announce_progress(step);
            }
            TrainEvent::Stored(kept) => {
                training.kept.set(Some(kept));
                training.unstored.set(None);
            }
            TrainEvent::NotStored(sentence) => {
                if training.unstored.with_untracked(Option::is_none) {
                    self.said.set(sentence.clone());
                }
                training.unstored.set(Some(sentence));
            }
            TrainEvent::Paused => {
                let goes_on = training.storing.get_value();
                training.storing.set_value(false);
                if !goes_on && training.going_untracked() {
                    training.phase.set(Phase::Waiting);
                }
            }
            TrainEvent::Complete => {
                training.phase.set(Phase::Complete);
                self.said.set("The training is complete.".into());
            }
            TrainEvent::File { name, url, .. } => self.save_training(&name, &url),
            TrainEvent::Fault(fault) => self.training_fails(fault),
        }
    }

    fn training_ready(self, info: TrainInfo) {
        let training = self.training;
        if !training.answered() {
            return;
        }
        let restored = Pulse { step: info.step, ms: info.step_ms, left: None, memory: info.memory };
        training.pulse.update(|pulse| {
            if info.step > pulse.step || pulse.step == 0 {
                *pulse = restored;
            }
        });
        let over = info.step >= info.steps;
        let info = Some(Arc::new(info));
        if training.info.with_untracked(Option::is_none) {
            training.first.set(info.clone());
        }
        training.info.set(info);
        training.phase.update(|phase| {
            // A changed training goes on if it was going.
            if !matches!(phase, Phase::Going | Phase::Pausing) {
                *phase = if over { Phase::Complete } else { Phase::Waiting };
            }
        });
    }

    pub(super) fn training_fails(self, fault: Fault) {
        let training = self.training;
        log::error!("{}", fault.message);
        training.taking.set(false);
        training.storing.set_value(false);
        self.said.set(fault.message.clone());
        let all_stands = fault.kind == FaultKind::Request;
        training.fault.set(Some(fault));
        if !all_stands {
            training.asked.set_value(0);
            training.phase.set(Phase::Ended);
        } else if training.answered() {
            training.phase.update(|phase| {
                if matches!(phase, Phase::Preparing(_) | Phase::Pausing) {
                    let stands = training.info.with_untracked(Option::is_some);
                    *phase = if stands { Phase::Waiting } else { Phase::Empty };
                }
            });
        }
    }

    /// Tells those who do not see the curves how far the training is, four times in all.
    fn announce_progress(self, step: u32) {
        let training = self.training;
        let quarter = 4 * step
            / training
                .info
                .with_untracked(|info| info.as_ref().map_or(1, |info| info.steps.max(1)));
        if quarter > training.announced.get_value() {
            training.announced.set_value(quarter);
            let curves = training.records.with_untracked(|records| Curves::of(records));
            if let Some(loss) = curves.validation.last().map(|point| point.1) {
                self.said.set(format!("Step {step}: the loss on held-out text is {loss:.2}."));
            }
        }
    }
}
