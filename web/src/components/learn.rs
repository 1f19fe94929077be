//! What is happening now, in a few sentences.

use leptos::prelude::*;
use plot::State;

use crate::protocol::Sampler;
use crate::state::App;

/// Where the long explanation is, beside the page.
const LEARNING: &str = "learning.md";

/// The explanation beside the controls.
#[component]
pub(super) fn Learn() -> impl IntoView {
    let app = App::get();
    let now = Memo::new(move |_| {
        app.with_shown(|branch, head| {
            let trace = &branch.trace;
            let masks = trace.masks(head);
            let fresh = (0..trace.len()).filter(|&i| trace.state(head, i) == State::Fresh).count();
            let before = head.checked_sub(1);
            let again = before.map_or(0, |before| {
                let mask = trace.mask_id;
                let ids = |frame: usize| &trace.frames[frame].ids;
                (0..trace.len()).filter(|&i| ids(before)[i] != mask && ids(head)[i] == mask).count()
            });
            let frame = &trace.frames[head];
            sentences(
                frame.step,
                trace.steps,
                masks,
                trace.generated(),
                fresh,
                again,
                branch.request.sampler,
                &trace.schedule,
            )
        })
    });
    view! {
        <section class="panel learn" aria-labelledby="learn-title">
            <h2 id="learn-title">"What is happening"</h2>
            {move || match now.get() {
                Some(sentences) => sentences.into_iter().map(|text| view! { <p>{text}</p> }).collect_view().into_any(),
                None => view! {
                    <p>
                        "A diffusion model of text learned to guess hidden words. To write, it begins with "
                        "every word hidden and guesses all of them at once, again and again."
                    </p>
                }.into_any(),
            }}
            <p class="note">
                <a href=LEARNING target="_blank" rel="noreferrer noopener">"How it works, from the beginning"</a>
            </p>
        </section>
    }
}

#[expect(clippy::too_many_arguments, reason = "the numbers of one sentence each")]
fn sentences(
    step: u32,
    steps: u32,
    masks: usize,
    all: usize,
    fresh: usize,
    again: usize,
    sampler: Sampler,
    schedule: &str,
) -> Vec<String> {
    let count = |n: usize, one: &str, many: &str| match n {
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    };
    if step == 0 {
        return vec![
            format!(
                "All {all} places are masked. The model sees only the prompt and how much is hidden."
            ),
            "In every step it guesses every hidden token at once, with a probability for each."
                .into(),
        ];
    }
    if masks == 0 {
        return vec![
            format!("Done after {step} steps: nothing is masked any more."),
            "Click a token to erase it, pin it or type another: the model goes on from there."
                .into(),
        ];
    }
    let mut out = vec![format!(
        "Step {step} of {steps}: {} just appeared{}.",
        count(fresh, "token", "tokens"),
        match again {
            0 => String::new(),
            n => format!(", {} went back into the fog", count(n, "other", "others")),
        }
    )];
    out.push(format!(
        "The {schedule} schedule says how many stay masked at this time: {masks} of {all}. Those of which the model was least sure wait."
    ));
    out.push(match sampler {
        Sampler::Carry => "What is visible keeps the confidence with which it was written.".into(),
        Sampler::Seed => "Visible tokens are drawn anew in every step, too.".into(),
    });
    out
}
