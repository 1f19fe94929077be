//! What computes, and how fast.

use leptos::prelude::*;

use super::reader::DocumentLink;
use crate::protocol::OnCpu;
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
        let rate = app.with_shown(|branch, _| {
            let (trace, last) = (&branch.trace, branch.last());
            let written = trace.generated().saturating_sub(trace.masks(last));
            Some(written as f32 / *branch.seconds.last().filter(|&&seconds| seconds > 0.0)?)
        });
        rate.flatten().map(|rate| match rate {
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
            {move || app.listed_model().map(|entry| view! {
                <p class="note">
                    {entry.about.clone()} " "
                    <DocumentLink file=entry.model_card() text="Model card" />
                </p>
            })}
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

/// Explains why the model runs on the CPU, and what would help.
#[component]
pub(super) fn Slow() -> impl IntoView {
    let app = App::get();
    // Expected time per step, from the measurement at load time.
    let expected = move || {
        let info = app.info.get()?;
        let (length, letters) =
            app.request.with(|request| (request.length, request.prompt.chars().count()));
        let tokens = match info.objective.shifts() {
            true => 1,
            // A token has about four characters.
            false => (length + letters as u32 / 4).min(info.block_size),
        };
        Some(duration(info.token_ms? * f64::from(tokens)))
    };
    let reason = Memo::new(move |_| app.info.get().and_then(|info| info.on_cpu.clone()));
    let has_gpu =
        move || reason.with(|reason| matches!(reason, Some(OnCpu::Chosen | OnCpu::Quicker { .. })));
    view! {
        <Show when=move || reason.with(Option::is_some)>
            <div class="slow">
                <p>
                    {move || reason.get().as_ref().map(why)}
                    " A step of a text of this length takes about "
                    <span class="number">{expected}</span> ". "
                    {move || reason.get().as_ref().map(remedy)}
                </p>
                <Show when=has_gpu>
                    <button class="small" on:click=move |_| app.retry_on_gpu()>"Use the GPU"</button>
                </Show>
            </div>
        </Show>
    }
}

pub(super) fn why(reason: &OnCpu) -> String {
    match reason {
        OnCpu::Chosen => "The model runs on the CPU.".into(),
        OnCpu::Insecure => "The model runs on the CPU: browsers give WebGPU only to pages that \
                            come by https, or from this computer."
            .into(),
        OnCpu::NoWebGpu => "The model runs on the CPU, because this browser has no WebGPU.".into(),
        OnCpu::NoAdapter => "The model runs on the CPU: this browser has WebGPU, but no GPU that \
                             it would use."
            .into(),
        OnCpu::Wrong { adapter } => format!(
            "The model runs on the CPU: {adapter} computes it wrongly, as a check with a known \
             result has shown."
        ),
        OnCpu::Quicker { adapter, gpu_ms, cpu_ms } => format!(
            "The model runs on the CPU, which is quicker here: {} for a short step, against {} \
             on {adapter}.",
            duration(*cpu_ms),
            duration(*gpu_ms)
        ),
    }
}

fn remedy(reason: &OnCpu) -> &'static str {
    match reason {
        OnCpu::Chosen | OnCpu::Quicker { .. } => "",
        OnCpu::Wrong { .. } => "A newer browser or graphics driver may help.",
        OnCpu::Insecure => "Open the page by its https address to use the GPU.",
        OnCpu::NoWebGpu => {
            "Chrome and Edge from 113 on, Safari from 26 and Firefox from 141 have it on most systems."
        }
        OnCpu::NoAdapter => {
            "Hardware acceleration may be switched off in the browser's settings, or the driver too old."
        }
    }
}

fn duration(ms: f64) -> String {
    match ms {
        ..10.0 => format!("{ms:.1} ms"),
        ..1_000.0 => format!("{ms:.0} ms"),
        _ => format!("{:.1} s", ms * 1e-3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_names_its_cause() {
        let quicker = OnCpu::Quicker { adapter: "SwiftShader".into(), gpu_ms: 820.0, cpu_ms: 31.4 };
        for (reason, cause) in [
            (OnCpu::Insecure, "https"),
            (OnCpu::NoWebGpu, "no WebGPU"),
            (OnCpu::NoAdapter, "no GPU"),
            (OnCpu::Wrong { adapter: "GeForce".into() }, "GeForce computes it wrongly"),
            (quicker, "31 ms for a short step, against 820 ms on SwiftShader"),
        ] {
            assert!(why(&reason).contains(cause), "{}", why(&reason));
        }
    }
}
