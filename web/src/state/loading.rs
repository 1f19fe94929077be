//! Starting the engine and loading a model.

use std::rc::Rc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use plot::{Trace, TraceError};
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

use super::{App, EngineState};
use crate::dropped::{Dropped, title};
use crate::gaps;
use crate::link::{Kind, Link};
use crate::protocol::{
    Command, Compute, Event, Fault, FaultKind, ModelEntry, Objective, Source, Stage,
};
use crate::remote::{self, Missing, resolve};

/// Address of the model list.
const MODELS: &str = "models/models.json";

/// Prompts for a model without examples of its own.
const EXAMPLES: [&str; 3] = [
    "Once upon a time, there was a little dragon who",
    "Lily found a [MASK:6] in the garden. She was very happy and ran home to show her mom.",
    "[MASK:40] And from that day on, they were best friends.",
];

/// A load that can be repeated.
#[derive(Clone, Debug)]
pub(super) struct Load {
    source: Source,
    files: Vec<File>,
}

impl Load {
    fn listed(entry: ModelEntry) -> Self {
        Self { source: Source::Listed(entry), files: vec![] }
    }

    /// Id in the list; empty for a person's files.
    fn id(&self) -> String {
        match &self.source {
            Source::Listed(entry) => entry.id.clone(),
            Source::Dropped { .. } => String::new(),
        }
    }
}

impl App {
    /// Starts the engine and restores the share link or the draft.
    pub fn begin(self) {
        self.restore_draft();
        self.restore_tour();
        self.follow_address();
        self.start_engine();
    }

    /// Starts an engine in a worker; loading continues at its `Hello`.
    pub(super) fn start_engine(self) {
        if let Some(link) = self.link.get_value() {
            link.stop();
        }
        self.engine_leaves();
        let kind = self.kind.get_value();
        self.engine.set(EngineState::Starting);
        let receive: Rc<dyn Fn(Event)> = Rc::new(move |event| {
            // The engine that trains is a worker, or nothing.
            if event != (Event::Hello { webgpu: false }) || kind == Kind::Trains {
                self.receive(event);
                return;
            }
            // Some browsers have WebGPU on the page, but not in workers.
            spawn_local(async move {
                if Link::local_has_webgpu().await {
                    self.move_to_main_thread();
                } else {
                    self.receive(event);
                }
            });
        });
        match Link::start_worker(kind, receive) {
            Ok(link) => self.link.set_value(Some(link)),
            Err(fault) => self.fail(fault),
        }
    }

    /// Whether an engine runs or starts.
    pub(super) fn engine_started(self) -> bool {
        self.link.with_value(Option::is_some)
    }

    fn move_to_main_thread(self) {
        if let Some(link) = self.link.get_value() {
            link.stop();
        }
        log::info!("no WebGPU in the worker: the engine runs on the main thread");
        let link = Link::start_local(Rc::new(move |event| self.receive(event)));
        self.link.set_value(Some(link));
    }

    /// Sends a command to the engine.
    pub(super) fn send(self, command: Command) {
        self.send_with_files(command, vec![]);
    }

    pub(super) fn send_with_files(self, command: Command, files: Vec<File>) {
        self.link.with_value(|link| {
            if let Some(link) = link {
                link.send(command, files);
            }
        });
    }

    /// Loads the model that was to come, or stood before, or the one in the address, or the first
    /// of the list.
    pub(super) fn load_first(self) {
        let known = self.coming.get_value().or_else(|| self.standing.get_value());
        self.standing.set_value(None);
        if let Some(load) = known {
            self.ask(load);
            return;
        }
        self.progress(Stage::Server);
        spawn_local(async move {
            match list_models().await {
                Ok(models) => {
                    let chosen = self.model_of_address(&models);
                    self.models.set(models.clone());
                    if self.coming.with_value(Option::is_some) {
                        return; // the visitor was quicker
                    }
                    if self.engine.get_untracked() == EngineState::Failed {
                        return; // it ended meanwhile; the next one asks again
                    }
                    match models.into_iter().nth(chosen) {
                        Some(entry) => self.ask(Load::listed(entry)),
                        None => self.fail(no_models("models.json lists none")),
                    }
                }
                Err(fault) => self.fail(fault),
            }
        });
    }

