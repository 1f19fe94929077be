//! Taking a training along: its checkpoint, the model alone, a link.

use leptos::prelude::*;

use super::super::keep::copy;
use crate::protocol::TakeAs;
use crate::state::App;

/// Files and link of the training.
#[component]
pub(super) fn Take() -> impl IntoView {
    let app = App::get();
    let training = app.training;
    let busy = move || training.taking.get();
    view! {
        <section class="panel" aria-labelledby="take-title">
            <h2 id="take-title">"Take it along"</h2>
            <div class="tools">
                <button class="small" type="button" disabled=busy on:click=move |_| app.take_training(TakeAs::Checkpoint)>
                    "Save checkpoint"
                </button>
                <button class="small" type="button" disabled=busy on:click=move |_| app.take_training(TakeAs::Model)>
                    "Save model"
                </button>
                {move || app.training_address().map(|address| view! {
                    <button class="small" type="button" on:click=move |_| copy(app, address.clone(), "The link is copied.")>
                        "Copy link"
                    </button>
                })}
            </div>
            <p class="note">
                "The checkpoint is a .zip with everything: drop it on this page to go on, or unpack it and run "
                <code>"trainer train --resume --out FOLDER"</code>
                ". The link holds text, size and settings: who opens it trains the same model."
            </p>
        </section>
    }
}
