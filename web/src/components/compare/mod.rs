//! Two texts beside each other, with one scrubber and one play button for both. It shows any two
//! branches, however they were made.

mod choices;
mod film;
mod side;
mod titles;

use leptos::html::H2;
use leptos::prelude::*;
use plot::compare::sentence;
use web_sys::HtmlInputElement;

use super::focus;
use super::transport::Pace;
use crate::state::{App, Right};
use film::Film;
use side::Side;

pub(super) use choices::Choices;
pub(super) use titles::listed;

/// The view of two texts.
#[component]
pub(super) fn Compare() -> impl IntoView {
    let app = App::get();
    // Reads both branches, once both are there.
    let parting = Memo::new(move |_| {
        let comparison = app.compared.get()?;
        app.tree.with(|tree| match comparison.branches(tree) {
            [Some(left), Some(right)] => Some(sentence(&left.trace, &right.trace)),
            _ => None,
        })
    });
    let title = NodeRef::<H2>::new();
    Effect::new(move |_| {
        if let Some(title) = title.get() {
            // Fails only for an element that is not shown.
            let _ = title.focus();
        }
    });
    let waiting = move || {
        app.compared.with(|comparison| {
            comparison.as_ref().is_some_and(|both| matches!(both.right, Right::Coming { .. }))
        })
    };
    view! {
        <section class="compare" aria-labelledby="compare-title">
            <div class="compare-head">
                // Who came by the keyboard is here now.
                <h2 id="compare-title" tabindex="-1" node_ref=title>"Side by side"</h2>
                <button class="small" on:click=move |_| close(app)>"Back to one text"</button>
            </div>
            <div class="sides">
                <Side right=false />
                <Side right=true />
            </div>
            <Time />
            <p class="parting">
                {move || {
                    parting.get().unwrap_or_else(|| {
                        let text = if app.running.get() {
                            "The first text is written to its end, then the second one begins."
                        } else if waiting() {
                            "The second text begins as soon as the model is ready."
                        } else {
                            ""
                        };
                        text.into()
                    })
                }}
            </p>
            <Film />
        </section>
    }
}

/// Back to one text, which gets the focus.
pub(super) fn close(app: App) {
    app.close_comparison();
    focus("text");
}

/// The controls of time, for both texts.
#[component]
fn Time() -> impl IntoView {
    let app = App::get();
    let longest = Memo::new(move |_| {
        app.compared.with(|comparison| {
            comparison.as_ref().map_or(0, |both| app.tree.with(|tree| both.longest(tree)))
        })
    });
    let label = move || if app.replaying.get() { "Pause" } else { "Play" };
    let share = move || match longest.get() {
        0 => 0,
        longest => 100 * app.moment.get().min(longest) / longest,
    };
    view! {
        <div class="transport" role="group" aria-label="Time of both texts">
            <div class="buttons">
                <button
                    class="round main" aria-label=label title=move || format!("{} (space)", label())
                    on:click=move |_| app.play_or_stop_both()
                >
                    <svg viewBox="0 0 20 20" aria-hidden="true">
                        <Show when=move || app.replaying.get() fallback=|| view! { <path d="M6 3.5 16 10 6 16.5Z"></path> }>
                            <path d="M5 4h3.4v12H5zM11.6 4H15v12h-3.4z"></path>
                        </Show>
                    </svg>
                </button>
            </div>
            <input
                class="scrubber" type="range" min="0" step="1" aria-label="Share of both runs"
                aria-valuetext=move || format!("{} percent", share())
                max=move || longest.get()
                prop:value=move || app.moment.get()
                on:input=move |event| {
                    if let Ok(moment) = event_target_value(&event).parse() {
                        app.seek_both(moment);
                    }
                    event_target::<HtmlInputElement>(&event)
                        .set_value(&app.moment.get_untracked().to_string());
                }
            />
            <p class="step number"><span class="share-now">{share}</span>"%"</p>
            <Pace />
        </div>
    }
}
