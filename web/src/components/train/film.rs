//! The strip of texts as a video.

use leptos::prelude::*;
use plot::layout::Strip;

use super::super::filming::{Complaint, FilmButton, Filming, best_format, fitting_shape};
use super::super::keep::look;
use crate::picture::{Subject, Tempo, film};
use crate::state::App;
use crate::state::training::{Curves, Training};

/// How long each text is shown, in seconds: it is read, or seen to be unreadable.
const SHOWN: f64 = 3.0;
/// Most texts of a video, which then takes little more than a minute.
const MOST_TEXTS: usize = 24;

/// What the training wrote up to this moment, if it is anything.
fn strip(training: Training) -> Option<Strip> {
    let texts = thinned(untrack(|| training.texts()), MOST_TEXTS);
    let info = training.info.get_untracked()?;
    let loss = training.records.with_untracked(|records| Curves::of(records).validation);
    (!texts.is_empty()).then(|| Strip {
        name: info.name.clone(),
        steps: info.steps,
        guessing: f64::from(info.vocabulary.max(2)).ln(),
        loss,
        texts,
    })
}

/// At most so many, the first and the last among them.
fn thinned<T>(all: Vec<T>, most: usize) -> Vec<T> {
    let (last, count) = (all.len().saturating_sub(1), most.min(all.len()));
    let mut wanted = (0..count).map(|i| i * last / (count - 1).max(1)).peekable();
    let chosen = all.into_iter().enumerate();
    chosen.filter(|(i, _)| wanted.next_if_eq(i).is_some()).map(|(_, text)| text).collect()
}

/// The button that saves the strip.
#[component]
pub(super) fn Film() -> impl IntoView {
    let app = App::get();
    let filming = Filming::new();
    let record = move || {
        let Some(strip) = strip(app.training) else { return };
        filming.video(app, async move |_, progress: &dyn Fn(f64) -> bool| {
            let (format, tempo) = (best_format().await, Tempo::reading(SHOWN));
            let subject = Subject::Strip(&strip);
            let blob = film(subject, tempo, format, fitting_shape(), look(app), progress).await?;
            Ok((blob, format!("cinnabar-training.{}", format.extension())))
        });
    };
    let texts = Memo::new(move |_| app.training.texts().len());
    view! {
        <div class="strip-keep">
            <FilmButton
                filming=filming label="Save film" class="small"
                disabled=Signal::derive(move || texts.get() < 2) record=record
            />
            <Complaint filming=filming />
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_and_last_stay_when_texts_are_thinned() {
        let chosen = |count: usize, most| thinned((0..count).collect(), most);
        assert!(chosen(0, 4).is_empty());
        assert_eq!(chosen(1, 4), [0]);
        assert_eq!(chosen(4, 4), [0, 1, 2, 3]);
        assert_eq!(chosen(10, 4), [0, 3, 6, 9]);
        assert_eq!(chosen(11, 4), [0, 3, 6, 10]);
    }
}
