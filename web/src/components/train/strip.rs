//! The strip: texts that the model writes from the same draws, one after so many steps.

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::text::grouped;
use crate::state::App;

/// How long each text is shown when the strip is played, in milliseconds.
const SHOWN: u32 = 900;

/// One text of the strip, and the way to the others.
#[component]
pub(super) fn Strip() -> impl IntoView {
    let training = App::get().training;
    let texts = Memo::new(move |_| training.texts());
    let last = move || texts.with(|texts| texts.len().saturating_sub(1));
    let at = move || training.shown.get().unwrap_or_else(last).min(last());
    let now = Memo::new(move |_| texts.with(|texts| texts.get(at()).cloned()));
    // Number of the current play; timers of older ones stop.
    let play = StoredValue::new(0u32);
    let playing = RwSignal::new(false);
    let stop = move || {
        play.update_value(|number| *number += 1);
        playing.set(false);
    };
    let show = move |index: usize| training.shown.set((index < last()).then_some(index));
    let begin = move || {
        stop();
        let number = play.get_value();
        playing.set(true);
        show(0);
        spawn_local(async move {
            loop {
                TimeoutFuture::new(SHOWN).await;
                if play.try_get_value() != Some(number) {
                    return;
                }
                let at = untrack(at);
                if at >= untrack(last) {
                    playing.set(false);
                    return;
                }
                untrack(|| show(at + 1));
            }
        });
    };
    view! {
        <section class="strip" aria-labelledby="strip-title">
            <h2 id="strip-title">"What it writes, always from the same noise"</h2>
            <blockquote class="strip-text">
                {move || match now.get() {
                    Some((_, text)) => text,
                    None => "The first text is on its way …".to_owned(),
                }}
            </blockquote>
            <div class="strip-time" role="group" aria-label="Texts of the training">
                <button
                    class="round main" type="button" disabled=move || last() == 0
                    aria-label=move || if playing.get() { "Stop" } else { "Play the texts" }
                    on:click=move |_| if playing.get_untracked() { stop() } else { begin() }
                >
                    <svg viewBox="0 0 20 20" aria-hidden="true">
                        <Show when=move || playing.get() fallback=|| view! { <path d="M6 3.5 16 10 6 16.5Z"></path> }>
                            <path d="M5 4h3.4v12H5zM11.6 4H15v12h-3.4z"></path>
                        </Show>
                    </svg>
                </button>
                <input
                    class="scrubber" type="range" min="0" step="1" aria-label="Text"
                    max=move || last().max(1) disabled=move || last() == 0
                    aria-valuetext=move || now.get().map(|(step, _)| format!("after step {step}"))
                    prop:value=move || at().to_string()
                    on:input=move |event| {
                        stop();
                        if let Ok(index) = event_target_value(&event).parse() {
                            show(index);
                        }
                    }
                />
                <p class="step number">
                    {move || now.get().map_or("–".to_owned(), |(step, _)| format!("after step {}", grouped(step.into())))}
                </p>
            </div>
            <super::film::Film />
        </section>
    }
}
