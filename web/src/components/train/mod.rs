//! The training: what to train, how it goes, and the texts that it writes on the way.

mod curves;
mod film;
mod kept;
mod keys;
mod progress;
mod rate;
mod size;
mod strip;
mod take;
mod telling;
mod text;

pub use telling::CHAPTERS;

use leptos::prelude::*;

use crate::state::App;
use crate::state::training::Phase;

/// The view of the training.
#[component]
pub(super) fn Train() -> impl IntoView {
    let app = App::get();
    let training = app.training;
    let begun = Memo::new(move |_| training.begun() || training.going());
    // The title tells of a training in a tab that is not looked at.
    Effect::new(move |_| {
        let (phase, pulse, steps) = (training.phase.get(), training.pulse.get(), training.steps());
        document().set_title(&match phase {
            Phase::Going => format!("Step {} of {steps} · Cinnabar", pulse.step),
            Phase::Complete => "Trained · Cinnabar".to_owned(),
            _ => TITLE.to_owned(),
        });
    });
    view! {
        <main class="page train" hidden=move || !training.open.get()>
            <div class="stage">
                <Fault />
                <kept::Kept />
                <Show when=move || !begun.get()>
                    <text::Text />
                    <size::Size />
                </Show>
                <progress::Progress />
                <Show when=move || begun.get()>
                    <strip::Strip />
                </Show>
                <div class="below">
                    <Show when=move || begun.get()>
                        <curves::Losses />
                    </Show>
                    <telling::Telling />
                </div>
            </div>
            <aside class="rail" aria-label="Settings and files of the training">
                <rate::Rate />
                <keys::Keys />
                <Show when=move || begun.get()>
                    <take::Take />
                </Show>
            </aside>
        </main>
    }
}

/// Title of the page.
const TITLE: &str = "Cinnabar: watch a language model think";

/// The last fault of the training.
#[component]
fn Fault() -> impl IntoView {
    let training = App::get().training;
    view! {
        {move || training.fault.get().map(|fault| view! {
            <div class="notice" role="alert">
                <p>{fault.message}</p>
                <div class="notice-actions">
                    <button class="small" on:click=move |_| training.fault.set(None)>"Dismiss"</button>
                </div>
            </div>
        })}
    }
}
