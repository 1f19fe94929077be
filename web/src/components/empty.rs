//! Before the first run: what this is, and three prompts to try.

use leptos::prelude::*;

use crate::protocol::Stage;
use crate::state::{App, EngineState};

/// Prompts that suit a model of small stories.
const EXAMPLES: [(&str, &str); 3] = [
    ("A beginning", "Once upon a time, there was a little dragon who"),
    (
        "A gap in the middle",
        "Lily found a [MASK:6] in the garden. She was very happy and ran home to show her mom.",
    ),
    ("Only the end is given", "[MASK:40] And from that day on, they were best friends."),
];

/// Invitation, or how far the model has come.
#[component]
pub(super) fn Empty() -> impl IntoView {
    let app = App::get();
    let ready = move || app.engine.get() == EngineState::Ready;
    let examples = move || {
        let info = app.info.get();
        let of_model = info.and_then(|info| {
            app.models.with(|all| {
                let entry = all.iter().find(|entry| Some(&entry.id) == info.id.as_ref())?;
                (!entry.examples.is_empty()).then(|| entry.examples.clone())
            })
        });
        let titles = EXAMPLES.map(|(title, _)| title.to_owned());
        let prompts =
            of_model.unwrap_or_else(|| EXAMPLES.map(|(_, prompt)| prompt.to_owned()).to_vec());
        titles.into_iter().zip(prompts).collect::<Vec<_>>()
    };
    view! {
        <div class="empty">
            <h2>"Watch a story come out of the fog."</h2>
            <p class="lead">
                "Every word begins as a blank. Step by step the model fills in what it is surest of, "
                "anywhere in the text, and takes back what it doubts."
            </p>
            <Loading />
            <ul class="examples" aria-label="Examples">
                <For
                    each=examples
                    key=|example| example.clone()
                    children=move |(title, prompt)| {
                        let text = prompt.clone();
                        view! {
                            <li>
                                <button
                                    class="example"
                                    disabled=move || !ready()
                                    on:click=move |_| {
                                        app.request.update(|request| request.prompt = prompt.clone());
                                        app.write();
                                    }
                                >
                                    <span class="label">{title}</span>
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

/// The prompt of an example with its gaps as blocks.
fn shown(prompt: &str) -> Vec<AnyView> {
    let mut out = Vec::new();
    for (i, part) in prompt.split("[MASK").enumerate() {
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

/// How far the model has come.
#[component]
pub(super) fn Loading() -> impl IntoView {
    let app = App::get();
    let stage = move || match app.engine.get() {
        EngineState::Starting => Some(("Starting the engine…".to_owned(), None)),
        EngineState::Loading(stage) => Some(describe(&stage)),
        EngineState::Ready | EngineState::Failed => None,
    };
    view! {
        {move || {
            stage()
                .map(|(text, share)| {
                    view! {
                        <div class="loading">
                            <progress
                                class="progress"
                                aria-label="Loading the model"
                                max="1"
                                prop:value=share.unwrap_or(0.0)
                                class:unknown=share.is_none()
                            ></progress>
                            <p class="note number">{text}</p>
                        </div>
                    }
                })
        }}
    }
}

fn describe(stage: &Stage) -> (String, Option<f64>) {
    match stage {
        Stage::Adapter => ("Looking for the GPU…".into(), None),
        Stage::Download { received, total, cached } => {
            let mega = |bytes: u64| bytes as f64 * 1e-6;
            let from = if *cached { "Reading from the cache" } else { "Downloading the model" };
            match total {
                Some(total) => (
                    format!("{from}: {:.1} of {:.1} MB", mega(*received), mega(*total)),
                    Some(*received as f64 / (*total).max(1) as f64),
                ),
                None => (format!("{from}: {:.1} MB", mega(*received)), None),
            }
        }
        Stage::Weights => ("Checking the weights…".into(), None),
        Stage::Shaders { done, total, kernel } => (
            format!("Compiling shaders: {done} of {total} {kernel}"),
            Some(f64::from(*done) / f64::from((*total).max(1))),
        ),
    }
}
