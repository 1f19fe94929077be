//! The page header: name, writing or training, and model menu.

use leptos::prelude::*;
use web_sys::MouseEvent;

use crate::protocol::Plan;
use crate::state::App;

/// The page header.
#[component]
pub(super) fn Header() -> impl IntoView {
    let app = App::get();
    let chosen = move || app.chosen.get();
    let dropped =
        move || app.info.get().filter(|info| info.id.is_none()).map(|info| info.name.clone());
    let choose = move |event| {
        let id = event_target_value(&event);
        let entry =
            app.models.with_untracked(|all| all.iter().find(|entry| entry.id == id).cloned());
        if let Some(entry) = entry {
            app.load_listed(entry);
        }
    };
    view! {
        <header class="head">
            <h1>
                <a
                    class="wordmark"
                    href="./"
                    title="To the first view and its examples"
                    on:click=move |event| {
                        if is_plain(&event) {
                            event.prevent_default();
                            app.go_home();
                        }
                    }
                >
                    <span class="seal" aria-hidden="true"></span>
                    "Cinnabar"
                </a>
            </h1>
            <nav class="modes" aria-label="What to do">
                <a
                    class="mode" href="./"
                    aria-current=move || (!app.training.open.get()).then_some("page")
                    on:click=move |event| {
                        if is_plain(&event) {
                            event.prevent_default();
                            app.leave_training();
                        }
                    }
                >
                    "Write"
                </a>
                <a
                    class="mode" href=move || format!("#{}", app.training.plan.with(Plan::fragment))
                    aria-current=move || app.training.open.get().then_some("page")
                    on:click=move |event| {
                        if is_plain(&event) {
                            event.prevent_default();
                            app.open_training();
                        }
                    }
                >
                    "Train"
                </a>
            </nav>
            <p class="tagline">"A language model that writes all words at once."</p>
            <Show when=move || app.models.with(|all| !all.is_empty()) || dropped().is_some()>
                <label class="model">
                    <span class="label">"Model"</span>
                    <select class="field" on:change=choose prop:value=chosen>
                        {move || {
                            chosen()
                                .is_empty()
                                .then(|| view! { <option value="">{dropped().unwrap_or("A model of your own".into())}</option> })
                        }}
                        <For
                            each=move || app.models.get()
                            key=|entry| entry.id.clone()
                            children=move |entry| {
                                let id = entry.id.clone();
                                view! {
                                    <option value=entry.id selected=move || chosen() == id>
                                        {entry.name}
                                    </option>
                                }
                            }
                        />
                    </select>
                </label>
            </Show>
        </header>
    }
}

/// Whether a link is to be followed in this tab, and not in another.
fn is_plain(event: &MouseEvent) -> bool {
    !event.ctrl_key() && !event.meta_key() && !event.shift_key()
}
