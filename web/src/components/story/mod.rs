//! The text as it crystallises.

mod card;
mod glide;
mod lines;
mod marked;
mod measure;
mod token;
mod view;

use gloo_timers::future::TimeoutFuture;
use leptos::html::Div;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{Element, HtmlElement, KeyboardEvent, ResizeObserver};

use crate::state::{App, Edit};
use card::TokenCard;
use lines::Lines;
use measure::Ruler;
use view::StoryView;

/// The text with its tokens, and the card of the token under the pointer.
#[component]
pub fn Story() -> impl IntoView {
    let app = App::get();
    let paper = NodeRef::<Div>::new();
    let width = RwSignal::new(0.0f32);
    let hovered = RwSignal::new(None::<usize>);
    observe_width(paper, width);

    let ruler = StoredValue::new_local(None::<Ruler>);
    let view = Memo::new(move |before: Option<&StoryView>| {
        let limit = width.get();
        let moving = app.moving();
        ruler.update_value(|ruler| {
            if ruler.is_none() {
                *ruler = paper.get_untracked().and_then(|paper| Ruler::of(&paper));
            }
        });
        let head = app.head.get();
        app.tree.with(|tree| {
            let mut out = StoryView::default();
            ruler.update_value(|ruler| {
                if let Some(ruler) = ruler {
                    out = StoryView::new(tree, head, limit, moving, before, ruler);
                }
            });
            if let Some(token) = app.inspected.get().and_then(|at| out.tokens.get_mut(at)) {
                token.open = true;
            }
            out
        })
    });
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
                None => *boxes = Some(Lines::new(lines.into(), ending.into())),
            });
        });
        if !done {
            spawn_local(async move {
                TimeoutFuture::new(0).await;
                more.notify();
            });
        }
    });
    let is_short = Memo::new(move |_| view.with(|view| view.tokens.len() < 60));

    let position_of = |target: Option<web_sys::EventTarget>| -> Option<usize> {
        let element: Element = target?.dyn_into().ok()?;
        element.closest("[data-position]").ok()??.get_attribute("data-position")?.parse().ok()
    };
    let on_key = move |event: KeyboardEvent| {
        let Some(position) = position_of(event.target()) else { return };
        let key = event.key();
        let plain = !event.ctrl_key() && !event.meta_key() && !event.alt_key();
        match key.as_str() {
            "ArrowRight" => focus_token(position + 1),
            "ArrowLeft" => focus_token(position.saturating_sub(1)),
            "Home" => focus_token(0),
            "End" => focus_token(view.with_untracked(|view| view.tokens.len()).saturating_sub(1)),
            "Enter" | " " => app.inspected.set(Some(position)),
            "Delete" | "Backspace" => app.edit(position, Edit::Erase),
            "p" | "P" if plain => app.toggle_pin(position),
            "Escape" => app.inspected.set(None),
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    };

    view! {
        <div
            class="paper"
            class:short=is_short
            class:moving=move || app.moving()
            class:plain=move || !app.show_confidence.get()
            node_ref=paper
            role="group"
            aria-label="The text, token by token. Arrow keys move, Enter opens a token, Delete erases it, P pins it."
            on:keydown=on_key
            on:copy=move |event| marked::copy(app, paper, &event)
            on:click=move |event| {
                if let Some(position) = position_of(event.target()) {
                    let open = app.inspected.get_untracked();
                    app.inspected.set((open != Some(position)).then_some(position));
                }
            }
            on:pointerover=move |event| {
                if event.pointer_type() == "mouse" {
                    hovered.set(position_of(event.target()));
                }
            }
            on:pointerleave=move |_| hovered.set(None)
        >
            <div class="lines" node_ref=lines>
                <div class="ending" node_ref=ending hidden>
                    <span class="note">"The text ends here."</span>
                    <button class="small" on:click=move |_| app.write_on()>
                        "Erase the end and write on"
                    </button>
                </div>
            </div>
            <TokenCard hovered=hovered paper=paper />
        </div>
    }
}

/// Focuses a token, if it exists.
fn focus_token(position: usize) {
    let selector = format!("[data-position=\"{position}\"]");
    let found = document().query_selector(&selector).ok().flatten();
    if let Some(element) = found.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        // Fails only for an element that has just been removed.
        let _ = element.focus();
    }
}

/// Keeps `width` equal to the line width, in em.
fn observe_width(paper: NodeRef<Div>, width: RwSignal<f32>) {
    Effect::new(move |_| {
        let Some(paper) = paper.get() else { return };
        let element: HtmlElement = paper.clone().into();
        let measured = move || {
            let pixels = measure::font_pixels(&element);
            width.set(measure::inner_width(&element) / pixels);
        };
        measured();
        let callback = Closure::<dyn FnMut()>::new(measured);
        if let Ok(observer) = ResizeObserver::new(callback.as_ref().unchecked_ref()) {
            observer.observe(&paper);
        }
        // The element lives as long as the page.
        callback.forget();
    });
}
