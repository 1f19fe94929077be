//! Playback controls: play, pause, step, scrub, speed.

use leptos::prelude::*;
use web_sys::HtmlInputElement;

use super::lecture::LectureSwitch;
use crate::state::{App, Tree};

/// Playback speeds in steps per second; 0 is as fast as possible.
const PACES: [u32; 6] = [2, 6, 12, 24, 60, 0];

/// The control bar under the text.
#[component]
pub(super) fn Transport() -> impl IntoView {
    let app = App::get();
    let steps = Memo::new(move |_| {
        app.with_shown(|branch, head| {
            let last = branch.last();
            let trace = &branch.trace;
            // Leaves room for the steps that are still to come.
            let to_come = if branch.finished { 0 } else { trace.total() - trace.frames[last].step };
            (trace.clock(trace.frames[head].step), last + to_come as usize)
        })
        .unwrap_or_default()
    });
    let at_end = move || app.with_shown(|branch, head| head == branch.last() && !branch.finished);
    let label = move || {
        if app.moving() {
            "Pause"
        } else if at_end() == Some(true) {
            "Continue"
        } else {
            "Play"
        }
    };
    view! {
        <div class="transport" role="group" aria-label="Time">
            <div class="buttons">
                <button class="round" aria-label="One step back" title="One step back ( , )" on:click=move |_| app.step_back()
                    disabled=move || app.head.get() == 0>
                    <svg viewBox="0 0 20 20" aria-hidden="true"><path d="M14 4 6.5 10 14 16Z"></path><path d="M4 4h2v12H4z"></path></svg>
                </button>
                <button class="round main" aria-label=label title=move || format!("{} (space)", label()) on:click=move |_| app.play_or_pause()>
                    <svg viewBox="0 0 20 20" aria-hidden="true">
                        <Show when=move || app.moving() fallback=|| view! { <path d="M6 3.5 16 10 6 16.5Z"></path> }>
                            <path d="M5 4h3.4v12H5zM11.6 4H15v12h-3.4z"></path>
                        </Show>
                    </svg>
                </button>
                <button class="round" aria-label="One step forward" title="One step forward ( . )" on:click=move |_| app.step_forward()>
                    <svg viewBox="0 0 20 20" aria-hidden="true"><path d="M6 4l7.5 6L6 16Z"></path><path d="M14 4h2v12h-2z"></path></svg>
                </button>
                <button class="round" aria-label="Again, from the beginning" title="From the beginning" on:click=move |_| app.play(0)>
                    <svg viewBox="0 0 20 20" aria-hidden="true" class="line"><path d="M4.5 10a5.5 5.5 0 1 0 1.8-4.1M4.2 3.4v3.4h3.4"></path></svg>
                </button>
                <LectureSwitch />
                <Show when=move || app.tree.with(Tree::can_undo)>
                    <button class="small undo" title="Undo your last change (Ctrl+Z)" on:click=move |_| app.undo()>
                        "Undo"
                    </button>
                </Show>
            </div>
            <input
                class="scrubber" type="range" min="0" step="1" aria-label="Step"
                aria-valuetext=move || format!("{} of {}", steps.get().0, steps.get().0.of)
                max=move || steps.get().1
                prop:value=move || app.head.get()
                on:input=move |event| {
                    if let Ok(frame) = event_target_value(&event).parse() {
                        app.seek(frame);
                    }
                    // Snaps back to the last recorded frame.
                    event_target::<HtmlInputElement>(&event)
                        .set_value(&app.head.get_untracked().to_string());
                }
            />
            <p class="step number" title=move || format!("{} of {}", steps.get().0, steps.get().0.of)>
                <span class="step-now">{move || steps.get().0.short()}</span>" / "{move || steps.get().0.of}
            </p>
            <Pace />
        </div>
    }
}

/// The choice of the speed.
#[component]
pub(super) fn Pace() -> impl IntoView {
    let app = App::get();
    view! {
        <label class="pace">
            <span class="label">"Speed"</span>
            <select class="field" on:change=move |event| {
                if let Ok(pace) = event_target_value(&event).parse() {
                    app.set_pace(pace);
                }
            }>
                {PACES
                    .map(|pace| {
                        let text = match pace {
                            0 => "full speed".into(),
                            pace => format!("{pace} steps/s"),
                        };
                        view! { <option value=pace.to_string() selected=move || app.pace.get() == pace>{text}</option> }
                    })
                    .collect_view()}
            </select>
        </label>
    }
}
