//! What the model learns from: stories of the grammar, the sample corpus, or a person's own text.

use leptos::prelude::*;
use wasm_bindgen::JsValue;
use web_sys::{File, HtmlInputElement};

use super::super::drop::listed;
use crate::dropped::title;
use crate::protocol::{self, Level};
use crate::state::App;
use crate::state::training::STORIES;

/// Kinds of text, each with a name and a sentence.
const KINDS: [(&str, &str, &str); 4] = [
    (
        "first",
        "First stories",
        "A few plots and about a hundred words, written by a grammar as you watch.",
    ),
    (
        "full",
        "All stories",
        "Everything that the grammar can write: more words, more plots, more to learn.",
    ),
    ("sample", "Sample corpus", "The stories that come with this page."),
    (
        "own",
        "Your own text",
        "Files or pasted text, stories apart by blank lines. It stays in this tab.",
    ),
];

fn kind(text: &protocol::Text) -> &'static str {
    match text {
        protocol::Text::Grammar { level: Level::First, .. } => "first",
        protocol::Text::Grammar { level: Level::Full, .. } => "full",
        protocol::Text::Sample => "sample",
        protocol::Text::Own { .. } => "own",
    }
}

/// The choice of the text, and what the tokenizer makes of it.
#[component]
pub(super) fn Text() -> impl IntoView {
    let app = App::get();
    let plan = app.training.plan;
    let chosen = Memo::new(move |_| plan.with(|plan| kind(&plan.text)));
    let choose = move |wanted: &'static str| {
        app.change_plan(|plan| {
            let (stories, seed) = match plan.text {
                protocol::Text::Grammar { stories, seed, .. } => (stories, seed),
                _ => (STORIES[1], 1),
            };
            let grammar = |level| protocol::Text::Grammar { level, stories, seed };
            plan.text = match wanted {
                "first" => grammar(Level::First),
                "full" => grammar(Level::Full),
                "sample" => protocol::Text::Sample,
                _ => protocol::Text::Own { name: String::new() },
            };
        });
    };
    view! {
        <fieldset class="pick">
            <legend>"What it reads"</legend>
            <div class="options">
                {KINDS.map(|(id, name, about)| view! {
                    <label class="option" class:chosen=move || chosen.get() == id>
                        <input
                            type="radio" name="corpus" value=id
                            prop:checked=move || chosen.get() == id
                            on:change=move |_| choose(id)
                        />
                        <span class="option-name">{name}</span>
                        <span class="note">{about}</span>
                    </label>
                })}
            </div>
            <Show when=move || matches!(chosen.get(), "first" | "full")>
                <Stories />
            </Show>
            <Show when=move || chosen.get() == "own">
                <Own />
            </Show>
            <Corpus />
        </fieldset>
    }
}

/// How many stories the grammar writes.
#[component]
fn Stories() -> impl IntoView {
    let app = App::get();
    let count = Memo::new(move |_| {
        app.training.plan.with(|plan| match plan.text {
            protocol::Text::Grammar { stories, .. } => stories,
            _ => STORIES[1],
        })
    });
    let offered = move || {
        let mut offered = STORIES.to_vec();
        if !offered.contains(&count.get()) {
            offered.push(count.get());
        }
        offered
    };
    view! {
        <label class="control stories">
            <span class="label">"Stories"</span>
            <select
                class="field number"
                on:change=move |event| {
                    if let Ok(number) = event_target_value(&event).parse() {
                        app.change_plan(|plan| {
                            if let protocol::Text::Grammar { stories, .. } = &mut plan.text {
                                *stories = number;
                            }
                        });
                    }
                }
            >
                {move || offered().into_iter().map(|number| view! {
                    <option value=number.to_string() selected=move || count.get() == number>
                        {grouped(number.into())}
                    </option>
                }).collect_view()}
            </select>
        </label>
    }
}

/// A person's own text: files, or what is pasted.
#[component]
fn Own() -> impl IntoView {
    let app = App::get();
    let pasted = RwSignal::new(String::new());
    let name = move || {
        app.training.plan.with(|plan| match &plan.text {
            protocol::Text::Own { name } => name.clone(),
            _ => String::new(),
        })
    };
    view! {
        <div class="own">
            <label class="choose">
                <span>"Choose text files"</span>
                <input
                    id="corpus-files" type="file" multiple=true accept=".txt,.md,text/plain"
                    on:change=move |event| {
                        let input: HtmlInputElement = event_target(&event);
                        let files = listed(input.files());
                        if !files.is_empty() {
                            app.train_on(title(&files), files);
                        }
                        // Otherwise choosing the same files again fires no event.
                        input.set_value("");
                    }
                />
            </label>
            <span class="note">"or drop them on the page, or paste:"</span>
            <textarea
                class="prompt" id="pasted" rows="4" spellcheck="false" aria-label="Text to learn from"
                placeholder="Once upon a time …"
                prop:value=move || pasted.get()
                on:input=move |event| pasted.set(event_target_value(&event))
            ></textarea>
            <button
                class="small" type="button" disabled=move || pasted.with(|text| text.trim().is_empty())
                on:click=move |_| {
                    let parts = js_sys::Array::of1(&JsValue::from_str(&pasted.get_untracked()));
                    if let Ok(file) = File::new_with_str_sequence(&parts, "pasted.txt") {
                        app.train_on("Pasted text".to_owned(), vec![file]);
                    }
                }
            >
                "Use this text"
            </button>
            <Show when=move || !name().is_empty()>
                <p class="note">"It reads: " {name}</p>
            </Show>
        </div>
    }
}

/// What the text is, and how the tokenizer cuts it.
#[component]
fn Corpus() -> impl IntoView {
    let corpus = App::get().training.corpus;
    let facts = move || {
        corpus.with(|corpus| {
            let corpus = corpus.as_ref()?;
            let mut facts = vec![
                format!("{} kB", grouped(corpus.bytes.div_ceil(1000))),
                counted(corpus.stories.into(), "story", "stories"),
                format!("{} tokens", grouped(corpus.train_tokens + corpus.validation_tokens)),
                format!("{:.1} bytes a token", corpus.bytes_per_token),
                format!("vocabulary of {}", grouped(corpus.vocabulary.into())),
            ];
            if corpus.unknown > 0 {
                facts.push(format!("{} unknown", grouped(corpus.unknown)));
            }
            Some(facts.join(" · "))
        })
    };
    let pieces =
        move || corpus.with(|corpus| corpus.as_ref().map(|corpus| corpus.beginning.clone()));
    view! {
        <div class="corpus">
            <p class="note number facts">{move || facts().unwrap_or_else(|| "\u{a0}".to_owned())}</p>
            <p class="pieces" role="group" aria-label="Its beginning, as the tokenizer cuts it">
                {move || pieces().unwrap_or_default().into_iter().map(|piece| view! { <span>{piece}</span> }).collect_view()}
            </p>
        </div>
    }
}

/// A number with commas between thousands.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number with its noun.
fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")]
        {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(counted(1, "story", "stories"), "1 story");
    }
}
