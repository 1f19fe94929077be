//! The prompt and the button that begins.

use leptos::html::Textarea;
use leptos::prelude::*;

use crate::state::{App, EngineState};

/// What the gap button puts into the prompt.
const GAP: &str = "[MASK:8]";

/// The prompt with its gaps.
#[component]
pub(super) fn Composer() -> impl IntoView {
    let app = App::get();
    let area = NodeRef::<Textarea>::new();
    let ready = move || app.engine.get() == EngineState::Ready;
    let put_gap = move |_| {
        let Some(area) = area.get_untracked() else { return };
        let text: Vec<u16> = area.value().encode_utf16().collect();
        let start = area.selection_start().ok().flatten().unwrap_or(0) as usize;
        let end = area.selection_end().ok().flatten().unwrap_or(0) as usize;
        let part = |range: &[u16]| String::from_utf16_lossy(range);
        let before = part(&text[..start.min(text.len())]);
        let after = part(&text[end.min(text.len())..]);
        let space =
            if before.is_empty() || before.ends_with(char::is_whitespace) { "" } else { " " };
        let value = format!("{before}{space}{GAP}{after}");
        area.set_value(&value);
        let caret = (format!("{before}{space}{GAP}").encode_utf16().count()) as u32;
        // Puts the caret after the gap; if that fails, it stays at the end.
        let _ = area.set_selection_range(caret, caret);
        let _ = area.focus();
        app.request.update(|request| request.prompt = value);
    };
    view! {
        <form
            class="composer"
            on:submit=move |event| {
                event.prevent_default();
                app.write();
            }
        >
            <label class="label" for="prompt">"Prompt"</label>
            <textarea
                id="prompt"
                class="prompt"
                rows="2"
                spellcheck="false"
                placeholder="Begin a story, or leave this empty and let the model begin."
                node_ref=area
                prop:value=move || app.request.with(|request| request.prompt.clone())
                on:input=move |event| {
                    let value = event_target_value(&event);
                    app.request.update(|request| request.prompt = value);
                }
            ></textarea>
            <div class="composer-row">
                <button class="small" type="button" on:click=put_gap title="Put a gap that the model fills: [MASK:8]">
                    "Add a gap"
                </button>
                <span class="note hint">"[MASK] is a gap of one token, [MASK:12] of twelve."</span>
                <button class="primary" type="submit" disabled=move || !ready()>
                    "Write"
                </button>
            </div>
        </form>
    }
}
