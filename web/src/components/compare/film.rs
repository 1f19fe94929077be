//! Both texts as a video, or as a picture of the shown moment.

use leptos::prelude::*;
use leptos::task::spawn_local;
use plot::layout::Pane;

use super::super::keep::look;
use super::titles::titles;
use crate::picture::{Format, Shape, film_of_two, save_blob, still_of_two};
use crate::state::{App, Branch};

/// A side of the comparison, copied: the video is of this moment's texts.
#[derive(Clone)]
struct Copied {
    branch: Branch,
    title: String,
}

impl Copied {
    fn pane(&self) -> Pane<'_> {
        let Self { branch, title } = self;
        let seconds = branch.seconds.clone();
        Pane { trace: &branch.trace, title: title.clone(), seconds }
    }
}

/// Both sides, when both are there.
fn copied(app: App) -> Option<[Copied; 2]> {
    let comparison = app.compared.get_untracked()?;
    app.tree.with_untracked(|tree| {
        let [left, right] = comparison.branches(tree);
        let [first, second] = titles(tree, &comparison);
        Some([
            Copied { branch: left?.clone(), title: first },
            Copied { branch: right?.clone(), title: second },
        ])
    })
}

/// The buttons that save both texts.
#[component]
pub(super) fn Film() -> impl IntoView {
    let app = App::get();
    // Progress of the video, 0 to 1.
    let filming = RwSignal::new(None::<f64>);
    let stop = RwSignal::new(false);
    let complaint = RwSignal::new(String::new());
    // Phones are held upright.
    let shape = || {
        let upright = window().match_media("(max-width: 40rem)").ok().flatten();
        if upright.is_some_and(|query| query.matches()) { Shape::Square } else { Shape::Wide }
    };
    let record = move |_| {
        let Some(both) = copied(app) else { return };
        let pace = match app.pace.get_untracked() {
            0 => 30,
            pace => pace,
        };
        complaint.set(String::new());
        stop.set(false);
        filming.set(Some(0.0));
        app.said.set("Making the video.".into());
        spawn_local(async move {
            let progress = |share: f64| {
                // Whoever leaves the comparison needs no video of it.
                let told = filming.try_get_untracked().flatten();
                if told.is_some_and(|told| share - told > 0.02) {
                    filming.set(Some(share));
                }
                told.is_some() && stop.try_get_untracked() == Some(false)
            };
            let format = if Format::Mp4.can_be_made().await { Format::Mp4 } else { Format::Webm };
            let panes = both.each_ref().map(Copied::pane);
            match film_of_two(panes, pace, format, shape(), look(app), &progress).await {
                Ok(blob) => {
                    save_blob(&blob, &format!("cinnabar-two.{}", format.extension()));
                    app.said.set("The video is saved.".into());
                }
                Err(error) => {
                    complaint.try_set(error);
                }
            }
            filming.try_set(None);
        });
    };
    let picture = move |_| {
        let Some(both) = copied(app) else { return };
        let moment = app.moment.get_untracked();
        spawn_local(async move {
            let panes = both.each_ref().map(Copied::pane);
            match still_of_two(panes, moment, shape(), look(app)).await {
                Some(blob) => save_blob(&blob, "cinnabar-two.png"),
                None => {
                    complaint.try_set("The browser could not make the picture.".into());
                }
            }
        });
    };
    let there = move || {
        app.compared.with(|comparison| {
            let both =
                |tree: &_| comparison.as_ref().map(|both| both.branches(tree).map(|b| b.is_some()));
            app.tree.with(|tree| both(tree) == Some([true, true]))
        }) && !app.running.get()
    };
    view! {
        <div class="compare-keep">
            <Show
                when=move || filming.get().is_some()
                fallback=move || view! { <button class="small" disabled=move || !there() on:click=record>"Save video of both"</button> }
            >
                <div class="filming">
                    <progress class="progress" max="1" aria-label="Making the video" prop:value=move || filming.get().unwrap_or(0.0)></progress>
                    <button class="small" on:click=move |_| stop.set(true)>"Stop"</button>
                </div>
            </Show>
            <button class="small" disabled=move || !there() on:click=picture>"Save picture of both"</button>
            <Show when=move || !complaint.get().is_empty()>
                <p class="note complaint" role="status">{move || complaint.get()}</p>
            </Show>
        </div>
    }
}
