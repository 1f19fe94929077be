//! What a text can be compared with: the same prompt once more, with one thing changed.

use leptos::prelude::*;

use super::titles::{steps, temperature};
use crate::protocol::{Request, Sampler, SamplerKind};
use crate::samplers;
use crate::state::{App, EngineState};

/// One thing to change.
#[derive(Clone, Debug, PartialEq)]
struct Choice {
    title: String,
    about: &'static str,
    request: Request,
}

/// The choices beside a text.
#[component]
pub(in crate::components) fn Choices() -> impl IntoView {
    let app = App::get();
    let request = Memo::new(move |_| app.with_shown(|branch, _| branch.request.clone()));
    let most = move || app.info.with(|info| info.as_ref().map_or(100, |info| info.timesteps));
    let offered = move || request.get().map_or_else(Vec::new, |request| choices(&request, most()));
    view! {
        <section class="panel choices" aria-labelledby="choices-title">
            <h2 id="choices-title">"Compare"</h2>
            <p class="note">"The same prompt once more, with one thing changed, beside this text."</p>
            <ul>
                {move || {
                    offered()
                        .into_iter()
                        .map(|Choice { title, about, request }| {
                            view! {
                                <li>
                                    <button
                                        class="choice"
                                        disabled=move || app.engine.get() != EngineState::Ready
                                        on:click=move |_| app.compare_anew(request.clone())
                                    >
                                        <span class="choice-title">{title}</span>
                                        <span class="note">{about}</span>
                                    </button>
                                </li>
                            }
                        })
                        .collect_view()
                }}
            </ul>
        </section>
    }
}

/// Changes that teach something, for a text of these settings.
fn choices(request: &Request, most_steps: u32) -> Vec<Choice> {
    let choice = |title, about, request| Choice { title, about, request };
    let few = request.steps > 12;
    let number = if few { 8 } else { most_steps.min(50) };
    let random = request.sampler.order == Sampler::from(SamplerKind::Ancestral).order;
    let sampler = if random { SamplerKind::MaskGit } else { SamplerKind::Ancestral }.into();
    let cool = request.temperature > 0.0;
    let warmth = if cool { 0.0 } else { 1.0 };
    let all = vec![
        choice(
            format!("{} instead of {}", steps(number), request.steps),
            if few {
                "Many words at once, none of which sees the others: some come twice."
            } else {
                "Fewer words at once, and each sees more of the others."
            },
            Request { steps: number, ..request.clone() },
        ),
        choice(
            "Another seed".into(),
            "The same settings, and chance falls otherwise.",
            Request { seed: request.seed.checked_add(1).unwrap_or(1), ..request.clone() },
        ),
        choice(
            samplers::words(sampler).title.into(),
            if random {
                "The surest words come first, instead of chance alone."
            } else {
                "Chance alone says which words come next, however unsure."
            },
            Request { sampler, ..request.clone() },
        ),
        choice(
            format!("{} instead of {}", capital(&temperature(warmth)), request.temperature),
            if cool {
                "Always the likeliest word: safe, and soon the same again."
            } else {
                "Unlikely words get their chance: livelier, and less sound."
            },
            Request { temperature: warmth, ..request.clone() },
        ),
    ];
    all.into_iter().filter(|choice| choice.request != *request).collect()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_choice_changes_one_thing() {
        let usual = Request { steps: 50, ..Request::default() };
        let offered = choices(&usual, 1000);
        let titles: Vec<&str> = offered.iter().map(|choice| choice.title.as_str()).collect();
        assert_eq!(
            titles,
            [
                "8 steps instead of 50",
                "Another seed",
                "At random places",
                "Temperature 0 instead of 0.7"
            ]
        );
        for choice in &offered {
            let Request { steps, sampler, temperature, seed, .. } = usual;
            let other = &choice.request;
            let changes = [
                other.steps != steps,
                other.sampler != sampler,
                other.temperature != temperature,
                other.seed != seed,
            ];
            assert_eq!(changes.into_iter().filter(|&changed| changed).count(), 1, "{choice:?}");
        }
    }

    #[test]
    fn choices_lead_away_from_where_the_text_is() {
        let few = Request {
            steps: 8,
            temperature: 0.0,
            sampler: SamplerKind::Ancestral.into(),
            ..Request::default()
        };
        let offered = choices(&few, 20);
        assert_eq!(offered[0].title, "20 steps instead of 8");
        assert_eq!(offered[2].request.sampler, SamplerKind::MaskGit.into());
        assert_eq!(offered[3].title, "Temperature 1 instead of 0");
        // Nothing is offered that would change nothing.
        assert_eq!(choices(&few, 8).len(), 3);
    }
}
