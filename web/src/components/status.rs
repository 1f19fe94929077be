//! What computes, and how fast.

use leptos::prelude::*;

use crate::state::App;

/// Adapter, time per step, tokens per second, memory.
#[component]
pub(super) fn Status() -> impl IntoView {
    let app = App::get();
    let size = move || {
        app.info.get().map(|info| {
            let millions = info.parameters as f64 * 1e-6;
            format!("{millions:.1} M parameters, {} layers of {}", info.layers, info.width)
        })
    };
    let speed = move || {
        let speed = app.speed.get();
        (speed.ms > 0.0).then(|| format!("{:.1} ms", speed.ms))
    };
    let tokens = move || {
        let speed = app.speed.get();
        let (tokens, steps) =
            app.with_shown(|branch, _| (branch.trace.generated(), branch.trace.steps))?;
        (speed.ms > 0.0)
            .then(|| format!("{:.0}", tokens as f64 / (f64::from(steps) * speed.ms * 1e-3)))
    };
    let memory = move || {
        let memory = app.speed.get().memory;
        (memory > 0).then(|| format!("{:.0} MB", memory as f64 * 1e-6))
    };
    let row = |name: &'static str, value: Option<String>| {
        value.map(|value| view! { <div><dt class="label">{name}</dt><dd class="number">{value}</dd></div> })
    };
    view! {
        <section class="panel status" aria-label="The machine">
            <Show when=move || app.info.get().is_some_and(|info| !info.gpu)>
                <p class="note slow">
                    "This browser has no WebGPU, so the model runs on the CPU, slower. Chrome and Edge "
                    "from 113 on, Safari from 26 and Firefox from 141 have it."
                </p>
            </Show>
            <dl>
                {move || row("Runs on", app.info.get().map(|info| info.adapter.clone()))}
                {move || row("Model", size())}
                {move || row("Time per step", speed())}
                {move || row("Tokens per second", tokens())}
                {move || row("Memory in use", memory())}
            </dl>
        </section>
    }
}
