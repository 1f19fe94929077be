//! Loading progress: download and, at the same time, shader compilation.

use leptos::prelude::*;

use crate::protocol::Stage;
use crate::state::{App, EngineState};

/// Label and fraction of a progress bar.
type Row = (String, Option<f64>);

/// Progress bars for the download and for the device, while they are active.
#[component]
pub(super) fn Loading() -> impl IntoView {
    let app = App::get();
    let rows = Memo::new(move |_| match app.engine.get() {
        EngineState::Starting => [Some(("Starting the engine".to_owned(), None)), None],
        EngineState::Loading(loading) => {
            [loading.files, loading.device].map(|stage| stage.as_ref().map(describe))
        }
        EngineState::Ready | EngineState::Failed => [None, None],
    });
    view! {
        <Show when=move || rows.with(|rows| rows.iter().any(Option::is_some))>
            <div class="loading">
                <Bar row=Memo::new(move |_| rows.get()[0].clone()) label="Files of the model" />
                <Bar row=Memo::new(move |_| rows.get()[1].clone()) label="The device" />
            </div>
        </Show>
        <Show when=move || app.engine.get() == EngineState::Failed && app.fault.with(Option::is_none)>
            <p class="unloaded">
                <span>"No model is loaded, so nothing can be written."</span>
                <button class="small" type="button" on:click=move |_| app.retry()>"Load it again"</button>
            </p>
        </Show>
    }
}

#[component]
fn Bar(row: Memo<Option<Row>>, label: &'static str) -> impl IntoView {
    let share = move || row.get().and_then(|(_, share)| share);
    view! {
        <Show when=move || row.with(Option::is_some)>
            <div class="load">
                <progress
                    class="progress"
                    class:unknown=move || share().is_none()
                    aria-label=label
                    max="1"
                    prop:value=move || share().unwrap_or(0.0)
                ></progress>
                <p class="note number">{move || row.get().map(|(text, _)| text)}</p>
            </div>
        </Show>
    }
}

fn describe(stage: &Stage) -> Row {
    let share = |done: u64, total: u64| Some(done as f64 / total.max(1) as f64);
    match stage {
        Stage::Server => ("Waiting for the server".into(), None),
        Stage::Adapter => ("Looking for the GPU".into(), None),
        Stage::Download { received, total, cached } => {
            let mega = |bytes: u64| bytes as f64 * 1e-6;
            let from = if *cached { "Model from the cache" } else { "Downloading the model" };
            match total {
                Some(total) => (
                    format!("{from}: {:.1} of {:.1} MB", mega(*received), mega(*total)),
                    share(*received, *total),
                ),
                None => (format!("{from}: {:.1} MB", mega(*received)), None),
            }
        }
        Stage::Cpu => ("The CPU will compute".into(), Some(1.0)),
        Stage::Weights => ("Checking the model".into(), Some(1.0)),
        Stage::Timing => ("Timing a step, to choose between GPU and CPU".into(), None),
        Stage::Shaders { done, total } if done == total => ("The GPU is ready".into(), Some(1.0)),
        Stage::Shaders { done, total } => (
            format!("Preparing the GPU: {} of {total}", done + 1),
            share((*done).into(), (*total).into()),
        ),
    }
}
