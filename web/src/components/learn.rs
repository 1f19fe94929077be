//! Explains in a few sentences what the model is doing.

use leptos::prelude::*;
use plot::{Clock, State};

use super::reader::{COURSE, DocumentLink};
use super::tour::TourOffer;
use crate::protocol::Sampler;
use crate::samplers;
use crate::state::{App, Branch};

/// Chapters of the course that explain what the page shows, by their anchors.
pub const CHAPTERS: [(&str, &str); 3] = [
    ("The idea", "1-the-idea-hide-words-guess-them"),
    ("Schedules", "2-the-noise-schedule"),
    ("Samplers and confidence", "10-writing-the-samplers"),
];

/// What happens after the last step.
const CORRECTION: &str = "The text stands. Words that are doubled or hardly fit are hidden once more \
     and drawn again.";

/// Numbers for the explanation.
#[derive(Clone, Debug, PartialEq)]
struct Now {
    step: u32,
    clock: Clock,
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
    sampler: Sampler,
    schedule: String,
    /// Words that a person erased and replaced in this very state.
    erased: usize,
    replaced: usize,
}

impl Now {
    fn of(branch: &Branch, head: usize) -> Self {
        let trace = &branch.trace;
        let masked = |frame: usize, i: usize| trace.frames[frame].ids[i] == trace.mask_id;
        let edited = branch.fork.is_some_and(|fork| fork.frame == head);
        let touched: &[usize] = if edited { &branch.touched } else { &[] };
        let by_model = || (0..trace.len()).filter(|i| !touched.contains(i));
        let erased = touched.iter().filter(|&&i| masked(head, i)).count();
        let masked_again =
            |before| by_model().filter(|&i| !masked(before, i) && masked(head, i)).count();
        Self {
            step: trace.frames[head].step,
            clock: trace.clock(trace.frames[head].step),
            steps: trace.steps,
            masks: trace.masks(head),
            generated: trace.generated(),
            fresh: by_model().filter(|&i| trace.state(head, i) == State::Fresh).count(),
            again: head.checked_sub(1).map_or(0, masked_again),
            behind: trace.end(head).map(|end| trace.len() - 1 - end).filter(|&behind| behind > 0),
            finished: branch.finished && head == branch.last(),
            sampler: branch.request.sampler,
            schedule: trace.schedule.clone(),
            erased,
            replaced: touched.len() - erased,
        }
    }

