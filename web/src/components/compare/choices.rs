//! What a text can be compared with: the same prompt once more, with one thing changed.

use leptos::prelude::*;

use super::titles::{steps, temperature};
use crate::address;
use crate::gaps;
use crate::protocol::{ModelEntry, Objective, Request, Sampler, SamplerKind};
use crate::samplers;
use crate::state::{App, EngineState};

/// One thing to change.
#[derive(Clone, Debug, PartialEq)]
struct Choice {
    title: String,
    about: String,
    request: Request,
    /// The model that writes, if it is another one.
    model: Option<Box<ModelEntry>>,
}

/// The choices beside a text.
#[component]
pub(in crate::components) fn Choices() -> impl IntoView {
    let app = App::get();
    let request = Memo::new(move |_| app.with_shown(|branch, _| branch.request.clone()));
    let most = move || app.info.with(|info| info.as_ref().map_or(100, |info| info.timesteps));
    // The model of the shown text, as its link names it.
    let own = Memo::new(move |_| {
        let link = app.with_shown(|branch, _| address::read(&branch.fragment, &branch.request));
        link.flatten().and_then(|link| link.model)
    });
    let offered = move || {
        let Some(request) = request.get() else { return vec![] };
        let models = app.models.with(|models| rivals(models, own.get().as_deref(), &request));
        [choices(&request, most()), models].concat()
    };
    view! {
        <section class="panel choices" aria-labelledby="choices-title">
            <h2 id="choices-title">"Compare"</h2>
            <p class="note">"The same prompt once more, with one thing changed, beside this text."</p>
            <ul>
                {move || {
                    offered()
                        .into_iter()
                        .map(|Choice { title, about, request, model }| {
                            view! {
                                <li>
                                    <button
                                        class="choice"
                                        disabled=move || app.engine.get() != EngineState::Ready
                                        on:click=move |_| app.compare_anew(request.clone(), model.clone())
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

/// The same for the other models of the list, as far as they can write it.
fn rivals(models: &[ModelEntry], own: Option<&str>, request: &Request) -> Vec<Choice> {
    let gap = gaps::before_words(&request.prompt);
    let can = |entry: &&ModelEntry| !(gap && entry.objective.is_some_and(Objective::shifts));
    let others = models.iter().filter(|entry| Some(entry.id.as_str()) != own).filter(can);
    others
        .map(|entry| Choice {
            title: format!("Another model: {}", entry.name),
            about: format!("It is loaded, then it writes. {}", entry.about).trim_end().to_owned(),
            request: request.clone(),
            model: Some(Box::new(entry.clone())),
        })
        .collect()
}

/// Changes that teach something, for a text of these settings.
fn choices(request: &Request, most_steps: u32) -> Vec<Choice> {
    // One word after the other: there are no steps to choose, and no order.
    let [seed, warmth] = chances(request);
    if request.sampler.writes_left_to_right() {
        return vec![seed, warmth];
    }
    let few = request.steps > 12;
    let number = if few { 8 } else { most_steps.min(50) };
    let random = request.sampler.order == Sampler::from(SamplerKind::Ancestral).order;
    let sampler = if random { SamplerKind::MaskGit } else { SamplerKind::Ancestral }.into();
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
        seed,
        choice(
            samplers::words(sampler).title.into(),
            if random {
                "The surest words come first, instead of chance alone."
            } else {
                "Chance alone says which words come next, however unsure."
            },
            Request { sampler, ..request.clone() },
        ),
        warmth,
    ];
    // Samplers that take as many steps as the text needs have none to choose.
    let offered = all.into_iter().skip(usize::from(request.sampler.adaptive()));
    offered.filter(|choice| choice.request != *request).collect()
}

/// The same draws otherwise: they suit any way of writing.
fn chances(request: &Request) -> [Choice; 2] {
    let cool = request.temperature > 0.0;
    let warmth = if cool { 0.0 } else { 1.0 };
    [
        choice(
            "Another seed".into(),
            "The same settings, and chance falls otherwise.",
            Request { seed: request.seed.checked_add(1).unwrap_or(1), ..request.clone() },
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
    ]
}

fn choice(title: String, about: &str, request: Request) -> Choice {
    Choice { title, about: about.to_owned(), request, model: None }
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

    #[test]
    fn other_models_are_offered_for_the_same_prompt() {
        let entry = |id: &str| ModelEntry { id: id.into(), name: id.into(), ..Default::default() };
        let models = [entry("a"), entry("b")];
        let request = Request::default();
        let offered = rivals(&models, Some("a"), &request);
        assert_eq!(offered.len(), 1);
        assert_eq!(offered[0].title, "Another model: b");
        assert_eq!(
            (&offered[0].request, &offered[0].model),
            (&request, &Some(Box::new(entry("b"))))
        );
        assert_eq!(rivals(&models, None, &request).len(), 2, "a trace from a file");
    }

    #[test]
    fn what_writes_from_left_to_right_has_no_steps_to_change() {
        let serial = Request { sampler: SamplerKind::LeftToRight.into(), ..Request::default() };
        let titles = choices(&serial, 1000).into_iter().map(|choice| choice.title);
        assert_eq!(titles.collect::<Vec<_>>(), ["Another seed", "Temperature 0 instead of 0.7"]);
        let adaptive = Request { sampler: SamplerKind::Threshold.into(), ..Request::default() };
        assert_eq!(choices(&adaptive, 1000).len(), 3);
    }
}
