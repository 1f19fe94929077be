//! The page, one component per file.
#![expect(unreachable_pub, reason = "the macro for components writes `pub` by itself")]

mod branches;
mod compare;
mod composer;
mod curves;
mod drop;
mod empty;
mod filming;
mod header;
mod keep;
mod learn;
mod lecture;
mod legend;
mod lesson;
mod loading;
mod notice;
mod reader;
mod recording;
mod settings;
mod status;
mod story;
mod tour;
mod train;
mod transport;

pub use learn::CHAPTERS;
pub use train::CHAPTERS as TRAINING_CHAPTERS;

use gloo_timers::future::TimeoutFuture;
use leptos::mount::mount_to_body;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::prelude::*;
use web_sys::{HtmlElement, KeyboardEvent};

use crate::state::{App, Tree};

/// Mounts the page.
pub fn mount() {
    if let Some(first) = document().get_element_by_id("first-paint") {
        first.remove();
    }
    mount_to_body(Page);
}

/// The whole page.
#[component]
fn Page() -> impl IntoView {
    let app = App::new();
    provide_context(app);
    app.begin();
    // The text is rendered first, the panels around it a moment later.
    let around = RwSignal::new(false);
    Effect::new(move |_| {
        if app.has_run() && !around.get_untracked() {
            spawn_local(async move {
                TimeoutFuture::new(50).await;
                around.set(true);
            });
        }
    });
    let beside = move || around.get() && app.has_run();
    let keys = window_event_listener(leptos::ev::keydown, move |event| shortcut(app, &event));
    on_cleanup(move || keys.remove());

    view! {
        <drop::DropZone>
            <a class="skip" href="#text" on:click=move |event| {
                // The address is for texts.
                event.prevent_default();
                focus(if app.training.open.get_untracked() { "training" } else { "text" });
            }>"Skip to the text"</a>
            <header::Header />
            <main class="page" hidden=move || app.training.open.get() class:comparing=move || app.comparing()>
                <div class="stage">
                    <notice::Notice />
                    <composer::Composer />
                    <status::Slow />
                    <Show when=move || app.has_run()>
                        <loading::Loading />
                    </Show>
                    <section class="sheet-of-paper" id="text" tabindex="-1" aria-label="The text">
                        <Show when=move || app.has_run() fallback=|| view! { <empty::Empty /> }>
                            <Show when=move || !app.comparing() fallback=|| view! { <compare::Compare /> }>
                                <story::Story />
                                <lesson::LessonNote />
                                <transport::Transport />
                            </Show>
                        </Show>
                    </section>
                    <Show when=beside>
                        <legend::Legend />
                    </Show>
                    <div class="below">
                        <Show when=beside>
                            <curves::Curves />
                        </Show>
                        <learn::Learn />
                    </div>
                    <branches::Branches />
                </div>
                <aside class="rail" aria-label="Settings and tools">
                    <settings::Settings />
                    // A video that is being made is not given up on the first view.
                    <div hidden=move || !app.has_run()>
                        <Show when=move || around.get()>
                            <compare::Choices />
                            <keep::Keep />
                        </Show>
                    </div>
                    <status::Status />
                </aside>
            </main>
            <Show when=move || app.training.opened.get()>
                <train::Train />
            </Show>
            <reader::Reader />
            <tour::Tour />
            <Show when=move || !app.toast.get().is_empty()>
                <p class="toast" aria-hidden="true">{move || app.toast.get()}</p>
            </Show>
            <p class="visually-hidden" role="status" aria-live="polite">{move || app.said.get()}</p>
        </drop::DropZone>
    }
}

/// Keyboard shortcuts, except while typing.
fn shortcut(app: App, event: &KeyboardEvent) {
    let target = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
    let tag = target.map(|element| element.tag_name()).unwrap_or_default();
    let plain = !(event.ctrl_key() || event.meta_key() || event.alt_key());
    // During a lecture nothing can be typed; the scrubber has keys of its own, but for the way out.
    if plain && app.lecture.get_untracked() && (tag != "INPUT" || event.key() == "Escape") {
        if lecture::obey(app, &event.key(), tag == "BUTTON") {
            event.prevent_default();
        }
        return;
    }
    let typing = matches!(tag.as_str(), "INPUT" | "TEXTAREA" | "SELECT");
    if event.ctrl_key() || event.meta_key() {
        match event.key().as_str() {
            "Enter" if !app.training.open.get_untracked() => app.write(),
            // In a field it is the field's own.
            "z" if !typing
                && !app.comparing_untracked()
                && app.tree.with_untracked(Tree::can_undo) =>
            {
                app.undo()
            }
            _ => return,
        }
        event.prevent_default();
        return;
    }
    if typing || event.alt_key() {
        return;
    }
    if app.training.open.get_untracked() {
        match event.key().as_str() {
            " " if tag != "BUTTON" && tag != "SUMMARY" && tag != "A" => app.train_or_pause(),
            "." if app.training.begun_untracked() => app.train_one_step(),
            _ => return,
        }
        event.prevent_default();
        return;
    }
    if app.comparing_untracked() {
        let moment = app.moment.get_untracked();
        match event.key().as_str() {
            " " if tag != "BUTTON" && tag != "SUMMARY" && tag != "A" => app.play_or_stop_both(),
            "." => app.seek_both(moment + 1),
            "," => app.seek_both(moment.saturating_sub(1)),
            "Escape" => compare::close(app),
            _ => return,
        }
        event.prevent_default();
        return;
    }
    match event.key().as_str() {
        // A focused button handles the space bar itself.
        " " if tag != "BUTTON" && tag != "SUMMARY" && tag != "A" => app.play_or_pause(),
        "." => app.step_forward(),
        "," => app.step_back(),
        "l" | "L" if app.has_run() && !app.comparing() => app.lecture.set(true),
        _ => return,
    }
    event.prevent_default();
}

/// Puts the focus on the element with this id.
fn focus(id: &str) {
    let element = document().get_element_by_id(id);
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        // Fails only for an element that is not shown.
        let _ = element.focus();
    }
}

/// Whether a `prefers-*` media query matches, for instance `color-scheme: dark`.
fn prefers(what: &str) -> bool {
    let query = window().match_media(&format!("(prefers-{what})")).ok().flatten();
    query.is_some_and(|query| query.matches())
}

#[wasm_bindgen]
extern "C" {
    /// `document.execCommand`, which web-sys offers on another type.
    type Editable;

    #[wasm_bindgen(method, js_name = execCommand, catch)]
    fn exec_command(
        this: &Editable,
        command: &str,
        show_ui: bool,
        value: &str,
    ) -> Result<bool, JsValue>;
}

/// Lets the browser carry out a command of its own editor on what is focused or selected. Returns
/// whether it did.
fn edit_command(command: &str, value: &str) -> bool {
    let document = document();
    document.unchecked_ref::<Editable>().exec_command(command, false, value).unwrap_or(false)
}
