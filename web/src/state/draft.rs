//! The draft: what a visitor typed and set, kept for the next visit.

use leptos::prelude::*;

use super::App;
use crate::protocol::Request;

/// Local-storage key of the draft.
const DRAFT: &str = "cinnabar-draft";

impl App {
    /// Changes what the controls show, by the visitor's hand: the draft changes with it. Links and
    /// examples only set [`App::request`].
    pub fn change(self, change: impl Fn(&mut Request)) {
        self.request.update(&change);
        self.draft.update_value(&change);
        let json = self.draft.with_value(serde_json::to_string);
        if let (Some(storage), Ok(json)) = (storage(), json) {
            // Storage may be full or disabled: then the draft is lost with the tab.
            let _ = storage.set_item(DRAFT, &json);
        }
    }

    /// Sets everything but the prompt to the defaults.
    pub fn reset_settings(self) {
        self.change(|request| {
            let prompt = std::mem::take(&mut request.prompt);
            *request = Request { prompt, ..self.defaults_untracked() };
        });
    }

    /// Reads the draft of an earlier visit.
    pub(super) fn restore_draft(self) {
        let draft = storage().and_then(|storage| storage.get_item(DRAFT).ok()?);
        if let Some(draft) = draft.and_then(|json| serde_json::from_str::<Request>(&json).ok()) {
            self.draft.set_value(draft);
        }
    }
}

pub(super) fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}
