//! What computes, and how fast.

use leptos::prelude::*;

use crate::state::App;

/// Adapter, time per step, tokens per second, memory.
#[component]
pub(super) fn Status() -> impl IntoView {
    let app = App::get();
    let size = move || {
        app.info.get().map(|info| {
            let parameters = match info.parameters {
                n @ ..1_000_000 => format!("{} thousand", (n + 500) / 1_000),
                n => format!("{:.1} M", n as f64 * 1e-6),
            };
            format!("{parameters} parameters, {} layers of {}", info.layers, info.width)
        })
    };
    let speed = move || {
        let speed = app.speed.get();
        (speed.ms > 0.0).then(|| duration(speed.ms))
    };
    let tokens = move || {
        let speed = app.speed.get();
        let (tokens, steps) =
            app.with_shown(|branch, _| (branch.trace.generated(), branch.trace.steps))?;
        let rate = tokens as f64 / (f64::from(steps) * speed.ms * 1e-3);
        (speed.ms > 0.0).then(|| match rate {
            ..10.0 => format!("{rate:.1}"),
            _ => format!("{rate:.0}"),
        })
    };
    let memory = move || {
        let memory = app.speed.get().memory;
        let mega = memory as f64 * 1e-6;
        (memory > 0).then(|| match mega {
            ..10.0 => format!("{mega:.1} MB"),
            _ => format!("{mega:.0} MB"),
        })
    };
    let row = |name: &'static str, value: Option<String>| {
        value.map(|value| view! { <div><dt class="label">{name}</dt><dd class="number">{value}</dd></div> })
    };
    view! {
        <Show when=move || app.info.get().is_some()>
        <section class="panel status" aria-label="The machine">
            <dl>
                {move || row("Runs on", app.info.get().map(|info| info.adapter.clone()))}
                {move || row("Model", size())}
                {move || row("Time per step", speed())}
                {move || row("Tokens per second", tokens())}
                {move || row("Memory in use", memory())}
            </dl>
        </section>
        </Show>
    }
}

/// Explains why generation is slow on the CPU, and what would help.
#[component]
pub(super) fn Slow() -> impl IntoView {
    let app = App::get();
    // Expected time per step on the CPU, from the measurement at load time.
    let expected = move || {
        let token_ms = app.info.get()?.token_ms?;
        let block = app.info.get()?.block_size;
        let (length, letters) =
            app.request.with(|request| (request.length, request.prompt.chars().count()));
        // A token has about four characters.
        let tokens = (length + letters as u32 / 4).min(block);
        Some(duration(token_ms * f64::from(tokens)))
    };
    view! {
        <Show when=move || expected().is_some()>
            <div class="slow">
                <p>
                    {move || if app.webgpu.get() {
                        "The model runs on the CPU"
                    } else {
                        "This browser has no WebGPU, so the model runs on the CPU"
                    }}
                    ": expect about " <span class="number">{expected}</span>
                    " a step for a text of this length. "
                    <Show when=move || !app.webgpu.get()>
                        "Chrome and Edge from 113 on, Safari from 26 and Firefox from 141 have WebGPU."
                    </Show>
                </p>
                <Show when=move || app.webgpu.get()>
                    <button class="small" on:click=move |_| app.retry()>"Use the GPU"</button>
                </Show>
            </div>
        </Show>
    }
}

fn duration(ms: f64) -> String {
    match ms {
        ..10.0 => format!("{ms:.1} ms"),
        ..1_000.0 => format!("{ms:.0} ms"),
        _ => format!("{:.1} s", ms * 1e-3),
    }
}
