//! How to write: length, steps, sampler, randomness.

use leptos::prelude::*;

use crate::protocol::{Request, SamplerKind};
use crate::state::App;

/// The controls.
#[component]
pub(super) fn Settings() -> impl IntoView {
    let app = App::get();
    let request = app.request;
    let most_steps = move || app.info.get().map_or(100, |info| info.timesteps);
    let most_length = move || app.info.get().map_or(256, |info| info.block_size);
    view! {
        <section class="panel settings" aria-labelledby="settings-title">
            <h2 id="settings-title">"How to write"</h2>
            <Slider
                label="Length" unit="tokens" least="only the gaps" min=0.0 max=Signal::derive(move || most_length().into()) step=1.0
                value=Signal::derive(move || request.with(|r| r.length.into()))
                set=move |value: f64| request.update(|r| r.length = value as u32)
            />
            <Slider
                label="Steps" unit="" min=1.0 max=Signal::derive(move || most_steps().into()) step=1.0
                value=Signal::derive(move || request.with(|r| r.steps.into()))
                set=move |value: f64| request.update(|r| r.steps = value as u32)
            />
            <Slider
                label="Temperature" unit="" min=0.0 max=Signal::derive(|| 1.5) step=0.05
                value=Signal::derive(move || request.with(|r| (f64::from(r.temperature) * 100.0).round() / 100.0))
                set=move |value: f64| request.update(|r| r.temperature = value as f32)
            />
            <div class="pair">
                <label class="control">
                    <span class="label">"Top-k"</span>
                    <input
                        class="field number" type="number" min="1" step="1" inputmode="numeric" placeholder="all"
                        prop:value=move || request.with(|r| r.top_k.map_or(String::new(), |k| k.to_string()))
                        on:change=move |event| {
                            let k = event_target_value(&event).parse().ok().filter(|&k: &u32| k > 0);
                            request.update(|r| r.top_k = k);
                        }
                    />
                </label>
                <label class="control">
                    <span class="label">"Top-p"</span>
                    <input
                        class="field number" type="number" min="0.05" max="1" step="0.05" inputmode="decimal" placeholder="all"
                        prop:value=move || request.with(|r| r.top_p.map_or(String::new(), |p| p.to_string()))
                        on:change=move |event| {
                            let p = event_target_value(&event).parse().ok();
                            request.update(|r| r.top_p = p.filter(|&p: &f32| p > 0.0 && p < 1.0));
                        }
                    />
                </label>
            </div>
            <label class="control">
                <span class="label">"Sampler"</span>
                <select
                    class="field"
                    on:change=move |event| {
                        let name = event_target_value(&event);
                        let chosen = SamplerKind::from_name(&name);
                        request.update(|r| r.sampler = chosen.unwrap_or_default());
                    }
                >
                    {SamplerKind::ALL
                        .map(|sampler| {
                            view! {
                                <option
                                    value=sampler.name()
                                    selected=move || request.with(|r: &Request| r.sampler == sampler)
                                >
                                    {sampler.name()}
                                </option>
                            }
                        })
                        .collect_view()}
                </select>
                <span class="note">{move || request.with(|r| r.sampler.about())}</span>
            </label>
            <div class="control">
                <label class="label" for="seed">"Seed"</label>
                <div class="joined">
                    <input
                        id="seed" class="field number" type="number" min="0" step="1" inputmode="numeric"
                        prop:value=move || request.with(|r| r.seed.to_string())
                        on:change=move |event| {
                            if let Ok(seed) = event_target_value(&event).parse() {
                                request.update(|r| r.seed = seed);
                            }
                        }
                    />
                    <button
                        class="small dice" type="button" aria-label="Another seed" title="Another seed"
                        on:click=move |_| request.update(|r| r.seed = throw())
                    >
                        <svg viewBox="0 0 20 20" aria-hidden="true">
                            <rect x="2.5" y="2.5" width="15" height="15" rx="3.5"></rect>
                            <circle cx="6.6" cy="6.6" r="1.4"></circle>
                            <circle cx="13.4" cy="13.4" r="1.4"></circle>
                            <circle cx="10" cy="10" r="1.4"></circle>
                            <circle cx="13.4" cy="6.6" r="1.4"></circle>
                            <circle cx="6.6" cy="13.4" r="1.4"></circle>
                        </svg>
                    </button>
                </div>
            </div>
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=move || request.with(|r| r.stop_at_end)
                    on:change=move |event| {
                        let on = event_target_checked(&event);
                        request.update(|r| r.stop_at_end = on);
                    }
                />
                <span>"Stop at the end of the text"</span>
            </label>
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=move || app.show_confidence.get()
                    on:change=move |event| app.show_confidence.set(event_target_checked(&event))
                />
                <span>"Show confidence as colour"</span>
            </label>
        </section>
    }
}

/// A seed of at most six digits, easy to read out.
fn throw() -> u64 {
    (js_sys::Math::random() * 1e6) as u64
}

/// A slider with its value.
#[component]
fn Slider(
    label: &'static str,
    unit: &'static str,
    /// Label of the smallest value, if it is not shown as a number.
    #[prop(optional)]
    least: Option<&'static str>,
    min: f64,
    max: Signal<f64>,
    step: f64,
    value: Signal<f64>,
    set: impl Fn(f64) + 'static,
) -> impl IntoView {
    view! {
        <label class="control slider">
            <span class="label">{label}</span>
            <output class="number">
                {move || match least.filter(|_| value.get() <= min) {
                    Some(least) => least.to_owned(),
                    None => format!("{} {unit}", value.get()),
                }}
            </output>
            <input
                type="range" min=min step=step
                max=move || max.get()
                prop:value=move || value.get()
                on:input=move |event| {
                    if let Ok(value) = event_target_value(&event).parse() {
                        set(value);
                    }
                }
            />
        </label>
    }
}
