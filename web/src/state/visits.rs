//! Address and history: every text is a place in the browser's history, with its share link.

use leptos::prelude::*;
use plot::Trace;
use wasm_bindgen::JsValue;

use super::{App, Branch, EngineState};
use crate::address::{self, Link as ShareLink};
use crate::made::Made;
use crate::protocol::{Fault, FaultKind, ModelEntry, Plan, Request};

impl App {
    /// Takes the address as it is when the page is opened, and follows it from then on: links that
    /// are opened in the same tab, Back and Forward.
    pub(super) fn follow_address(self) {
        self.fragment.set_value(fragment_of_address());
        match self.link_of_address() {
            Some(link) => {
                self.request.set(link.request);
                self.told.set_value(link.made);
                self.visiting.set_value(true);
                self.eager.set(true);
            }
            None => self.request.set(self.draft.get_value()),
        }
        if let Some(plan) = Plan::of_fragment(&fragment_of_address()) {
            self.visit_training(plan);
        }
        // Back and Forward tell both; an address that is typed over, in some browsers only one.
        for event in ["popstate", "hashchange"] {
            window_event_listener_untyped(event, move |_| self.arrive());
        }
    }

    /// Shows what the address asks for, if that is another place.
    fn arrive(self) {
        let fragment = fragment_of_address();
        if fragment == self.fragment.get_value() {
            return;
        }
        if let Some(plan) = Plan::of_fragment(&fragment) {
            self.fragment.set_value(fragment);
            self.visit_training(plan);
            return;
        }
        match self.link_of_address() {
            Some(link) => {
                self.close_training();
                self.fragment.set_value(fragment.clone());
                let known = self.tree.with_untracked(|tree| tree.begun_with(&fragment));
                match known {
                    Some(branch) => self.show_branch(branch),
                    None => self.visit(link),
                }
            }
            None => {
                let model = address::model(&fragment);
                if fragment.is_empty() || model.is_some() {
                    self.fragment.set_value(fragment);
                    self.show_home();
                    if let Err(fault) = self.bring(model) {
                        self.fault.set(Some(fault));
                    }
                }
                // Anything else is not a place of this page.
            }
        }
    }

    /// Writes what a link asks for, with its model.
    fn visit(self, link: ShareLink) {
        self.request.set(link.request);
        self.told.set_value(link.made);
        self.visiting.set_value(true);
        match self.bring(link.model) {
            Ok(true) => self.eager.set(true),
            Ok(false) => self.write_when_ready(),
            Err(fault) => {
                self.write_when_ready();
                self.fault.set(Some(fault));
            }
        }
    }

    /// Loads the model that an address names, unless it is there; returns whether it comes.
    ///
    /// # Errors
    /// When it is not listed.
    fn bring(self, named: Option<String>) -> Result<bool, Fault> {
        let chosen = self.chosen.get_untracked();
        let models = self.models.get_untracked();
        // As long as there is no list, the address is read when it comes.
        let Some(id) = named.filter(|id| *id != chosen && !models.is_empty()) else {
            return Ok(false);
        };
        let entry = models.into_iter().find(|entry| entry.id == id);
        self.load_listed(entry.ok_or_else(|| no_such_model(&id))?);
        Ok(true)
    }

    /// Writes now, or as soon as the model is there.
    pub(super) fn write_when_ready(self) {
        if self.engine.get_untracked() == EngineState::Ready {
            self.write();
        } else {
            self.eager.set(true);
        }
    }

    /// Whether a text begins as soon as the model is there.
    pub fn waiting(self) -> bool {
        self.eager.get()
    }

    /// Back to the first view, as a place in the history.
    pub fn go_home(self) {
        self.enter(String::new());
        self.show_home();
    }

    fn show_home(self) {
        self.pause();
        self.close_training();
        self.leave_views();
        self.lesson.set(None);
        self.eager.set(false);
        self.visiting.set_value(false);
        self.inspected.set(None);
        self.fault.set(None);
        self.tree.update(|tree| tree.current = None);
        self.head.set(0);
        self.request.set(self.draft.get_value());
    }

    /// The model that the address asks for, of these. A message follows if it is not among them.
    pub(super) fn model_of_address(self, models: &[ModelEntry]) -> usize {
        let wanted = address::model(&fragment_of_address());
        let found = |id: &String| models.iter().position(|entry| &entry.id == id);
        if let Some(id) = wanted.as_ref().filter(|id| found(id).is_none()) {
            self.remark.set_value(Some(no_such_model(id)));
        }
        wanted.as_ref().and_then(found).unwrap_or(0)
    }

    fn link_of_address(self) -> Option<ShareLink> {
        address::read(&fragment_of_address(), &self.defaults_untracked())
    }

    /// The share link for a request and changes of its run, as a fragment.
    pub(super) fn fragment_for(self, request: &Request, made: Vec<Made>) -> String {
        let model = self.info.get_untracked().and_then(|info| info.id.clone());
        address::write(&ShareLink { model, request: request.clone(), made })
    }

    /// The whole address of the text that is shown, or of what the controls ask for.
    pub fn share_address(self) -> String {
        let link = |branch: &Branch| branch.link().unwrap_or_else(|| branch.fragment.clone());
        let shown = self.with_shown_untracked(|branch, _| link(branch));
        let fragment = shown.filter(|fragment| !fragment.is_empty());
        let fragment = fragment.unwrap_or_else(|| {
            let request = self.with_shown_untracked(|branch, _| branch.request.clone());
            self.fragment_for(&request.unwrap_or(self.request.get_untracked()), vec![])
        });
        format!("{}#{fragment}", page())
    }

    /// Shows the run of a trace from a file. It has no link, so it is at the page's plain address.
    pub(super) fn show_trace(self, trace: Trace) {
        self.pause();
        self.leave_views();
        self.lesson.set(None);
        self.fault.set(None);
        self.inspected.set(None);
        self.enter(String::new());
        self.tree.update(|tree| tree.open(trace));
        self.play(0);
    }

    /// Makes a place the newest of the history.
    pub(super) fn enter(self, fragment: String) {
        self.put(fragment, false);
    }

    /// Puts a place where the last one was: the same in other words.
    pub(super) fn rename_place(self, fragment: String) {
        self.put(fragment, true);
    }

    fn put(self, fragment: String, replace: bool) {
        if fragment == self.fragment.get_value() {
            return;
        }
        let address = if fragment.is_empty() { page() } else { format!("{}#{fragment}", page()) };
        self.fragment.set_value(fragment);
        // May be forbidden in iframes; not fatal.
        let _ = window().history().and_then(|history| {
            let (state, address) = (JsValue::NULL, Some(address.as_str()));
            if replace {
                history.replace_state_with_url(&state, "", address)
            } else {
                history.push_state_with_url(&state, "", address)
            }
        });
    }
}

/// The address without its fragment.
pub(super) fn page() -> String {
    let here = window().location().href().unwrap_or_default();
    here.split('#').next().unwrap_or_default().to_owned()
}

fn fragment_of_address() -> String {
    let hash = window().location().hash().unwrap_or_default();
    hash.trim_start_matches('#').to_owned()
}

fn no_such_model(id: &str) -> Fault {
    Fault::new(
        FaultKind::Request,
        format!(
            "The link asks for the model “{id}”, which this site does not have. Another model is \
             here in its place, and writes other texts."
        ),
    )
}
