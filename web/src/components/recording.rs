//! A recording of the model, which plays until there is a text of the visitor's own.

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use plot::Trace;

use super::prefers;
use super::story::{Sheet, Shown};
use crate::state::{App, Tree, Underline};

/// Written by the first model of the list, with `sample --trace`.
const TRACE: &str = include_str!("recording.json");
/// Milliseconds of a step, and of the finished text before it begins again.
const STEP: u32 = 420;
const REST: u32 = 5_000;

/// The recording, with a button that stops it.
#[component]
pub(super) fn Recording() -> impl IntoView {
    let app = App::get();
    let mut opened = Tree::default();
    // It is part of the page; a test reads it.
    let Ok(trace) = Trace::from_json(TRACE) else { return ().into_any() };
    let (steps, last, text) =
        (trace.steps, trace.frames.len() - 1, trace.text(trace.frames.len() - 1));
    opened.open(trace);
    let tree = RwSignal::new(opened);
    // Who asks for less motion sees the end of it.
    let still = prefers("reduced-motion: reduce");
    let head = RwSignal::new(if still { last } else { 0 });
    let playing = RwSignal::new(!still);
    spawn_local(async move {
        // Until the recording has made room for a text.
        while let Some(now) = head.try_get_untracked() {
            TimeoutFuture::new(if now == last { REST } else { STEP }).await;
            if playing.try_get_untracked() == Some(true) {
                head.set(if now == last { 0 } else { now + 1 });
            }
        }
    });
    let shown = Shown {
        tree: tree.into(),
        branch: Signal::stored(Some(0)),
        head: head.into(),
        moving: playing.into(),
        underline: Signal::stored(Underline::Confidence),
        open: Signal::stored(None),
        ringed: Signal::stored(None),
    };
    view! {
        <figure class="recording">
            <p class="visually-hidden">"A recording of the model. It ends with: " {text}</p>
            <div inert aria-hidden="true">
                <Sheet shown=shown />
            </div>
            <figcaption class="note">
                <span>
                    {move || if app.fills_no_gaps() {
                        "A recording of another model, all words at once: step "
                    } else {
                        "A recording: step "
                    }}
                    <span class="number">{move || tree.with(|tree| tree.shown().map_or(0, |b| b.trace.frames[head.get()].step))}</span>
                    {format!(" of {steps}. The bold words were given.")}
                </span>
                <button class="small" type="button" on:click=move |_| playing.update(|playing| *playing = !*playing)>
                    {move || if playing.get() { "Stop the recording" } else { "Play the recording" }}
                </button>
            </figcaption>
        </figure>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recording_is_a_whole_trace() {
        let trace = Trace::from_json(TRACE).expect("a trace");
        let last = trace.frames.len() - 1;
        assert_eq!(trace.masks(last), 0);
        assert_eq!(trace.frames[last].step, trace.steps);
        assert!(TRACE.len() < 16_000, "{} bytes", TRACE.len());
    }
}
