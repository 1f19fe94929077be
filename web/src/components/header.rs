//! The page header: name, writing or training, and model menu.

use leptos::prelude::*;
use web_sys::MouseEvent;

use crate::protocol::{ModelEntry, Objective, Plan};
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
            <p class="tagline">
                {move || match app.fills_no_gaps() {
                    false => "A language model that writes all words at once.",
                    true => "A language model that writes one word after the other.",
                }}
            </p>
            <Show when=move || app.models.with(|all| !all.is_empty()) || dropped().is_some()>
                <label class="model">
                    <span class="label">"Model"</span>
                    <select class="field" on:change=choose prop:value=chosen>
                        {move || {
                            chosen()
                                .is_empty()
                                .then(|| view! { <option value="">{dropped().unwrap_or("A model of your own".into())}</option> })
                        }}
                        {move || app.models.with(|models| kinds(models).map(|(kind, models)| {
                            let options = models.into_iter().map(|entry| {
                                let (id, name) = (entry.id.clone(), entry.name.clone());
                                view! {
                                    <option value=entry.id.clone() selected=move || chosen() == id>{name}</option>
                                }
                            });
                            let options = options.collect_view();
                            match kind {
                                Some(kind) => view! { <optgroup label=kind>{options}</optgroup> }.into_any(),
                                None => options.into_any(),
                            }
                        }))}
                    </select>
                </label>
            </Show>
        </header>
    }
}

/// The models by how they write, under a heading each; without one where all write alike.
fn kinds(models: &[ModelEntry]) -> [(Option<&'static str>, Vec<&ModelEntry>); 2] {
    let serial = |entry: &&ModelEntry| entry.objective.is_some_and(Objective::shifts);
    let (serial, free): (Vec<_>, Vec<_>) = models.iter().partition(serial);
    let both = !serial.is_empty() && !free.is_empty();
    [
        (both.then_some("All words at once"), free),
        (both.then_some("One word after the other"), serial),
    ]
}

/// Whether a link is to be followed in this tab, and not in another.
fn is_plain(event: &MouseEvent) -> bool {
    !event.ctrl_key() && !event.meta_key() && !event.shift_key()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_listed_by_how_they_write() {
        let entry =
            |id: &str, objective| ModelEntry { id: id.into(), objective, ..ModelEntry::default() };
        let (own, free, serial) = (
            entry("own", None),
            entry("free", Some(Objective::Masked)),
            entry("serial", Some(Objective::Autoregressive)),
        );
        let all = [serial.clone(), own.clone(), free.clone()];
        let found = kinds(&all).map(|(kind, models)| (kind.is_some(), models));
        assert_eq!(found, [(true, vec![&own, &free]), (true, vec![&serial])]);
        let alike = [own, free];
        assert!(kinds(&alike).iter().all(|(kind, _)| kind.is_none()));
        assert!(kinds(&[serial]).iter().all(|(kind, _)| kind.is_none()));
    }
}
