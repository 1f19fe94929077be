//! What a person does with a training.

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::{File, HtmlAnchorElement, Url};

use super::{Phase, Training};
use crate::link::Kind;
use crate::protocol::{Command, Compute, ModelInfo, Plan, TakeAs, Text, TrainCommand};
use crate::state::{App, EngineState};

/// How long the controls must rest before the engine is asked, in milliseconds.
const REST: u32 = 350;
/// How long a file's address lives after its download began, in milliseconds.
const DOWNLOAD: u32 = 60_000;

impl Training {
    /// Whether the engine holds a training, or is making one.
    pub(in crate::state) fn stands(self) -> bool {
        self.phase.with_untracked(|phase| !matches!(phase, Phase::Empty | Phase::Ended))
    }
}

impl App {
    /// Shows the training, as a place in the history.
    pub fn open_training(self) {
        self.show_training();
        self.enter(self.training.plan.with_untracked(Plan::fragment));
    }

    /// Shows the training with the plan of a link, unless another one is going on.
    pub(in crate::state) fn visit_training(self, plan: Plan) {
        let training = self.training;
        let known = training.plan.with_untracked(Plan::fragment);
        if known != plan.fragment() && !training.begun_untracked() {
            training.plan.set(plan);
            training.phase.set(Phase::Empty);
        }
        self.show_training();
    }

    fn show_training(self) {
        let training = self.training;
        self.pause();
        self.leave_views();
        training.open.set(true);
        if !training.opened.get_untracked() {
            training.opened.set(true);
            self.watch_visibility();
        }
        if self.kind.get_value() != Kind::Trains {
            self.kind.set_value(Kind::Trains);
            // On the first visit by a link no engine has been started yet.
            if self.engine_started() {
                self.start_engine();
            }
        }
        if training.phase.get_untracked() == Phase::Empty {
            self.ask_training(TrainCommand::Look, vec![]);
            self.prepare();
        }
    }

    /// Back to the writing.
    pub(in crate::state) fn close_training(self) {
        self.training.open.set(false);
    }

    /// Back to the text that was shown before, or to the first view, as a place in the history.
    pub fn leave_training(self) {
        if self.training.open.get_untracked() {
            self.close_training();
            let shown = self.with_shown_untracked(|branch, _| branch.fragment.clone());
            self.enter(shown.unwrap_or_default());
        }
    }

    /// Changes the plan by the person's hand, and prepares the new one.
    pub fn change_plan(self, change: impl FnOnce(&mut Plan)) {
        let training = self.training;
        training.plan.update(change);
        self.rename_place(training.plan.with_untracked(Plan::fragment));
        let number = training.change.get_value() + 1;
        training.change.set_value(number);
        spawn_local(async move {
            TimeoutFuture::new(REST).await;
            if training.change.get_value() == number {
                self.prepare();
            }
        });
    }

    /// Trains on a person's own texts.
    pub fn train_on(self, name: String, files: Vec<File>) {
        self.training.files.set_value(files);
        self.change_plan(|plan| plan.text = Text::Own { name });
    }

    /// Chooses what computes, and prepares the plan for it.
    pub fn train_with(self, compute: Compute) {
        self.training.compute.set(compute);
        self.prepare();
    }

    /// Prepares the plan; what stood before is gone, but not from the storage.
    pub fn prepare(self) {
        let training = self.training;
        let plan = training.plan.get_untracked();
        training.begin_anew();
        let files = match plan.text {
            Text::Own { .. } => training.files.get_value(),
            _ => vec![],
        };
        if matches!(plan.text, Text::Own { .. }) && files.is_empty() {
            // The text is still to be given.
            training.corpus.set(None);
            training.phase.set(Phase::Empty);
            return;
        }
        training.phase.set(Phase::Preparing(None));
        training.resumed.set(false);
        let compute = training.compute.get_untracked();
        self.question(TrainCommand::Prepare { plan, compute, base: base() }, files);
    }

    /// Goes on with a checkpoint of a person's files.
    pub fn open_checkpoint(self, files: Vec<File>) {
        let training = self.training;
        if !training.open.get_untracked() {
            training.phase.set(Phase::Preparing(None));
            self.open_training();
        }
        training.begin_anew();
        training.corpus.set(None);
        training.phase.set(Phase::Preparing(None));
        training.resumed.set(true);
        let compute = training.compute.get_untracked();
        // Where the text is not among the files, it is the one that was chosen.
        let text = training.plan.with_untracked(|plan| match &plan.text {
            Text::Own { .. } => None,
            text => Some(text.clone()),
        });
        self.question(TrainCommand::Open { text, compute, base: base() }, files);
    }

    /// Goes on with the training in the browser's storage.
    pub fn restore_training(self, compute: Compute) {
        let training = self.training;
        training.begin_anew();
        training.corpus.set(None);
        if self.engine.get_untracked() == EngineState::Failed
            && training.phase.get_untracked() == Phase::Ended
        {
            self.start_engine();
        }
        training.phase.set(Phase::Preparing(None));
        training.resumed.set(true);
        let command = TrainCommand::Restore { compute };
        self.question(command, vec![]);
    }

