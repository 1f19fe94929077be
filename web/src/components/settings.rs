//! Settings: length, temperature, steps, and more of them folded away.

use leptos::prelude::*;

use crate::protocol::{self, Objective, Request, SamplerKind};
use crate::samplers;
use crate::state::App;

/// The controls.
#[component]
pub(super) fn Settings() -> impl IntoView {
    let app = App::get();
    let request = app.request;
    let most_steps = Signal::derive(move || app.info.get().map_or(100, |info| info.timesteps));
    let most_length = Signal::derive(move || app.info.get().map_or(256, |info| info.block_size));
    let adaptive = Memo::new(move |_| {
        request.with(|request| request.sampler.adaptive()) || app.fills_no_gaps()
    });
    let changed = Memo::new(move |_| request.with(|request| is_changed(request, app.defaults())));
    view! {
        <section class="panel settings" aria-labelledby="settings-title">
            <h2 id="settings-title">"Settings"</h2>
            <Slider
                label="Length" unit="tokens" least="only the gaps" min=0.0 max=Signal::derive(move || most_length.get().into()) step=1.0
                value=Signal::derive(move || request.with(|r| r.length.min(most_length.get()).into()))
                set=move |value: f64| app.change(|r| r.length = value as u32)
            />
            <Slider
                label="Temperature" unit="" hint="0: always the likeliest word; more: bolder" min=0.0 max=Signal::derive(|| 1.5) step=0.05
                value=Signal::derive(move || request.with(|r| (f64::from(r.temperature) * 100.0).round() / 100.0))
                set=move |value: f64| app.change(|r| r.temperature = value as f32)
            />
            <Show
                when=move || !adaptive.get()
                fallback=|| view! { <p class="note">"This sampler takes as many steps as the text needs."</p> }
            >
            <Slider
                label="Steps" unit="" hint="Fewer are faster and rougher" min=1.0 max=Signal::derive(move || most_steps.get().into()) step=1.0
                value=Signal::derive(move || request.with(|r| r.steps.min(most_steps.get()).into()))
                set=move |value: f64| app.change(|r| r.steps = value as u32)
            />
            </Show>
            <details class="advanced">
                <summary>"Advanced"</summary>
                <div class="advanced-body">
                    <Sampler />
                    <Cuts />
                    <Seed />
                    <label class="check">
                        <input
                            type="checkbox"
                            prop:checked=move || request.with(|r| r.stop_at_end)
                            on:change=move |event| {
                                let on = event_target_checked(&event);
                                app.change(|r| r.stop_at_end = on);
                            }
                        />
                        <span>"Let the text end early"</span>
                    </label>
                </div>
            </details>
            <Show when=move || changed.get()>
                <button class="small reset" type="button" on:click=move |_| app.reset_settings()>
                    "Reset the settings"
                </button>
            </Show>
        </section>
    }
}

/// Whether anything but the prompt differs from the defaults.
fn is_changed(request: &Request, defaults: Request) -> bool {
    *request != Request { prompt: request.prompt.clone(), ..defaults }
}

/// The samplers that a model of this objective can write with: its own and the one in use, if no
/// preset, and the presets.
fn offered(
    chosen: protocol::Sampler,
    own: protocol::Sampler,
    objective: Objective,
) -> Vec<protocol::Sampler> {
    let presets = SamplerKind::ALL.map(Into::into);
    let mut others = vec![own, chosen];
    others.dedup();
    others.retain(|sampler| !presets.contains(sampler));
    others.extend(presets);
    others.retain(|sampler| sampler.suits(objective));
    others
}

/// Which words wait, and which stay.
#[component]
fn Sampler() -> impl IntoView {
    let app = App::get();
    let chosen = Memo::new(move |_| app.request.with(|request| request.sampler));
    // The list is made anew for another model or sampler alone, not for every letter of the prompt.
    let offered =
        Memo::new(move |_| offered(chosen.get(), app.defaults().sampler, app.objective()));
    view! {
        <label class="control">
            <span class="label">"Sampler: which words come first"</span>
            <select
                class="field"
                on:change=move |event| {
                    let sampler = event_target_value(&event).parse().unwrap_or_default();
                    app.change(|r| r.sampler = sampler);
                }
            >
                {move || {
                    offered
                        .get()
                        .into_iter()
                        .map(|sampler| {
                            let title = samplers::words(sampler).title;
                            let name = sampler.to_string();
                            view! {
                                <option value=name.clone() selected=move || chosen.get() == sampler>
                                    {format!("{title} ({name})")}
                                </option>
                            }
                        })
                        .collect_view()
                }}
            </select>
            <span class="note">{move || samplers::words(chosen.get()).about}</span>
        </label>
    }
}

/// Top-k and top-p.
#[component]
fn Cuts() -> impl IntoView {
    let app = App::get();
    let request = app.request;
    view! {
        <div class="control">
            <div class="pair">
                <label class="control">
                    <span class="label">"Top-k"</span>
                    <input
                        class="field number" type="number" min="1" step="1" inputmode="numeric" placeholder="all"
                        prop:value=move || request.with(|r| r.top_k.map_or(String::new(), |k| k.to_string()))
                        on:change=move |event| {
                            let k = event_target_value(&event).parse().ok().filter(|&k: &u32| k > 0);
                            app.change(|r| r.top_k = k);
                        }
                    />
                </label>
                <label class="control">
                    <span class="label">"Top-p"</span>
                    <input
                        class="field number" type="number" min="0.05" max="1" step="0.05" inputmode="decimal" placeholder="all"
                        prop:value=move || request.with(|r| r.top_p.map_or(String::new(), |p| p.to_string()))
                        on:change=move |event| {
                            let p: Option<f32> = event_target_value(&event).parse().ok();
                            app.change(|r| r.top_p = p.filter(|&p| p > 0.0 && p < 1.0));
                        }
                    />
                </label>
            </div>
            <span class="note">
                "Choose only among the k likeliest words, or among those that together reach the probability p."
            </span>
        </div>
    }
}

/// The seed of the random draws.
#[component]
fn Seed() -> impl IntoView {
    let app = App::get();
    view! {
        <div class="control">
            <label class="label" for="seed">"Seed: the same seed gives the same text"</label>
            <div class="joined">
                <input
                    id="seed" class="field number" type="number" min="0" step="1" inputmode="numeric"
                    prop:value=move || app.request.with(|r| r.seed.to_string())
                    on:change=move |event| {
                        if let Ok(seed) = event_target_value(&event).parse() {
                            app.change(|r| r.seed = seed);
                        }
                    }
                />
                <button
                    class="small dice" type="button" aria-label="Another seed" title="Another seed"
                    on:click=move |_| {
                        let seed = throw();
                        app.change(|r| r.seed = seed);
                    }
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
    /// What it is good for.
    #[prop(optional)]
    hint: Option<&'static str>,
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
            {hint.map(|hint| view! { <span class="note">{hint}</span> })}
        </label>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_offered_what_it_can_do() {
        let corrects: protocol::Sampler = "ancestral+targeted:0.02:4".parse().expect("a sampler");
        let serial = SamplerKind::LeftToRight.into();
        let masked = offered(corrects, corrects, Objective::Masked);
        // All presets but the one that writes from random words, and the model's own.
        assert_eq!((masked.len(), masked[0]), (SamplerKind::ALL.len(), corrects));
        let noise = SamplerKind::Uniform.into();
        assert!(masked.contains(&serial) && !masked.contains(&noise));
        assert_eq!(offered(corrects, noise, Objective::Uniform), [noise]);
        assert_eq!(offered(corrects, serial, Objective::Autoregressive), [serial]);
    }
}
