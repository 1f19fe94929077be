//! Everything else that can be set, with the keys of the configuration files.

use leptos::prelude::*;

use crate::protocol::{Compute, Plan};
use crate::state::App;
use crate::state::training::{Key, Section, value};

/// What can compute.
const DEVICES: [(&str, &str, Compute); 3] = [
    ("auto", "whatever is quicker", Compute::Auto),
    ("gpu", "the GPU", Compute::Gpu),
    ("cpu", "the CPU", Compute::Cpu),
];

/// All keys, folded away.
#[component]
pub(super) fn Keys() -> impl IntoView {
    let app = App::get();
    let training = app.training;
    let unfolded = RwSignal::new(false);
    let keys = training.keys();
    let name = Memo::new(move |_| training.plan.with(|plan| plan.preset.clone()));
    let sections = move || {
        name.track();
        training.plan.with_untracked(Plan::sections)
    };
    view! {
        <section class="panel">
            <details class="advanced" on:toggle=move |event| {
                let details: web_sys::Element = event_target(&event);
                unfolded.set(details.has_attribute("open"));
            }>
                <summary>"More"</summary>
                <div class="advanced-body">
                    <p class="note">
                        "The keys of configs/*.toml, with the values and reasons of this size. Once the "
                        "training has begun, those that make it what it is are fixed."
                    </p>
                    <label class="control">
                        <span class="label">"Runs on"</span>
                        <select
                            class="field"
                            disabled=move || training.begun()
                            on:change=move |event| app.train_with(match event_target_value(&event).as_str() {
                                "gpu" => Compute::Gpu,
                                "cpu" => Compute::Cpu,
                                _ => Compute::Auto,
                            })
                        >
                            {DEVICES.map(|(id, name, compute)| view! {
                                <option value=id selected=move || training.compute.get() == compute>{name}</option>
                            })}
                        </select>
                    </label>
                    <Show when=move || unfolded.get()>
                        {move || sections().into_iter().map(|section| view! { <Group section=section keys=keys /> }).collect_view()}
                    </Show>
                </div>
            </details>
        </section>
    }
}

/// The keys of a section.
#[component]
fn Group(section: Section, keys: Memo<Vec<Section>>) -> impl IntoView {
    let app = App::get();
    let training = app.training;
    view! {
        <fieldset class="settings">
            <legend class="label"><code>{format!("[{}]", section.name)}</code></legend>
            {section.keys.into_iter().map(|Key { key, name, value: usual, reason }| {
                let id = key.clone();
                let shown = move || {
                    training.fault.track(); // the field forgets what was refused
                    keys.with(|keys| value(keys, &id))
                };
                view! {
                    <label class="setting">
                        <code>{name}</code>
                        <input
                            class="field number" spellcheck="false" autocapitalize="off"
                            prop:value=shown
                            on:change=move |event| {
                                let value = event_target_value(&event).trim().to_owned();
                                app.set_keys(&[(&key, value, &usual)]);
                            }
                        />
                        <span class="note">{reason}</span>
                    </label>
                }
            }).collect_view()}
        </fieldset>
    }
}
