//! Making a video: its progress, the button that begins or stops it, and what went wrong.

use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::Blob;

use crate::picture::{Format, Shape, save_blob};
use crate::state::App;

/// Steps per second of a video where the page plays at full speed.
const FULL_SPEED: u32 = 30;

/// MP4 where the browser makes it: that is what most programs and sites take.
pub(super) async fn best_format() -> Format {
    if Format::Mp4.can_be_made().await { Format::Mp4 } else { Format::Webm }
}

/// The shape that fits the page: phones are held upright.
pub(super) fn fitting_shape() -> Shape {
    let upright = window().match_media("(max-width: 40rem)").ok().flatten();
    if upright.is_some_and(|query| query.matches()) { Shape::Square } else { Shape::Wide }
}

/// A video that is being made, or none.
#[derive(Clone, Copy)]
pub(super) struct Filming {
    /// How much of it there is, 0 to 1.
    share: RwSignal<Option<f64>>,
    stop: RwSignal<bool>,
    complaint: RwSignal<String>,
}

impl Filming {
    pub(super) fn new() -> Self {
        Self {
            share: RwSignal::new(None),
            stop: RwSignal::new(false),
            complaint: RwSignal::new(String::new()),
        }
    }

    /// Makes a video and saves it. `make` gets the steps per second, and whom to tell how much there
    /// is, who says whether to continue; it returns the file and its name, or a sentence.
    pub(super) fn video<F>(self, app: App, make: F)
    where
        F: AsyncFnOnce(u32, &dyn Fn(f64) -> bool) -> Result<(Blob, String), String> + 'static,
    {
        let pace = match app.pace.get_untracked() {
            0 => FULL_SPEED,
            pace => pace,
        };
        self.complaint.set(String::new());
        self.stop.set(false);
        self.share.set(Some(0.0));
        app.said.set("Making the video.".into());
        spawn_local(async move {
            let progress = |share: f64| {
                // Whoever leaves the view needs no video of it.
                let told = self.share.try_get_untracked().flatten();
                // Few updates are enough for a progress bar.
                if told.is_some_and(|told| share - told > 0.02) {
                    self.share.set(Some(share));
                }
                told.is_some() && self.stop.try_get_untracked() == Some(false)
            };
            match make(pace, &progress).await {
                Ok((blob, name)) => {
                    save_blob(&blob, &name);
                    app.said.set("The video is saved.".into());
                }
                Err(sentence) => self.complain(sentence),
            }
            self.share.try_set(None);
        });
    }

    /// Saves a picture under a name.
    pub(super) fn picture(self, name: String, make: impl Future<Output = Option<Blob>> + 'static) {
        spawn_local(async move {
            match make.await {
                Some(blob) => save_blob(&blob, &name),
                None => self.complain("The browser could not make the picture.".into()),
            }
        });
    }

    fn complain(self, sentence: String) {
        // Nobody listens any more when the view is left.
        self.complaint.try_set(sentence);
    }
}

/// The button that begins a video, with its progress and a way to stop it.
#[component]
pub(super) fn FilmButton(
    filming: Filming,
    label: &'static str,
    class: &'static str,
    #[prop(into)] disabled: Signal<bool>,
    record: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    view! {
        <Show
            when=move || filming.share.get().is_some()
            fallback=move || view! {
                <button class=class disabled=disabled on:click=move |_| record()>{label}</button>
            }
        >
            <div class="filming">
                <progress class="progress" max="1" aria-label="Making the video" prop:value=move || filming.share.get().unwrap_or(0.0)></progress>
                <button class="small" on:click=move |_| filming.stop.set(true)>"Stop"</button>
            </div>
        </Show>
    }
}

/// What went wrong with the last video or picture.
#[component]
pub(super) fn Complaint(filming: Filming) -> impl IntoView {
    view! {
        <Show when=move || !filming.complaint.get().is_empty()>
            <p class="note complaint" role="status">{move || filming.complaint.get()}</p>
        </Show>
    }
}
