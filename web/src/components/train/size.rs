//! How large the model is, and how long it trains.

use leptos::prelude::*;

use super::super::status::why;
use super::progress::{count, spell};
use super::text::grouped;
use crate::state::App;
use crate::state::training::{Phase, SIZES};

/// Fewest and most steps that the slider offers, as shares of the preset's.
const SHARES: [f64; 7] = [0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0];

/// The choice of size and length, with the time that it takes.
#[component]
pub(super) fn Size() -> impl IntoView {
    let app = App::get();
    let training = app.training;
    let chosen = Memo::new(move |_| training.plan.with(|plan| plan.preset.clone()));
    let parameters = move || training.info.with(|info| info.as_ref().map(|info| info.parameters));
    let usual = Memo::new(move |_| {
        training.plan.with(|plan| plan.usual("train.steps").parse().unwrap_or(1u32))
    });
    let steps = Memo::new(move |_| training.plan.with(|plan| plan.number("train.steps") as u32));
    let length = move || format!("{} steps", grouped(steps.get().into()));
    let place = move || {
        let share = f64::from(steps.get()) / f64::from(usual.get());
        let distance = |at: &usize| ((SHARES[*at] / share).ln().abs() * 1e6) as u64;
        (0..SHARES.len()).min_by_key(distance).unwrap_or(3)
    };
    let time = move || {
        let ready = training.phase.with(|phase| *phase == Phase::Waiting);
        let info = training.info.get().filter(|_| ready)?;
        let seconds = info.step_ms * 1e-3 * f64::from(info.steps);
        Some(format!(
            "{} steps of {:.0} ms take about {} on {}.",
            grouped(info.steps.into()),
            info.step_ms.max(1.0),
            spell(seconds),
            info.adapter
        ))
    };
    view! {
        <fieldset class="pick">
            <legend>"How large it is"</legend>
            <div class="options three">
                {SIZES.map(|(id, name, about)| view! {
                    <label class="option" class:chosen=move || chosen.get() == id>
                        <input
                            type="radio" name="size" value=id
                            prop:checked=move || chosen.get() == id
                            on:change=move |_| app.change_plan(|plan| {
                                plan.preset = id.to_owned();
                                plan.changes.clear();
                            })
                        />
                        <span class="option-name">
                            {name}
                            <span class="note number">
                                {move || parameters().filter(|_| chosen.get() == id).map(|n| format!(" {}", count(n)))}
                            </span>
                        </span>
                        <span class="note">{about}</span>
                    </label>
                })}
            </div>
            <label class="control slider">
                <span class="label">"Length"</span>
                <output class="number">{length}</output>
                <input
                    type="range" min="0" max=SHARES.len() - 1 step="1"
                    aria-valuetext=length
                    prop:value=move || place().to_string()
                    on:input=move |event| {
                        let share = event_target_value(&event).parse().ok().and_then(|at: usize| SHARES.get(at));
                        if let Some(share) = share {
                            let usual = usual.get_untracked();
                            let steps = (f64::from(usual) * share).round().max(1.0);
                            app.set_keys(&[("train.steps", steps.to_string(), &usual.to_string())]);
                        }
                    }
                />
            </label>
            <p class="note number estimate">{move || time().unwrap_or_else(|| "\u{a0}".to_owned())}</p>
            {move || training.info.get().and_then(|info| info.on_cpu.as_ref().map(why)).map(|why| view! {
                <p class="note">{why}</p>
            })}
        </fieldset>
    }
}
