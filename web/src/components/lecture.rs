//! Lecture: the text alone on the whole screen, in large letters, a step for every key press.

use js_sys::Promise;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::focus;
use crate::state::App;

/// Attribute of the document while there is a lecture; the style sheet knows it.
const ATTRIBUTE: &str = "data-lecture";

/// The switch.
#[component]
pub(super) fn LectureSwitch() -> impl IntoView {
    let app = App::get();
    Effect::new(move |before: Option<bool>| {
        let on = app.lecture.get();
        if before.unwrap_or(false) != on {
            show(app, on);
        }
        on
    });
    // The browser's own way out of the full screen is the way out of the lecture.
    let left = window_event_listener_untyped("fullscreenchange", move |_| {
        if document().fullscreen_element().is_none() {
            app.lecture.set(false);
        }
    });
    on_cleanup(move || {
        left.remove();
        if app.lecture.get_untracked() {
            app.lecture.set(false);
            show(app, false);
        }
    });
    view! {
        <button
            class="round"
            aria-label="Lecture"
            aria-pressed=move || app.lecture.get().to_string()
            title="Lecture: full screen, a step for each key ( L )"
            on:click=move |_| app.lecture.update(|on| *on = !*on)
        >
            <svg viewBox="0 0 20 20" aria-hidden="true" class="line">
                <path d="M3.5 7.5v-4h4M12.5 3.5h4v4M16.5 12.5v4h-4M7.5 16.5h-4v-4"></path>
            </svg>
        </button>
    }
}

fn show(app: App, on: bool) {
    let Some(root) = document().document_element() else { return };
    if on {
        app.pause();
        app.inspected.set(None);
        // The name is valid, so this cannot fail.
        let _ = root.set_attribute(ATTRIBUTE, "");
        // Phones without full screen have the lecture in their window.
        if let Ok(opening) = root.unchecked_ref::<Screen>().request_fullscreen() {
            spawn_local(async move {
                let _ = JsFuture::from(opening).await;
            });
        }
        focus("text");
        app.tell("Space or → for the next step, ← for the one before, Escape to leave.");
    } else {
        // As above.
        let _ = root.remove_attribute(ATTRIBUTE);
        if document().fullscreen_element().is_some() {
            document().exit_fullscreen();
        }
        app.said.set("The lecture is over.".into());
    }
}

/// Obeys a key during a lecture. Returns whether it meant something. `on_button` leaves the keys
/// that press a button alone.
pub(super) fn obey(app: App, key: &str, on_button: bool) -> bool {
    match key {
        " " if on_button => return false,
        " " | "." | "ArrowRight" | "ArrowDown" | "PageDown" => app.next_change(),
        "," | "ArrowLeft" | "ArrowUp" | "PageUp" => app.change_before(),
        "Home" => app.seek(0),
        "End" => app.seek(app.last()),
        "Escape" => app.lecture.set(false),
        _ => return false,
    }
    true
}

#[wasm_bindgen]
extern "C" {
    /// An element that may fill the screen; not all browsers let it.
    type Screen;

    #[wasm_bindgen(method, js_name = requestFullscreen, catch)]
    fn request_fullscreen(this: &Screen) -> Result<Promise, JsValue>;
}
