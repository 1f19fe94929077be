//! Starting the engine and loading a model.

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

/// Address of the model list.
const MODELS: &str = "models/models.json";
/// Local-storage key of the draft.
const DRAFT: &str = "cinnabar-draft";

/// A load that can be repeated.
#[derive(Clone, Debug)]
pub(super) struct Load {
    source: Source,
    files: Vec<File>,
}

impl App {
    /// Starts the engine and restores the share link or the draft.
    pub fn begin(self) {
        self.restore();
        self.start_engine();
    }

    /// Starts an engine in a worker; loading continues at its `Hello`.
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

    /// Loads the previous model again, or the one in the address, or the first of the list.
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
                        return; // the user was quicker
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

    /// Loads a listed model, on the GPU again: it may be smaller than the last one.
    pub fn load_listed(self, entry: ModelEntry) {
        self.load(Load { source: Source::Listed(entry), files: vec![] });
    }

    /// Loads a model from dropped files.
    pub fn load_dropped(self, name: String, files: Vec<File>) {
        self.load(Load { source: Source::Dropped { name }, files });
    }

    fn load(self, load: Load) {
        // Only a ready engine takes the command. One that failed or is still loading is replaced;
        // the new one loads the model by itself.
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

    /// Switches the page to its loading state.
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

    /// Sends the load command.
    fn ask(self, load: Load) {
        self.choose(&load);
        let compute = self.compute.get_value();
        self.last_load.set_value(Some(load.clone()));
        self.send_with_files(Command::Load { source: load.source, compute }, load.files);
    }

    /// Tries again with a new engine.
    pub fn retry(self) {
        self.retry_on(Compute::Auto);
    }

    /// Tries again on the CPU.
    pub fn retry_on_cpu(self) {
        self.retry_on(Compute::Cpu);
    }

    fn retry_on(self, compute: Compute) {
        self.fault.set(None);
        self.compute.set_value(compute);
        self.start_engine();
    }

    /// Restores the request from the share link or the draft.
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

    /// Saves the draft.
    pub fn keep_draft(self) {
        let json = self.request.with(serde_json::to_string);
        if let (Some(storage), Ok(json)) = (storage(), json) {
            // Storage may be full or disabled: then the draft is lost with the tab.
            let _ = storage.set_item(DRAFT, &json);
        }
    }

    fn link_of_address(self) -> Option<ShareLink> {
        let hash = window().location().hash().ok()?;
        address::read(&hash, &default_request())
    }

    /// The share link for this request.
    pub fn share_address(self, request: &Request) -> String {
        let model = self.info.get_untracked().and_then(|info| info.id.clone());
        let fragment = address::write(&ShareLink { model, request: request.clone() });
        let here = window().location().href().unwrap_or_default();
        let page = here.split('#').next().unwrap_or_default();
        format!("{page}#{fragment}")
    }

    /// Puts the share link into the address bar, without a history entry.
    pub(super) fn put_in_address(self, request: &Request) {
        let address = self.share_address(request);
        // May be forbidden in iframes; not fatal.
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
