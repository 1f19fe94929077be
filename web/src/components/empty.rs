//! The welcome: what this page does, and three prompts to try.

use leptos::prelude::*;

use super::loading::Loading;
use super::recording::Recording;
use crate::gaps::{self, shortened};
use crate::protocol::GAP_OPENS;
use crate::state::{App, EngineState};

/// The welcome: a recording, loading progress, and examples.
#[component]
pub(super) fn Empty() -> impl IntoView {
    let app = App::get();
    let ready = move || app.engine.get() == EngineState::Ready;
    let failed = move || app.engine.get() == EngineState::Failed;
    view! {
        <div class="empty">
            <h2>
                {move || if app.fills_no_gaps() {
                    "Watch a story grow word by word."
                } else {
                    "Watch a story come out of the fog."
                }}
            </h2>
            <p class="lead">
                {move || if app.fills_no_gaps() {
                    "This model guesses the next word from those before it, writes it down, and goes on \
                     from there, as most language models do."
                } else {
                    "Every word begins as a blank. Step by step the model fills in what it is fairly sure \
                     of, anywhere in the text, until the fog is gone."
                }}
            </p>
            <Recording />
            <div class="invitation">
                <Loading />
                <p>
                    {move || if app.waiting() {
                        "Your text begins as soon as the model is ready."
                    } else if ready() {
                        "Press one of these to watch the model write, or write a beginning of your own above."
                    } else {
                        ""
                    }}
                </p>
            </div>
            <ul class="examples" aria-label="Examples">
                <For
                    each=move || app.examples()
                    key=|example| example.clone()
                    children=move |prompt| {
                        let (title, text) = (title(&prompt), prompt.clone());
                        view! {
                            <li>
                                <button
                                    class="example"
                                    disabled=failed
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
                <li>
                    <button class="example" disabled=failed on:click=move |_| app.begin_lesson()>
                        <span class="example-head">
                            <span class="label">"Change one word"</span>
                            <svg viewBox="0 0 20 20" aria-hidden="true"><path d="M6 3.5 16 10 6 16.5Z"></path></svg>
                        </span>
                        <span class="example-text">
                            "A story stops half way. Change one word of it, and see both endings side by side."
                        </span>
                    </button>
                </li>
            </ul>
        </div>
    }
}

/// The examples as small links, beside a text.
#[component]
pub(super) fn ExampleLinks() -> impl IntoView {
    let app = App::get();
    view! {
        <p class="note example-links">
            <span>"Examples:"</span>
            <For
                each=move || app.examples()
                key=|example| example.clone()
                children=move |prompt| {
                    let (whole, example) = (prompt.clone(), prompt.clone());
                    // Beginnings are told apart by their words.
                    let title = move || match title(&example) {
                        BEGINNING if app.fills_no_gaps() => shortened(&example, 24),
                        title => title.to_owned(),
                    };
                    view! {
                        <button
                            class="link" type="button" title=whole
                            disabled=move || app.engine.get() == EngineState::Failed
                            on:click=move |_| app.write_example(prompt.clone())
                        >
                            {title}
                        </button>
                    }
                }
            />
            <button
                class="link" type="button" title="A lesson: change one word, and see both endings"
                disabled=move || app.engine.get() == EngineState::Failed
                on:click=move |_| app.begin_lesson()
            >
                "Change one word"
            </button>
        </p>
    }
}

/// What a prompt without gaps is called.
const BEGINNING: &str = "A beginning";

/// An example prompt, as displayed.
fn title(prompt: &str) -> &'static str {
    match prompt.matches(GAP_OPENS).count() {
        0 if prompt.trim().is_empty() => "From nothing",
        0 => BEGINNING,
        1 if prompt.starts_with(GAP_OPENS) => "Only the end is given",
        1 if gaps::tokens(prompt) >= 40 => "First and last words",
        1 => "A gap in the middle",
        _ => "Several gaps",
    }
}

/// The prompt of an example with its gaps as blocks.
fn shown(prompt: &str) -> Vec<AnyView> {
    let (first, gaps) = gaps::cut(prompt);
    let mut out = vec![first.to_owned().into_any()];
    for (_, words) in gaps {
        out.push(view! { <span class="gap" aria-label="gap"></span> }.into_any());
        out.push(words.to_owned().into_any());
    }
    out
}
