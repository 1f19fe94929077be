//! The buttons of a training, and how far it is.

use leptos::prelude::*;

use super::text::grouped;
use crate::protocol::Chore;
use crate::state::App;
use crate::state::training::{Curves, Phase};

/// Train, wait, one step; and what the training does.
#[component]
pub(super) fn Progress() -> impl IntoView {
    let app = App::get();
    let training = app.training;
    let label = move || match training.phase.get() {
        Phase::Going => "Pause",
        Phase::Pausing => "Pausing…",
        Phase::Waiting if training.begun() => "Go on",
        Phase::Complete => "Complete",
        Phase::Ended if !training.begun() => "Try again",
        _ => "Train",
    };
    let again = move || !training.begun() && training.phase.with(|phase| *phase == Phase::Ended);
    let can = move || matches!(training.phase.get(), Phase::Going | Phase::Waiting) || again();
    let tokens =
        Memo::new(move |_| training.records.with(|records| Curves::of(records).tokens_per_second));
    let facts = move || {
        let (pulse, steps) = (training.pulse.get(), training.steps());
        let mut facts = vec![];
        if steps > 0 {
            facts.push(format!("Step {} of {}", grouped(pulse.step.into()), grouped(steps.into())));
        }
        if let Some(rate) = tokens.get() {
            facts.push(format!("{} tokens/s", grouped(rate as u64)));
        }
        if let Some(left) = pulse.left.filter(|_| training.going()) {
            facts.push(format!("{} left", spell(left)));
        }
        if pulse.memory > 0 {
            facts.push(format!("{:.0} MB", pulse.memory as f64 * 1e-6));
        }
        if let Some(info) = training.info.get() {
            facts.push(info.adapter.clone());
        }
        facts.join(" · ")
    };
    let doing = move || match training.phase.get() {
        Phase::Preparing(doing) => chore(doing.as_ref()).to_owned(),
        Phase::Ended if training.begun() => {
            "The training ended. What was stored can go on.".to_owned()
        }
        _ => facts(),
    };
    let stored = move || {
        let kept = training.kept.get().filter(|_| training.begun())?;
        Some(format!("Stored in this browser up to step {}.", grouped(kept.step.into())))
    };
    view! {
        <section class="training" id="training" tabindex="-1" aria-label="The training">
            <div class="training-row">
                <button class="primary" type="button" disabled=move || !can() on:click=move |_| {
                    if untrack(again) { app.prepare() } else { app.train_or_pause() }
                }>
                    {label}
                </button>
                <Show when=move || training.begun()>
                    <button class="small" type="button" disabled=move || !training.waits() on:click=move |_| app.train_one_step()>
                        "One step"
                    </button>
                    <button class="small" type="button" disabled=move || training.steps() == 0 on:click=move |_| app.write_with_training()>
                        "Write with it"
                    </button>
                    <Show when=move || training.phase.with(|phase| *phase == Phase::Complete)>
                        <button class="small" type="button" on:click=move |_| app.train_longer(2 * training.steps())>
                            "Train as long again"
                        </button>
                    </Show>
                </Show>
            </div>
            <progress
                class="progress" max="1" aria-label="Steps done"
                class:unknown=move || training.phase.with(|phase| matches!(phase, Phase::Preparing(_)))
                prop:value=move || f64::from(training.pulse.get().step) / f64::from(training.steps().max(1))
            ></progress>
            <p class="note number doing">{doing}</p>
            <p class="note number" class:complaint=move || training.unstored.get().is_some()>
                {move || training.unstored.get().or_else(stored).unwrap_or_else(|| "\u{a0}".to_owned())}
            </p>
        </section>
    }
}

/// What the engine does before it can train.
fn chore(chore: Option<&Chore>) -> &'static str {
    match chore {
        None => "Waiting for the engine …",
        Some(Chore::Text) => "Writing the stories …",
        Some(Chore::Tokenizer) => "Training the tokenizer …",
        Some(Chore::Tokens) => "Cutting the stories into tokens …",
        Some(Chore::Device) => "Making the network, and timing a step …",
    }
}

/// A time as people say it.
pub(super) fn spell(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..=89 => format!("{whole} s"),
        90..=5_399 => format!("{} min", (whole + 30) / 60),
        _ => {
            let minutes = (whole + 30) / 60;
            format!("{} h {} min", minutes / 60, minutes % 60)
        }
    }
}

/// A number of parameters as people say it.
pub(super) fn count(parameters: u64) -> String {
    match parameters {
        0..=99_999 => format!("{} thousand parameters", parameters.div_ceil(1000)),
        _ => format!("{:.1} million parameters", parameters as f64 * 1e-6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_said_shortly() {
        for (seconds, text) in
            [(8.4, "8 s"), (90.0, "2 min"), (3_600.0, "60 min"), (7_260.0, "2 h 1 min")]
        {
            assert_eq!(spell(seconds), text);
        }
        assert_eq!(count(312_000), "0.3 million parameters");
        assert_eq!(count(52_100), "53 thousand parameters");
    }
}
