//! A training in the browser's storage: going on with it, or removing it.

use leptos::prelude::*;

use super::text::grouped;
use crate::protocol::Compute;
use crate::state::App;
use crate::state::training::Phase;

/// The offer to go on with what is stored, and the way back to the choice.
#[component]
pub(super) fn Kept() -> impl IntoView {
    let app = App::get();
    let training = app.training;
    let asked = RwSignal::new(false);
    let ended = move || training.phase.with(|phase| *phase == Phase::Ended);
    let offered = move || {
        let elsewhere = ended() || !(training.begun() || training.going());
        training.kept.get().filter(|kept| elsewhere && kept.step > 0)
    };
    view! {
        {move || offered().map(|kept| {
            let loss = kept.validation_loss.map(|loss| format!(", with a loss of {loss:.2}")).unwrap_or_default();
            view! {
                <div class="notice kept">
                    <p>
                        {format!(
                            "A training is stored in this browser: step {} of {}{loss}.",
                            grouped(kept.step.into()), grouped(kept.steps.into())
                        )}
                    </p>
                    <div class="notice-actions">
                        <button class="small" on:click=move |_| app.restore_training(training.compute.get_untracked())>"Go on with it"</button>
                        <Show when=ended>
                            <button class="small" on:click=move |_| app.restore_training(Compute::Cpu)>"Go on with it on the CPU"</button>
                        </Show>
                        <button class="small" on:click=move |_| app.forget_training()>"Remove it"</button>
                    </div>
                </div>
            }
        })}
        <Show when=move || training.begun() && !training.going()>
            <div class="anew">
                <Show
                    when=move || asked.get()
                    fallback=move || view! {
                        <button class="link" type="button" on:click=move |_| asked.set(true)>"Another training"</button>
                    }
                >
                    <p class="note">
                        "The first steps of another training take the place of this one in the browser's storage. \
                         Save the checkpoint first if you want to keep it."
                    </p>
                    <div class="notice-actions">
                        <button class="small" type="button" on:click=move |_| {
                            asked.set(false);
                            app.new_training();
                        }>"Choose another"</button>
                        <button class="small" type="button" on:click=move |_| asked.set(false)>"Stay"</button>
                    </div>
                </Show>
            </div>
        </Show>
    }
}
