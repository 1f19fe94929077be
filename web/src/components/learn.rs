//! Explains in a few sentences what the model is doing.

use leptos::prelude::*;
use plot::State;

use super::reader::COURSE;
use crate::protocol::SamplerKind;
use crate::state::{App, Branch};

/// Chapters of the course that explain what the page shows, by their anchors.
pub const CHAPTERS: [(&str, &str); 3] = [
    ("The idea", "1-the-idea-hide-words-guess-them"),
    ("Schedules", "2-the-noise-schedule"),
    ("Samplers and confidence", "10-writing-the-samplers"),
];

/// Numbers for the explanation.
#[derive(Clone, Debug, PartialEq)]
struct Now {
    step: u32,
    steps: u32,
    masks: usize,
    generated: usize,
    /// Tokens that just appeared.
    fresh: usize,
    /// Tokens that were just masked again.
    again: usize,
    /// Positions after a generated end of text.
    behind: Option<usize>,
    finished: bool,
    sampler: SamplerKind,
    schedule: String,
}

impl Now {
    fn of(branch: &Branch, head: usize) -> Self {
        let trace = &branch.trace;
        let ids = |frame: usize| trace.frames[frame].ids.iter();
        let masked_again = |before| {
            let pairs = ids(before).zip(ids(head));
            pairs.filter(|(was, is)| **was != trace.mask_id && **is == trace.mask_id).count()
        };
        Self {
            step: trace.frames[head].step,
            steps: trace.steps,
            masks: trace.masks(head),
            generated: trace.generated(),
            fresh: (0..trace.len()).filter(|&i| trace.state(head, i) == State::Fresh).count(),
            again: head.checked_sub(1).map_or(0, masked_again),
            behind: trace.end(head).map(|end| trace.len() - 1 - end).filter(|&behind| behind > 0),
            finished: branch.finished && head == branch.last(),
            sampler: branch.request.sampler,
            schedule: trace.schedule.clone(),
        }
    }

    fn sentences(&self) -> Vec<String> {
        let Self { step, steps, masks, generated, fresh, again, .. } = *self;
        let Self { schedule, .. } = self;
        let interfere =
            "Click a token to erase it, pin it or type another: the model goes on from there.";
        let behind = self.behind.map(|n| match n {
            1 => {
                "An end of text is written. The place behind it, dimmed, belongs to no text.".into()
            }
            n => format!(
                "An end of text is written. The {n} places behind it, dimmed, belong to no text."
            ),
        });
        let mut out = vec![];
        if step == 0 {
            out.push(format!(
                "All {generated} places are masked. The model sees only the prompt and how much is hidden."
            ));
            out.push(
                "In every step it guesses every hidden token at once, with a probability for each."
                    .into(),
            );
        } else if masks == 0 {
            out.push(format!("Done after {step} steps: nothing is masked any more."));
            out.extend(behind);
            out.push(interfere.into());
        } else if self.finished {
            out.push(format!(
                "Done after {step} of {steps} steps: everything up to the end of the text is written."
            ));
            out.extend(behind);
            out.push(interfere.into());
        } else {
            out.push(format!(
                "Step {step} of {steps}: {} appeared{}.",
                match fresh {
                    0 => "nothing new".into(),
                    1 => "1 token".into(),
                    n => format!("{n} tokens"),
                },
                match again {
                    0 => String::new(),
                    1 => ", 1 other was masked again".into(),
                    n => format!(", {n} others were masked again"),
                }
            ));
            let waiting = match self.sampler {
                SamplerKind::MaskGit => {
                    "Which ones wait is partly random: the surer the model is, the less likely."
                }
                SamplerKind::Carry | SamplerKind::Reference => {
                    "Those of which the model was least sure wait."
                }
                SamplerKind::Ancestral | SamplerKind::Remdm => "Chance decides which ones wait.",
                SamplerKind::Threshold | SamplerKind::Entropy => "",
            };
            out.push(match self.sampler {
                SamplerKind::Threshold => {
                    format!("All tokens of which the model was sure enough appeared: {masks} of {generated} wait.")
                }
                SamplerKind::Entropy => format!(
                    "As many tokens appeared as hardly depend on each other: {masks} of {generated} wait."
                ),
                _ => format!(
                    "The {schedule} schedule says how many stay masked at this time: {masks} of {generated}. {waiting}"
                ),
            });
            out.push(match self.sampler {
                SamplerKind::Carry => {
                    "What is visible keeps the confidence with which it was written.".into()
                }
                SamplerKind::Reference => {
                    "Visible tokens are drawn anew in every step, too.".into()
                }
                SamplerKind::Remdm => "A few visible tokens are masked again, by chance.".into(),
                _ => "What is visible stays.".into(),
            });
            out.extend(behind);
        }
        out
    }
}

/// The explanation under the text.
#[component]
pub(super) fn Learn() -> impl IntoView {
    let app = App::get();
    let now = Memo::new(move |_| app.with_shown(Now::of));
    view! {
        <section class="learn" aria-labelledby="learn-title">
            <h2 id="learn-title">"What is happening"</h2>
            {move || match now.get() {
                Some(now) => now.sentences().into_iter().map(|text| view! { <p>{text}</p> }).collect_view().into_any(),
                None => view! {
                    <p>
                        "A diffusion model of text learned to guess hidden words. To write, it begins with "
                        "every word hidden and guesses all of them at once, again and again."
                    </p>
                }.into_any(),
            }}
            <p class="note chapters">
                <span>"How it works:"</span>
                {CHAPTERS
                    .map(|(name, anchor)| {
                        view! {
                            <a
                                href=format!("{COURSE}#{anchor}")
                                on:click=move |event| {
                                    event.prevent_default();
                                    app.reading.set(Some(anchor.to_owned()));
                                }
                            >
                                {name}
                            </a>
                        }
                    })
                    .collect_view()}
            </p>
        </section>
    }
}
