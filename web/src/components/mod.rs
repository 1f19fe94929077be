//! The page, one component per file.
#![expect(unreachable_pub, reason = "the macro for components writes `pub` by itself")]

mod branches;
mod composer;
mod curves;
mod drop;
mod empty;
mod header;
mod keep;
mod learn;
mod loading;
mod notice;
mod reader;
mod settings;
mod status;
mod story;
mod transport;

pub use learn::CHAPTERS;

use gloo_timers::future::TimeoutFuture;
use leptos::mount::mount_to_body;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent};

use crate::state::App;

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
    Effect::new(move |_| app.keep_draft());
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
    let keys = window_event_listener(leptos::ev::keydown, move |event| shortcut(app, &event));
    on_cleanup(move || keys.remove());

    view! {
        <drop::DropZone>
            <a class="skip" href="#text">"Skip to the text"</a>
            <header::Header />
            <main class="page">
                <div class="stage">
                    <notice::Notice />
                    <composer::Composer />
                    <status::Slow />
                    <Show when=move || app.has_run()>
                        <loading::Loading />
                    </Show>
                    <section class="sheet-of-paper" id="text" aria-label="The text">
                        <Show when=move || app.has_run() fallback=|| view! { <empty::Empty /> }>
                            <story::Story />
                            <transport::Transport />
                        </Show>
                    </section>
                    <div class="below">
                        <Show when=move || around.get()>
                            <curves::Curves />
                        </Show>
                        <learn::Learn />
                    </div>
                    <branches::Branches />
                </div>
                <aside class="rail" aria-label="Settings and tools">
                    <settings::Settings />
                    <Show when=move || around.get()>
                        <keep::Keep />
                    </Show>
                    <status::Status />
                </aside>
            </main>
            <reader::Reader />
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
    let typing = matches!(tag.as_str(), "INPUT" | "TEXTAREA" | "SELECT");
    if event.ctrl_key() || event.meta_key() {
        if event.key() == "Enter" {
            event.prevent_default();
            app.write();
        }
        return;
    }
    if typing || event.alt_key() {
        return;
    }
    match event.key().as_str() {
        // A focused button handles the space bar itself.
        " " if tag != "BUTTON" && tag != "SUMMARY" && tag != "A" => app.play_or_pause(),
        "." => app.step_forward(),
        "," => app.step_back(),
        _ => return,
    }
    event.prevent_default();
}

/// Whether a `prefers-*` media query matches, for instance `color-scheme: dark`.
fn prefers(what: &str) -> bool {
    let query = window().match_media(&format!("(prefers-{what})")).ok().flatten();
    query.is_some_and(|query| query.matches())
}