    fn sentences(&self) -> Vec<String> {
        let Self { step, clock, steps, masks, generated, fresh, again, erased, replaced, .. } =
            *self;
        let words = samplers::words(self.sampler);
        let interfere = "Click a word to see why it is there, to erase or pin it, or to put \
                         another in its place: the model continues from your change.";
        let behind = self.behind.map(|n| {
            let places = if n == 1 { "place" } else { "places" };
            format!("The model ended its text; the {n} dimmed {places} after the end are not part of it.")
        });
        let mut out = vec![];
        if erased + replaced > 0 {
            out.push(match (erased, replaced) {
                (n, 0) => format!("You erased {}.", count(n)),
                (0, n) => format!("You changed {}.", count(n)),
                (n, m) => format!("You erased {} and changed {m}.", count(n)),
            });
            if masks > 0 {
                out.push(format!(
                    "{} hidden now. Press ▶, and the model continues from your change.",
                    if masks == 1 { "1 word is".into() } else { format!("{masks} words are") }
                ));
            }
        } else if step == 0 {
            if self.sampler.writes_left_to_right() {
                out.push(format!("All {generated} words are still to be written."));
                out.push(
                    "In every step the model writes the next one, from those before it.".into(),
                );
            } else {
                out.push(format!(
                    "All {generated} words are hidden. The model sees only the prompt and how many are missing."
                ));
                out.push("In every step it guesses all hidden words at once.".into());
            }
        } else if (masks == 0 && !clock.correcting) || self.finished {
            out.push(match masks {
                0 if clock.correcting => format!(
                    "Complete after {steps} steps of writing and {} of correction: {}.",
                    clock.done,
                    if clock.done < clock.of {
                        "the model doubts no word any more"
                    } else {
                        "no word is hidden any more"
                    }
                ),
                0 => format!("Complete after {step} steps: no word is hidden any more."),
                _ => format!(
                    "Complete after {step} of {steps} steps: the text is written to its end."
                ),
            });
            out.extend(behind);
            out.push(interfere.into());
        } else if clock.correcting && fresh + again == 0 {
            out.push(format!(
                "Correction {} of {}: the model reads its text over.",
                clock.done, clock.of
            ));
            out.push(CORRECTION.into());
        } else {
            out.push(format!(
                "{} {} of {}: {} {}{}.",
                if clock.correcting { "Correction" } else { "Step" },
                clock.done,
                clock.of,
                if fresh == 0 { "nothing new".into() } else { count(fresh) },
                if fresh == 0 { "stayed" } else { "appeared" },
                match again {
                    0 => String::new(),
                    1 => ", 1 other was hidden again".into(),
                    n => format!(", {n} others were hidden again"),
                }
            ));
            if clock.correcting {
                out.push(CORRECTION.into());
            } else {
                let why = if words.scheduled {
                    format!(", as the {} schedule says for this step", self.schedule)
                } else {
                    String::new()
                };
                out.push(format!(
                    "{masks} of {generated} words are still hidden{why}. {}",
                    words.waiting
                ));
                out.extend(Some(words.written.into()).filter(|text: &String| !text.is_empty()));
            }
            out.extend(behind);
        }
        out
    }
}

fn count(words: usize) -> String {
    if words == 1 { "1 word".into() } else { format!("{words} words") }
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
                        {if app.fills_no_gaps() {
                            "This model learned to guess the next word. To write, it adds one word after the \
                             other, each from those before it."
                        } else {
                            "A diffusion model of text learned to guess hidden words. To write, it begins with \
                             every word hidden and guesses all of them at once, again and again."
                        }}
                    </p>
                }.into_any(),
            }}
            <p class="note chapters">
                <span>"How it works:"</span>
                {CHAPTERS.map(|(name, anchor)| view! { <DocumentLink file=COURSE.to_owned() anchor=anchor text=name /> })}
            </p>
            <TourOffer />
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::tree::tests::finished;
    use crate::state::{Edit, Tree};

    fn first_sentence(tree: &Tree, head: usize) -> String {
        let branch = tree.shown().expect("it is shown");
        Now::of(branch, head).sentences().swap_remove(0)
    }

    #[test]
    fn corrections_are_no_steps_of_writing() {
        let mut tree = finished();
        let trace = &mut tree.branches[0].trace;
        (trace.steps, trace.corrections) = (2, 12);
        assert_eq!(first_sentence(&tree, 2), "Step 2 of 2: 1 word appeared.");
        assert_eq!(first_sentence(&tree, 3), "Correction 1 of 12: 1 word appeared.");
        let all = "Complete after 2 steps of writing and 2 of correction: the model doubts no word any more.";
        assert_eq!(first_sentence(&tree, 4), all);
        tree.branches[0].trace.corrections = 2;
        let all =
            "Complete after 2 steps of writing and 2 of correction: no word is hidden any more.";
        assert_eq!(first_sentence(&tree, 4), all);
    }

    #[test]
    fn a_persons_own_changes_are_theirs() {
        let mut tree = finished();
        assert_eq!(first_sentence(&tree, 2), "Step 2 of 4: 1 word appeared.");
        let head = tree.edit(2, 1, Edit::Erase);
        assert_eq!(first_sentence(&tree, head), "You erased 1 word.");
        let head = tree.edit(head, 2, Edit::Replace(14));
        assert_eq!(first_sentence(&tree, head), "You erased 1 word and changed 1.");
        assert_eq!(first_sentence(&tree, 1), "Step 1 of 4: 1 word appeared.");
    }
}
