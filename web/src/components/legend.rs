//! What the marks in the text mean, and what the lines under the words show.

use leptos::prelude::*;

use crate::state::{App, Underline};

/// The choices, with their names in the form.
const CHOICES: [(Underline, &str); 3] = [
    (Underline::Confidence, "How sure the model was"),
    (Underline::Order, "Order of writing"),
    (Underline::None, "Nothing"),
];

/// The legend.
#[component]
pub(super) fn Legend() -> impl IntoView {
    let app = App::get();
    view! {
        <section class="legend" aria-labelledby="legend-title">
            <h2 id="legend-title" class="label">"What the marks mean"</h2>
            <ul class="keys">
                <li><span class="key hidden-word" aria-hidden="true"></span>"hidden"</li>
                <li><span class="key new-word" aria-hidden="true">"word"</span>"new in this step"</li>
                <li><span class="key given-word" aria-hidden="true">"word"</span>"given by you"</li>
                <li><span class="key pinned-word" aria-hidden="true">"word"</span>"pinned by you"</li>
                <li><span class="key end-of-text" aria-hidden="true"></span>"end of the text"</li>
                {move || {
                    let (first, last) = match app.lines.get() {
                        Underline::Confidence => ("unsure", "sure"),
                        Underline::Order => ("early", "late"),
                        Underline::None => return None,
                    };
                    let order = app.lines.get() == Underline::Order;
                    let scale = (0..=10)
                        .map(|tone| {
                            let tone = if order { 10 - tone } else { tone };
                            view! { <span class=format!("sure-{tone}")></span> }
                        })
                        .collect_view();
                    Some(view! {
                        <li class="scale" class:order=order>
                            {first}<span class="ramp" aria-hidden="true">{scale}</span>{last}
                        </li>
                    })
                }}
            </ul>
            <label class="lines-choice">
                <span class="label">"Lines under the words"</span>
                <select
                    class="field"
                    id="underline"
                    on:change=move |event| {
                        let index: usize = event_target_value(&event).parse().unwrap_or(0);
                        app.lines.set(CHOICES.get(index).map_or(Underline::default(), |choice| choice.0));
                    }
                >
                    {CHOICES
                        .iter()
                        .enumerate()
                        .map(|(index, &(choice, name))| {
                            view! {
                                <option value=index.to_string() selected=move || app.lines.get() == choice>
                                    {name}
                                </option>
                            }
                        })
                        .collect_view()}
                </select>
            </label>
        </section>
    }
}
