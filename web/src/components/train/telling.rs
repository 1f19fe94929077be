//! What the numbers mean at this moment.

use leptos::prelude::*;

use super::super::reader::{COURSE, DocumentLink};
use crate::state::App;
use crate::state::training::{self, Curves, telling};

/// Chapters of the course about training, by their anchors.
pub const CHAPTERS: [(&str, &str); 2] =
    [("Training in the tab", "14-training-in-the-tab"), ("The loss", "5-the-loss")];

/// The explanation under the curves.
#[component]
pub(super) fn Telling() -> impl IntoView {
    let state = App::get().training;
    let sentences = Memo::new(move |_| {
        let corpus = state.corpus.get();
        let info = state.info.get();
        let vocabulary =
            info.as_ref().map(|info| info.vocabulary).or(corpus.as_ref().map(|c| c.vocabulary))?;
        let curves = state.records.with(|records| Curves::of(records));
        let entropy = info.map_or(0.0, |info| info.entropy);
        Some(telling(&training::Telling {
            vocabulary,
            unigram: corpus.map(|corpus| corpus.unigram).filter(|unigram| *unigram > 0.0),
            loss: curves.validation.last().map(|point| point.1),
            accuracy: curves.accuracy,
            bits: curves.bits.last().map(|point| (point.1, entropy)),
        }))
    });
    view! {
        <section class="learn" aria-labelledby="telling-title">
            <h2 id="telling-title">"What is happening"</h2>
            <p>
                "The model sees stories in which some words are hidden, and learns to guess them. The loss says how \
                 surprised it is by the right word, on stories that it never trained on."
            </p>
            {move || sentences.get().unwrap_or_default().into_iter().map(|text| view! { <p>{text}</p> }).collect_view()}
            <p class="note chapters">
                <span>"How it works:"</span>
                {CHAPTERS.map(|(name, anchor)| view! { <DocumentLink file=COURSE.to_owned() anchor=anchor text=name /> })}
            </p>
        </section>
    }
}
