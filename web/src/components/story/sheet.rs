//! The words of a run on their lines, as they are at one frame.

use gloo_timers::future::TimeoutFuture;
use leptos::html::Div;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{HtmlElement, ResizeObserver};

use super::lines::Lines;
use super::measure::{self, Ruler};
use super::view::StoryView;
use crate::state::{Tree, Underline};

/// What is shown.
#[derive(Clone, Copy, Debug)]
pub(in crate::components) struct Shown {
    /// All texts.
    pub(in crate::components) tree: Signal<Tree>,
    /// Index of the one that is shown.
    pub(in crate::components) branch: Signal<Option<usize>>,
    /// Index of its frame.
    pub(in crate::components) head: Signal<usize>,
    /// Whether time goes on by itself.
    pub(in crate::components) moving: Signal<bool>,
    /// What the lines under the words show.
    pub(in crate::components) underline: Signal<Underline>,
    /// The word whose card is open.
    pub(in crate::components) open: Signal<Option<usize>>,
    /// The word that the visitor is asked to change.
    pub(in crate::components) ringed: Signal<Option<usize>>,
}

impl Shown {
    /// Its words in the width of `paper`.
    pub(super) fn on(self, paper: NodeRef<Div>) -> Memo<StoryView> {
        let Self { tree, branch, head, moving, underline, open, ringed } = self;
        let width = RwSignal::new(0.0f32);
        observe_width(paper, width);
        let ruler = StoredValue::new_local(None::<Ruler>);
        Memo::new(move |before: Option<&StoryView>| {
            let (limit, moving, underline) = (width.get(), moving.get(), underline.get());
            ruler.update_value(|ruler| {
                if ruler.is_none() {
                    *ruler = paper.get_untracked().and_then(|paper| Ruler::of(&paper));
                }
            });
            let at = (branch.get(), head.get());
            tree.with(|tree| {
                let mut out = StoryView::default();
                ruler.update_value(|ruler| {
                    if let Some(ruler) = ruler {
                        out = StoryView::new(tree, at, limit, moving, underline, before, ruler);
                    }
                });
                if let Some(token) = open.get().and_then(|at| out.tokens.get_mut(at)) {
                    token.open = true;
                }
                if let Some(token) = ringed.get().and_then(|at| out.tokens.get_mut(at)) {
                    token.ringed = true;
                }
                out
            })
        })
    }
}

/// The words in their elements. The children stand between the text and what comes after its end.
#[component]
pub(super) fn Words(
    view: Memo<StoryView>,
    /// Whether the words can be opened.
    #[prop(optional)]
    passive: bool,
    children: Children,
) -> impl IntoView {
    let (lines, ending) = (NodeRef::<Div>::new(), NodeRef::<Div>::new());
    let boxes = StoredValue::new_local(None::<Lines>);
    let more = Trigger::new();
    Effect::new(move |_| {
        more.track();
        let (Some(lines), Some(ending)) = (lines.get(), ending.get()) else { return };
        let mut done = false;
        view.with(|view| {
            boxes.update_value(|boxes| match boxes {
                Some(boxes) => done = boxes.show(view),
                // First render of the page: the text follows in its own task.
                None => *boxes = Some(Lines::new(lines.into(), ending.into(), passive)),
            });
        });
        if !done {
            spawn_local(async move {
                TimeoutFuture::new(0).await;
                more.notify();
            });
        }
    });
    view! {
        <div class="lines" node_ref=lines>
            <div class="ending" node_ref=ending hidden>{children()}</div>
        </div>
    }
}

/// Words that are only looked at.
#[component]
pub(in crate::components) fn Sheet(shown: Shown) -> impl IntoView {
    let paper = NodeRef::<Div>::new();
    let view = shown.on(paper);
    view! {
        <div class="paper short" class:moving=move || shown.moving.get() node_ref=paper>
            <Words view=view passive=true>""</Words>
        </div>
    }
}

/// Keeps `width` equal to the line width, in em.
fn observe_width(paper: NodeRef<Div>, width: RwSignal<f32>) {
    Effect::new(move |_| {
        let Some(paper) = paper.get() else { return };
        let element: HtmlElement = paper.clone().into();
        let measured = move || {
            let pixels = measure::font_pixels(&element);
            // The sheet may have been left for another view.
            width.try_set(measure::inner_width(&element) / pixels);
        };
        measured();
        let callback = Closure::<dyn FnMut()>::new(measured);
        if let Ok(observer) = ResizeObserver::new(callback.as_ref().unchecked_ref()) {
            observer.observe(&paper);
        }
        // Called once more when the element goes, and never again.
        callback.forget();
    });
}
