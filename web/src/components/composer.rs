//! The prompt and the button that begins.

use leptos::html::Textarea;
use leptos::prelude::*;
use web_sys::HtmlTextAreaElement;

use super::edit_command;
use super::empty::ExampleLinks;
use crate::protocol::GAP_OPENS;
use crate::state::{App, EngineState};

/// The gap that the button puts into the prompt.
const GAP: &str = "[MASK:8]";

/// The prompt with its gaps.
#[component]
pub(super) fn Composer() -> impl IntoView {
    let app = App::get();
    let area = NodeRef::<Textarea>::new();
    let ready = move || app.engine.get() == EngineState::Ready;
    let put_gap = move |_| {
        if let Some(area) = area.get_untracked() {
            insert_gap(&area);
            app.change(|request| request.prompt = area.value());
        }
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
                    app.change(|request| request.prompt = value.clone());
                }
            ></textarea>
            <div class="composer-row">
                <Show
                    when=move || !app.fills_no_gaps()
                    fallback=|| view! {
                        <span class="note hint">
                            "This model writes on from the end: it fills no gaps before given words."
                        </span>
                    }
                >
                    <button class="small" type="button" on:click=put_gap title="Put a gap at the cursor">
                        "Add a gap"
                    </button>
                    <span class="note hint">
                        "The model fills gaps: [MASK:12] leaves room for about nine words, [MASK:4-12] for as many \
                         from three to nine as it finds likeliest."
                    </span>
                </Show>
                <button class="primary" type="submit" disabled=move || !ready()>
                    "Write"
                </button>
            </div>
            <Show when=move || app.has_run()>
                <ExampleLinks />
            </Show>
        </form>
    }
}

/// Puts a gap in the place of the selection, as typing would: Ctrl+Z takes it back.
fn insert_gap(area: &HtmlTextAreaElement) {
    let text: Vec<u16> = area.value().encode_utf16().collect();
    let start = area.selection_start().ok().flatten().unwrap_or(0) as usize;
    let end = area.selection_end().ok().flatten().unwrap_or(0) as usize;
    let part = |range: &[u16]| String::from_utf16_lossy(range);
    let before = part(&text[..start.min(text.len())]);
    let after = part(&text[end.min(text.len())..]);
    let gap = gap_between(&before, &after);
    // Fails only for an element that is not shown.
    let _ = area.focus();
    // The only way that a browser's own undo knows of.
    if !edit_command("insertText", &gap) {
        area.set_value(&format!("{before}{gap}{after}"));
        let caret = (before.encode_utf16().count() + gap.len()) as u32;
        // Puts the caret after the gap; if that fails, it stays at the end.
        let _ = area.set_selection_range(caret, caret);
    }
}

/// A gap with the spaces that keep it apart from the words around it.
fn gap_between(before: &str, after: &str) -> String {
    let apart = |c: char| c.is_whitespace() || "([{\"\u{201c}\u{2018}".contains(c);
    let left = before.chars().next_back().is_none_or(apart);
    // A mark that ends a sentence follows a word without a space.
    let right = after.starts_with(GAP_OPENS) || after.starts_with(char::is_alphanumeric);
    format!("{}{GAP}{}", if left { "" } else { " " }, if right { " " } else { "" })
}

#[cfg(test)]
mod tests {
    use super::gap_between;

    #[test]
    fn a_gap_keeps_its_distance() {
        for (before, after, gap) in [
            ("", "", "[MASK:8]"),
            ("A cat", "", " [MASK:8]"),
            ("A cat ", "ran home.", "[MASK:8] "),
            ("A cat", " ran home.", " [MASK:8]"),
            ("A cat", "ran home.", " [MASK:8] "),
            ("A cat ran ", ".", "[MASK:8]"),
            ("\n", "[MASK] of it", "[MASK:8] "),
            ("She said \u{201c}", "\u{201d} and ran.", "[MASK:8]"),
        ] {
            assert_eq!(gap_between(before, after), gap, "{before:?} | {after:?}");
        }
    }
}