    /// The engine listens: it is asked what waited for it.
    pub(in crate::state) fn engine_listens(self) {
        self.listening.set_value(true);
        let waiting = self.training.waiting.try_update_value(std::mem::take).unwrap_or_default();
        for (command, files) in waiting {
            self.send_with_files(Command::Train(command), files);
        }
    }

    /// The engine is replaced: it holds no training any more.
    pub(in crate::state) fn engine_leaves(self) {
        let training = self.training;
        if !self.listening.get_value() {
            return; // it was told nothing yet: the next one is
        }
        self.listening.set_value(false);
        training.asked.set_value(0);
        match training.stands() {
            true if training.begun() => training.phase.set(Phase::Ended),
            true => self.prepare(),
            false => {}
        }
    }

    /// Removes the training from the browser's storage.
    pub fn forget_training(self) {
        self.ask_training(TrainCommand::Forget, vec![]);
        self.said.set("The stored training is removed.".into());
    }

    /// Back to the choice of text and size.
    pub fn new_training(self) {
        self.change_plan(|_| {});
        self.training.phase.set(Phase::Preparing(None));
        self.training.begin_anew();
    }

    /// The one button: trains, or waits.
    pub fn train_or_pause(self) {
        let training = self.training;
        match training.phase.get_untracked() {
            Phase::Going => self.pause_training(),
            Phase::Waiting => {
                training.phase.set(Phase::Going);
                training.fault.set(None);
                self.ask_training(TrainCommand::Go, vec![]);
                self.said.set("Training.".into());
            }
            _ => {}
        }
    }

    fn pause_training(self) {
        self.training.phase.set(Phase::Pausing);
        self.ask_training(TrainCommand::Pause, vec![]);
        self.said.set("Pausing after this step.".into());
    }

    /// One step, then wait.
    pub fn train_one_step(self) {
        self.training.phase.set(Phase::Pausing);
        self.ask_training(TrainCommand::Step, vec![]);
    }

    /// Stores what was done, and goes on.
    pub(in crate::state) fn store_and_go_on(self) {
        self.training.storing.set_value(true);
        self.ask_training(TrainCommand::Pause, vec![]);
        self.ask_training(TrainCommand::Go, vec![]);
    }

    /// Other values of keys: of the plan before the first step, of the training from then on.
    pub fn set_keys(self, values: &[(&str, String, &str)]) {
        let training = self.training;
        if training.begun_untracked() || training.going_untracked() {
            let changes = values.iter().map(|(key, value, _)| format!("{key}={value}"));
            let changes: Vec<String> = changes.collect();
            self.question(TrainCommand::Change(changes), vec![]);
        } else {
            self.change_plan(|plan| {
                for (key, value, usual) in values {
                    plan.set(key, value, usual);
                }
            });
        }
    }

    /// More steps for a training that is complete.
    pub fn train_longer(self, steps: u32) {
        self.training.phase.set(Phase::Waiting);
        self.question(TrainCommand::Change(vec![format!("train.steps={steps}")]), vec![]);
    }

    /// Loads the network as it is now, and shows the writing.
    pub fn write_with_training(self) {
        self.training.lending.set_value(true);
        self.ask_training(TrainCommand::Write, vec![]);
        self.said.set("The model of the training is being made ready.".into());
    }

    /// The network of the training is there for writing.
    pub(in crate::state) fn lent(self, info: &ModelInfo) {
        if info.id.is_none() && self.training.lending.get_value() {
            self.training.lending.set_value(false);
            self.chosen.set(String::new());
            self.go_home();
        }
    }

    /// Makes a file of the training.
    pub fn take_training(self, what: TakeAs) {
        self.training.taking.set(true);
        self.ask_training(TrainCommand::Take(what), vec![]);
    }

    /// Lets the browser save a file at an address.
    pub(super) fn save_training(self, name: &str, url: &str) {
        self.training.taking.set(false);
        let anchor = document().create_element("a").ok();
        if let Some(anchor) = anchor.and_then(|a| a.dyn_into::<HtmlAnchorElement>().ok()) {
            anchor.set_href(url);
            anchor.set_download(name);
            anchor.click();
            self.tell(&format!("{name} is saved."));
        }
        let url = url.to_owned();
        spawn_local(async move {
            TimeoutFuture::new(DOWNLOAD).await;
            // Fails only for what is no address.
            let _ = Url::revoke_object_url(&url);
        });
    }

    /// The whole address of this training; none for a person's own text, or one from a checkpoint.
    pub fn training_address(self) -> Option<String> {
        let plan = self.training.plan.get();
        let own = matches!(plan.text, Text::Own { .. });
        (!own && !self.training.resumed.get())
            .then(|| format!("{}#{}", crate::state::visits::page(), plan.fragment()))
    }

    /// A question that `Ready` or a fault answers.
    fn question(self, command: TrainCommand, files: Vec<File>) {
        self.training.asked.update_value(|asked| *asked += 1);
        self.ask_training(command, files);
    }

    fn ask_training(self, command: TrainCommand, files: Vec<File>) {
        if self.listening.get_value() {
            self.send_with_files(Command::Train(command), files);
        } else {
            self.training.waiting.update_value(|waiting| waiting.push((command, files)));
        }
    }
}

/// Address of the page's folder.
fn base() -> String {
    let base = document().base_uri().ok().flatten().unwrap_or_default();
    Url::new_with_base("./", &base).map(|url| url.href()).unwrap_or(base)
}
