//! Getting an engine and a model.

use std::rc::Rc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsValue;
use web_sys::File;

use super::{App, EngineState, default_request};
use crate::address::{self, Link as ShareLink};
use crate::link::Link;
use crate::protocol::{Command, Compute, Event, Fault, FaultKind, ModelEntry, Request, Source};
use crate::remote;

/// Where the list of models is.
const MODELS: &str = "models/models.json";
/// Key of what was typed, in the browser's storage.
const DRAFT: &str = "cinnabar-draft";

/// A load that can be asked for again.
#[derive(Clone, Debug)]
pub(super) struct Load {
    source: Source,
    files: Vec<File>,
}

impl App {
    /// Starts everything: engine, list of models, what the address or the last visit left.
    pub fn begin(self) {
        self.restore();
        self.start_engine();
    }

    /// Starts an engine; what it says first leads on.
    fn start_engine(self) {
        if let Some(link) = self.link.get_value() {
            link.stop();
        }
        self.engine.set(EngineState::Starting);
        let receive: Rc<dyn Fn(Event)> = Rc::new(move |event| {
            if event != (Event::Hello { webgpu: false }) {
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
        match Link::start_worker(receive) {
            Ok(link) => self.link.set_value(Some(link)),
            Err(fault) => self.fail(fault),
        }
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

    fn send_with_files(self, command: Command, files: Vec<File>) {
        self.link.with_value(|link| {
            if let Some(link) = link {
                link.send(command, files);
            }
        });
    }

    /// The engine listens: load the model again that it had, or the one that the address names, or
    /// the first of the list.
    pub(super) fn load_first(self) {
        if let Some(load) = self.last_load.get_value() {
            self.ask(load);
            return;
        }
        spawn_local(async move {
            match list_models().await {
                Ok(models) => {
                    let wanted = self.link_of_address().and_then(|link| link.model);
                    let find = |id: &String| models.iter().position(|entry| &entry.id == id);
                    let missing = wanted.as_ref().filter(|id| find(id).is_none()).cloned();
                    let chosen = wanted.as_ref().and_then(find).unwrap_or(0);
                    self.models.set(models.clone());
                    if self.last_load.with_value(Option::is_some) {
                        return; // a person was quicker
                    }
                    if let Some(id) = missing {
                        self.remark.set_value(Some(Fault::new(
                            FaultKind::Request,
                            format!(
                                "The link asks for the model “{id}”, which is not here; this \
                                 one may write another text."
                            ),
                        )));
                    }
                    match models.into_iter().nth(chosen) {
                        Some(entry) => {
                            self.ask(Load { source: Source::Listed(entry), files: vec![] });
                        }
                        None => self.fail(no_models("it lists none")),
                    }
                }
                Err(fault) => self.fail(fault),
            }
        });
    }

    /// Loads a model of the list. It may fit a GPU that was too small for another.
    pub fn load_listed(self, entry: ModelEntry) {
        self.load(Load { source: Source::Listed(entry), files: vec![] });
    }

    /// Loads a model from dropped files.
    pub fn load_dropped(self, name: String, files: Vec<File>) {
        self.load(Load { source: Source::Dropped { name }, files });
    }

    fn load(self, load: Load) {
        // After a fault the engine may be gone, and one that loads another model is not to end that
        // first: a new one asks for the model by itself.
        let free = self.engine.get_untracked() == EngineState::Ready;
        self.compute.set_value(Compute::Auto);
        if free {
            self.ask(load);
        } else {
            self.choose(&load);
            self.last_load.set_value(Some(load));
            self.start_engine();
        }
    }

    /// Shows that a model is on its way.
    fn choose(self, load: &Load) {
        self.pause();
        self.fault.set(None);
        self.info.set(None);
        self.engine.set(EngineState::Starting);
        self.chosen.set(match &load.source {
            Source::Listed(entry) => entry.id.clone(),
            Source::Dropped { .. } => String::new(),
        });
    }

    /// Asks the engine for a model.
    fn ask(self, load: Load) {
        self.choose(&load);
        let compute = self.compute.get_value();
        self.last_load.set_value(Some(load.clone()));
        self.send_with_files(Command::Load { source: load.source, compute }, load.files);
    }

    /// Tries again what failed, with a new engine.
    pub fn retry(self) {
        self.retry_on(Compute::Auto);
    }

    /// Tries again what failed, on the CPU.
    pub fn retry_on_cpu(self) {
        self.retry_on(Compute::Cpu);
    }

    fn retry_on(self, compute: Compute) {
        self.fault.set(None);
        self.compute.set_value(compute);
        self.start_engine();
    }

    /// Takes the request from the address or from the last visit.
    fn restore(self) {
        if let Some(link) = self.link_of_address() {
            self.request.set(link.request);
            self.eager.set_value(true);
            return;
        }
        let draft = storage().and_then(|storage| storage.get_item(DRAFT).ok()?);
        let draft = draft.and_then(|json| serde_json::from_str::<Request>(&json).ok());
        if let Some(draft) = draft {
            self.request.set(draft);
        }
    }

    /// Keeps what is typed for the next visit.
    pub fn keep_draft(self) {
        let json = self.request.with(serde_json::to_string);
        if let (Some(storage), Ok(json)) = (storage(), json) {
            // A full or forbidden storage: then the draft lives as long as the tab.
            let _ = storage.set_item(DRAFT, &json);
        }
    }

    fn link_of_address(self) -> Option<ShareLink> {
        let hash = window().location().hash().ok()?;
        address::read(&hash, &default_request())
    }

    /// The address that gives this text again.
    pub fn share_address(self, request: &Request) -> String {
        let model = self.info.get_untracked().and_then(|info| info.id.clone());
        let fragment = address::write(&ShareLink { model, request: request.clone() });
        let here = window().location().href().unwrap_or_default();
        let page = here.split('#').next().unwrap_or_default();
        format!("{page}#{fragment}")
    }

    /// Puts what is being written into the address, without a new entry in the history.
    pub(super) fn put_in_address(self, request: &Request) {
        let address = self.share_address(request);
        // Forbidden in some embedded windows: then the address stays.
        let _ = window()
            .history()
            .and_then(|history| history.replace_state_with_url(&JsValue::NULL, "", Some(&address)));
    }
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

fn no_models(reason: &str) -> Fault {
    Fault::new(
        FaultKind::Model,
        format!("There is no list of models here ({reason}). Drop a model on the page instead."),
    )
}

/// The entries of `models.json` with absolute addresses.
async fn list_models() -> Result<Vec<ModelEntry>, Fault> {
    let unreachable = || no_models("models.json could not be reached");
    let base = window().document().and_then(|document| document.base_uri().ok().flatten());
    let resolve = |address: &str, base: &str| {
        web_sys::Url::new_with_base(address, base).map(|url| url.href()).unwrap_or_default()
    };
    let list = resolve(MODELS, &base.unwrap_or_default());
    let text = remote::text(&list).await.map_err(|()| unreachable())?;
    let mut models: Vec<ModelEntry> = serde_json::from_str(&text)
        .map_err(|error| no_models(&format!("models.json cannot be read: {error}")))?;
    for entry in &mut models {
        entry.checkpoint = resolve(&entry.checkpoint, &list);
        entry.tokenizer = resolve(&entry.tokenizer, &list);
    }
    Ok(models)
}