    /// Loads a listed model, on the GPU again: it may be smaller than the last one.
    pub fn load_listed(self, entry: ModelEntry) {
        self.load(Load::listed(entry));
    }

    /// Loads a model from a person's files, opens a trace, or says what is wrong with them.
    pub fn open_files(self, name: String, files: &[File]) {
        let names: Vec<String> = files.iter().map(File::name).collect();
        match Dropped::of(&names, self.training.open.get_untracked()) {
            Dropped::Model { checkpoint, tokenizer } => {
                let files = vec![files[checkpoint].clone(), files[tokenizer].clone()];
                self.load(Load { source: Source::Dropped { name }, files });
            }
            Dropped::Trace(index) => self.open_trace(files[index].clone()),
            Dropped::Training => self.open_checkpoint(files.to_vec()),
            Dropped::Texts => self.train_on(title(files), files.to_vec()),
            Dropped::Neither(sentence) => self.complain(sentence),
        }
    }

    /// Shows the run of a trace, as if it had been written here.
    fn open_trace(self, file: File) {
        spawn_local(async move {
            let text = JsFuture::from(file.text()).await.ok().and_then(|text| text.as_string());
            let trace = text.as_deref().map(Trace::from_json);
            match trace {
                Some(Ok(trace)) => self.show_trace(trace),
                Some(Err(TraceError::Json(_))) => self.complain(format!(
                    "“{}” is not a trace of a text. A trace is what “Save trace” on this page \
                     saves; a model is model.safetensors together with tokenizer.json.",
                    file.name()
                )),
                Some(Err(error)) => {
                    self.complain(format!("“{}” cannot be opened: {error}.", file.name()));
                }
                None => self.complain(format!("The browser cannot read “{}”.", file.name())),
            }
        });
    }

    /// Says what cannot be done; nothing else changes.
    fn complain(self, sentence: String) {
        let fault = Fault::new(FaultKind::Request, sentence);
        self.said.set(fault.message.clone());
        self.fault.set(Some(fault));
    }

    fn load(self, load: Load) {
        self.compute.set_value(Compute::Auto);
        // Only a ready engine takes the command at once, and one with a training in time. Another that
        // failed or is still loading is replaced; the new one loads the model by itself.
        if self.engine.get_untracked() == EngineState::Ready || self.training.stands() {
            self.ask(load);
        } else {
            self.choose(&load);
            self.coming.set_value(Some(load));
            self.start_engine();
        }
    }

    /// Switches the page to its loading state. A text that is being written waits.
    fn choose(self, load: &Load) {
        self.interrupted.set_value(self.running.get_untracked());
        self.pause();
        self.fault.set(None);
        self.engine.set(EngineState::Starting);
        self.chosen.set(load.id());
    }

    /// Sends the load command.
    fn ask(self, load: Load) {
        self.choose(&load);
        let compute = self.compute.get_value();
        self.coming.set_value(Some(load.clone()));
        self.send_with_files(Command::Load { source: load.source, compute }, load.files);
    }

    /// The model that was to come stands.
    pub(super) fn stands(self) {
        self.standing.set_value(self.coming.get_value());
        self.coming.set_value(None);
        self.interrupted.set_value(false);
    }

