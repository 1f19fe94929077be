//! The error message, with the actions that may help.

use leptos::prelude::*;

use crate::protocol::FaultKind;
use crate::state::App;

/// The last fault, until it is dismissed.
#[component]
pub(super) fn Notice() -> impl IntoView {
    let app = App::get();
    view! {
        {move || {
            app.fault
                .get()
                .map(|fault| {
                    let kind = fault.kind;
                    let again = app.can_retry()
                        && !matches!(kind, FaultKind::Request | FaultKind::DeviceTooSmall);
                    let cpu = !matches!(kind, FaultKind::Request | FaultKind::Model);
                    view! {
                        <div class="notice" role="alert">
                            <p>{fault.message}</p>
                            <div class="notice-actions">
                                {again.then(|| view! { <button class="small" on:click=move |_| app.retry()>"Try again"</button> })}
                                {cpu.then(|| view! { <button class="small" on:click=move |_| app.retry_on_cpu()>"Continue on the CPU"</button> })}
                                <button class="small" on:click=move |_| app.fault.set(None)>"Dismiss"</button>
                            </div>
                        </div>
                    }
                })
        }}
    }
}
