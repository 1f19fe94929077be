//! The learning rate, before and during the training.

use leptos::prelude::*;

use crate::state::App;
use crate::state::training::{Section, value};

/// Factors on the usual rates, as halvings and doublings of half a step.
const MOST: f64 = 6.0;

/// One slider for the rates of both optimizers.
#[component]
pub(super) fn Rate() -> impl IntoView {
    let app = App::get();
    let training = app.training;
    let (keys, usual_keys) = (training.keys(), training.usual_keys());
    let rates = |keys: Memo<Vec<Section>>| {
        let rate = move |key| -> f64 { keys.with(|keys| value(keys, key)).parse().unwrap_or(1.0) };
        Memo::new(move |_| (rate("optimizer.lr"), rate("optimizer.muon.lr")))
    };
    let (now, usual) = (rates(keys), rates(usual_keys));
    let rate = move || now.get().0;
    let place = move || {
        training.fault.track(); // the slider forgets what was refused
        (2.0 * (rate() / usual.get().0).log2()).round().clamp(-MOST, MOST)
    };
    view! {
        <section class="panel" aria-labelledby="rate-title">
            <h2 id="rate-title">"Learning rate"</h2>
            <label class="control slider">
                <span class="label">"Rate"</span>
                <output class="number">{move || shown(rate())}</output>
                <input
                    type="range" min=-MOST max=MOST step="1"
                    aria-valuetext=move || shown(rate())
                    prop:value=move || place().to_string()
                    on:change=move |event| {
                        if let Ok(place) = event_target_value(&event).parse::<f64>() {
                            let (adamw, muon) = usual.get_untracked();
                            let factor = (place / 2.0).exp2();
                            app.set_keys(&[
                                ("optimizer.lr", toml(adamw * factor), &toml(adamw)),
                                ("optimizer.muon.lr", toml(muon * factor), &toml(muon)),
                            ]);
                        }
                    }
                />
                <span class="note">"How far each step goes. You can change it in the middle: too far, and the loss jumps."</span>
            </label>
        </section>
    }
}

/// A rate as people read it.
fn shown(rate: f64) -> String {
    let digits = (2.0 - rate.abs().max(1e-9).log10()).ceil().clamp(0.0, 9.0) as usize;
    let text = format!("{rate:.digits$}");
    text.trim_end_matches('0').to_owned()
}

/// A rate as TOML writes it, with three digits.
fn toml(rate: f64) -> String {
    format!("{rate:.2e}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_short() {
        assert_eq!((shown(0.005), shown(0.0070711)), ("0.005".into(), "0.00707".into()));
        assert_eq!((toml(0.005), toml(0.0070711)), ("5.00e-3".into(), "7.07e-3".into()));
    }
}