    /// Takes in a fault while a model was loading: the one before it, if there is one, still
    /// stands. Returns whether it does.
    pub(super) fn load_failed(self, kind: FaultKind) -> bool {
        let loading =
            !matches!(self.engine.get_untracked(), EngineState::Ready | EngineState::Failed);
        self.coming.update_value(|coming| {
            // A person's files that are no model will not become one by trying again.
            let again =
                |load: &Load| kind != FaultKind::Model || matches!(load.source, Source::Listed(_));
            *coming = coming.take().filter(again).filter(|_| loading);
        });
        if !loading {
            return false;
        }
        self.eager.set(false);
        let gone = matches!(kind, FaultKind::Engine | FaultKind::DeviceLost);
        let standing = self.standing.get_value().filter(|_| !gone);
        let Some(standing) = standing else {
            self.standing.set_value(None);
            self.info.set(None);
            return false;
        };
        self.chosen.set(standing.id());
        self.engine.set(EngineState::Ready);
        if self.interrupted.get_value() {
            self.go_on();
        }
        true
    }

    /// The entry of `models.json` for the chosen model.
    pub fn listed_model(self) -> Option<ModelEntry> {
        let chosen = self.chosen.get();
        self.models.with(|all| all.iter().find(|entry| entry.id == chosen).cloned())
    }

    /// Example prompts for the chosen model.
    pub fn examples(self) -> Vec<String> {
        let of_model = self.listed_model().map(|entry| entry.examples);
        let of_model = of_model.filter(|examples| !examples.is_empty());
        let mut examples = of_model.unwrap_or_else(|| EXAMPLES.map(str::to_owned).to_vec());
        if self.fills_no_gaps() {
            examples.retain(|example| !gaps::any(example));
        }
        examples
    }

    /// What the chosen model learned, which decides how it can write: as the list says, before it is
    /// loaded, or as its file does.
    pub fn objective(self) -> Objective {
        let chosen = self.chosen.get();
        let listed = self.models.with(|all| all.iter().find(|entry| entry.id == chosen)?.objective);
        let loaded = || self.info.with(|info| info.as_ref().map(|info| info.objective));
        listed.or_else(loaded).unwrap_or_default()
    }

    /// Whether the chosen model writes from left to right, so that nothing can be given behind a gap.
    pub fn fills_no_gaps(self) -> bool {
        self.objective().shifts()
    }

    /// Whether trying again may help: not with a person's files that are no model, while another
    /// model stands.
    pub fn can_retry(self) -> bool {
        self.coming.with_value(Option::is_some) || self.engine.get() == EngineState::Failed
    }

    /// Tries again; an engine that failed is replaced.
    pub fn retry(self) {
        self.retry_on(Compute::Auto);
    }

    /// Tries again on the CPU.
    pub fn retry_on_cpu(self) {
        self.retry_on(Compute::Cpu);
    }

    /// Loads the model again on the GPU, however slow that is.
    pub fn retry_on_gpu(self) {
        self.retry_on(Compute::Gpu);
    }

    fn retry_on(self, compute: Compute) {
        self.fault.set(None);
        self.compute.set_value(compute);
        let load = self.coming.get_value().or_else(|| self.standing.get_value());
        let stands = self.training.stands();
        match load.filter(|_| stands || self.engine.get_untracked() == EngineState::Ready) {
            Some(load) => self.ask(load),
            None if stands => self.load_first(),
            None => self.start_engine(),
        }
    }
}

fn no_models(reason: &str) -> Fault {
    Fault::new(
        FaultKind::Model,
        format!("No model can be loaded: {reason}. Try again later, or open a model of your own."),
    )
}

/// The entries of `models.json` with absolute addresses.
async fn list_models() -> Result<Vec<ModelEntry>, Fault> {
    let base = document().base_uri().ok().flatten().unwrap_or_default();
    let list = resolve(MODELS, &base);
    let text = remote::text(&list).await.map_err(|missing| match missing {
        Missing::Unreachable => no_models("the server does not answer"),
        Missing::Refused(status) => {
            no_models(&format!("the server has no list of models (models.json: {status})"))
        }
    })?;
    let mut models: Vec<ModelEntry> = serde_json::from_str(&text)
        .map_err(|error| no_models(&format!("the server's models.json is damaged ({error})")))?;
    for entry in &mut models {
        entry.checkpoint = resolve(&entry.checkpoint, &list);
        entry.tokenizer = resolve(&entry.tokenizer, &list);
    }
    Ok(models)
}
