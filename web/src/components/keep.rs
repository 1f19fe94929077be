//! Export: video, picture, trace, link, text.

use leptos::prelude::*;
use leptos::task::spawn_local;
use plot::theme::Theme;
use wasm_bindgen_futures::JsFuture;

use super::prefers;
use crate::picture::{Format, Look, Shape, film, save_blob, save_text, still};
use crate::state::App;

/// The export panel.
#[component]
pub(super) fn Keep() -> impl IntoView {
    let app = App::get();
    let format = RwSignal::new(Format::Webm);
    let shape = RwSignal::new(Shape::Wide);
    // Progress of the video export, 0 to 1.
    let filming = RwSignal::new(None::<f64>);
    let stop = RwSignal::new(false);
    let complaint = RwSignal::new(String::new());

    let record = move |_| {
        let Some(trace) = app.with_shown_untracked(|branch, _| branch.trace.clone()) else {
            return;
        };
        let pace = match app.pace.get_untracked() {
            0 => 30,
            pace => pace,
        };
        let (format, shape) = (format.get_untracked(), shape.get_untracked());
        complaint.set(String::new());
        stop.set(false);
        filming.set(Some(0.0));
        app.said.set("Making the video.".into());
        spawn_local(async move {
            let progress = |share: f64| {
                // Few updates are enough for a progress bar.
                if filming.get_untracked().is_none_or(|told| share - told > 0.02) {
                    filming.set(Some(share));
                }
                !stop.get_untracked()
            };
            match film(&trace, pace, format, shape, look(app), &progress).await {
                Ok(blob) => {
                    save_blob(&blob, &format!("cinnabar.{}", format.extension()));
                    app.said.set("The video is saved.".into());
                }
                Err(error) => complaint.set(error),
            }
            filming.set(None);
        });
    };
    let picture = move |_| {
        let Some((trace, head)) =
            app.with_shown_untracked(|branch, head| (branch.trace.clone(), head))
        else {
            return;
        };
        spawn_local(async move {
            match still(&trace, head, shape.get_untracked(), look(app)).await {
                Some(blob) => save_blob(&blob, &format!("cinnabar-step-{head}.png")),
                None => complaint.set("This browser cannot draw the picture.".into()),
            }
        });
    };
    let trace = move |_| {
        if let Some(json) = app.with_shown_untracked(|branch, _| branch.trace.to_json()) {
            save_text(&json, "application/json", "cinnabar-trace.json");
        }
    };
    let link = move |_| {
        let request = app.with_shown_untracked(|branch, _| branch.request.clone());
        copy(
            app,
            app.share_address(&request.unwrap_or(app.request.get_untracked())),
            "The link is copied.",
        );
    };
    let text = move |_| {
        if let Some(text) = app.with_shown_untracked(|branch, head| branch.trace.text(head)) {
            copy(app, text, "The text is copied.");
        }
    };
    view! {
        <section class="panel keep" aria-labelledby="keep-title">
            <h2 id="keep-title">"Keep and share"</h2>
            <div class="pair">
                <label class="control">
                    <span class="label">"Format"</span>
                    <select
                        class="field" id="format"
                        on:change=move |event| {
                            format.set(if event_target_value(&event) == "mp4" { Format::Mp4 } else { Format::Webm });
                        }
                    >
                        <option value="webm">"WebM"</option>
                        <option value="mp4">"MP4"</option>
                    </select>
                </label>
                <label class="control">
                    <span class="label">"Shape"</span>
                    <select
                        class="field" id="shape"
                        on:change=move |event| {
                            shape.set(if event_target_value(&event) == "square" { Shape::Square } else { Shape::Wide });
                        }
                    >
                        <option value="wide">"1280 × 720"</option>
                        <option value="square">"1080 × 1080"</option>
                    </select>
                </label>
            </div>
            <Show
                when=move || filming.get().is_some()
                fallback=move || view! { <button class="small wide" on:click=record>"Save video"</button> }
            >
                <div class="filming">
                    <progress class="progress" max="1" aria-label="Making the video" prop:value=move || filming.get().unwrap_or(0.0)></progress>
                    <button class="small" on:click=move |_| stop.set(true)>"Stop"</button>
                </div>
            </Show>
            <div class="tools">
                <button class="small" on:click=picture>"Save picture"</button>
                <button class="small" on:click=trace>"Save trace"</button>
                <button class="small" on:click=link>"Copy link"</button>
                <button class="small" on:click=text>"Copy text"</button>
            </div>
            <Show when=move || !complaint.get().is_empty()>
                <p class="note complaint" role="status">{move || complaint.get()}</p>
            </Show>
            <Show when=move || app.edited()>
                <p class="note">"The link gives the text before your changes; the trace holds them."</p>
            </Show>
        </section>
    }
}

/// Pictures use the theme of the page.
fn look(app: App) -> Look {
    let theme = if prefers("color-scheme: dark") { Theme::Dark } else { Theme::Light };
    Look { theme, confidence: app.show_confidence.get_untracked() }
}

fn copy(app: App, text: String, done: &'static str) {
    spawn_local(async move {
        let clipboard = window().navigator().clipboard();
        match JsFuture::from(clipboard.write_text(&text)).await {
            Ok(_) => app.tell(done),
            // Without clipboard permission, the address bar still has the link.
            Err(_) => {
                app.tell("The browser does not let the page copy; the link is in the address line.")
            }
        }
    });
}
