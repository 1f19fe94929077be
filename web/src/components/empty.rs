//! The welcome: what this page does, and three prompts to try.

use leptos::prelude::*;

use super::loading::Loading;
use crate::protocol::GAP_OPENS;
use crate::state::{App, EngineState};

/// Prompts for a model without examples of its own.
const EXAMPLES: [&str; 3] = [
    "Once upon a time, there was a little dragon who",
    "Lily found a [MASK:6] in the garden. She was very happy and ran home to show her mom.",
    "[MASK:40] And from that day on, they were best friends.",
];

/// The welcome, or loading progress.
#[component]
pub(super) fn Empty() -> impl IntoView {
    let app = App::get();
    let ready = move || app.engine.get() == EngineState::Ready;
    let examples = move || {
        let chosen = app.chosen.get();
        let of_model = app.models.with(|all| {
            let entry = all.iter().find(|entry| entry.id == chosen)?;
            (!entry.examples.is_empty()).then(|| entry.examples.clone())
        });
        of_model.unwrap_or_else(|| EXAMPLES.map(str::to_owned).to_vec())
    };
    view! {
        <div class="empty">
            <h2>"Watch a story come out of the fog."</h2>
            <p class="lead">
                "Every word begins as a blank. Step by step the model fills in what it is fairly sure "
                "of, anywhere in the text, until the fog is gone."
            </p>
            <div class="invitation">
                <Loading />
                <Show when=ready>
                    <p>"Press one of these to watch it, or write a beginning of your own above."</p>
                </Show>
            </div>
            <ul class="examples" aria-label="Examples">
                <For
                    each=examples
                    key=|example| example.clone()
                    children=move |prompt| {
                        let (title, text) = (title(&prompt), prompt.clone());
                        view! {
                            <li>
                                <button
                                    class="example"
                                    disabled=move || !ready()
                                    on:click=move |_| {
                                        app.write_example(prompt.clone())
                                    }
                                >
                                    <span class="example-head">
                                        <span class="label">{title}</span>
                                        <svg viewBox="0 0 20 20" aria-hidden="true"><path d="M6 3.5 16 10 6 16.5Z"></path></svg>
                                    </span>
                                    <span class="example-text">{shown(&text)}</span>
                                </button>
                            </li>
                        }
                    }
                />
            </ul>
        </div>
    }
}

/// An example prompt, as displayed.
fn title(prompt: &str) -> &'static str {
    match prompt.matches(GAP_OPENS).count() {
        0 if prompt.trim().is_empty() => "From nothing",
        0 => "A beginning",
        1 if prompt.starts_with(GAP_OPENS) => "Only the end is given",
        1 if gap_length(prompt) >= 40 => "First and last words",
        1 => "A gap in the middle",
        _ => "Several gaps",
    }
}

/// Number of tokens in the first gap.
fn gap_length(prompt: &str) -> u32 {
    let size =
        prompt.split_once(GAP_OPENS).and_then(|(_, gap)| gap.strip_prefix(':')?.split(']').next());
    size.and_then(|size| size.parse().ok()).unwrap_or(1)
}

/// The prompt of an example with its gaps as blocks.
fn shown(prompt: &str) -> Vec<AnyView> {
    let mut out = Vec::new();
    for (i, part) in prompt.split(GAP_OPENS).enumerate() {
        let text = if i == 0 {
            part
        } else {
            out.push(view! { <span class="gap" aria-label="gap"></span> }.into_any());
            part.split_once(']').map_or("", |(_, text)| text)
        };
        out.push(text.to_owned().into_any());
    }
    out
}
