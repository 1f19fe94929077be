//! Both texts as a video, or as a picture of the shown moment.

use leptos::prelude::*;
use plot::layout::Pane;

use super::super::filming::{Complaint, FilmButton, Filming, best_format, fitting_shape};
use super::super::keep::look;
use super::titles::titles;
use crate::picture::{Subject, Tempo, film, still};
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
    let filming = Filming::new();
    let record = move || {
        let Some(both) = copied(app) else { return };
        filming.video(app, async move |pace, progress: &dyn Fn(f64) -> bool| {
            let format = best_format().await;
            let panes = Subject::Two(both.each_ref().map(Copied::pane));
            let tempo = Tempo::steps(pace);
            let blob = film(panes, tempo, format, fitting_shape(), look(app), progress).await?;
            Ok((blob, format!("cinnabar-two.{}", format.extension())))
        });
    };
    let picture = move |_| {
        let Some(both) = copied(app) else { return };
        let moment = app.moment.get_untracked();
        filming.picture("cinnabar-two.png".into(), async move {
            let panes = Subject::Two(both.each_ref().map(Copied::pane));
            still(panes, moment, fitting_shape(), look(app)).await
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
            <FilmButton
                filming=filming label="Save video of both" class="small"
                disabled=Signal::derive(move || !there()) record=record
            />
            <button class="small" disabled=move || !there() on:click=picture>"Save picture of both"</button>
            <Complaint filming=filming />
        </div>
    }
}
