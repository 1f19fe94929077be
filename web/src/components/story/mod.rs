//! The text as it crystallises.

mod card;
mod fade;
mod lines;
mod marked;
mod measure;
mod sheet;
mod token;
mod view;

use gloo_timers::future::TimeoutFuture;
use leptos::html::Div;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::{Element, EventTarget, HtmlElement, KeyboardEvent};

use crate::state::{App, Edit, Lesson, Underline};
use card::TokenCard;
use sheet::Words;

pub(super) use sheet::{Sheet, Shown};

/// The attribute that makes a token focusable.
const INDEX: &str = "tabindex";

/// The text with its tokens, and the card of the token under the pointer.
#[component]
pub fn Story() -> impl IntoView {
    let app = App::get();
    let paper = NodeRef::<Div>::new();
    let hovered = RwSignal::new(None::<usize>);
    let shown = Shown {
        tree: app.tree.into(),
        branch: Signal::derive(move || app.tree.with(|tree| tree.current)),
        head: app.head.into(),
        moving: Signal::derive(move || app.moving()),
        underline: app.lines.into(),
        open: app.inspected.into(),
        ringed: Signal::derive(move || match app.lesson.get() {
            Some(Lesson::Change(position)) => Some(position),
            _ => None,
        }),
    };
    let view = shown.on(paper);
    let is_short = Memo::new(move |_| view.with(|view| view.tokens.len() < 60));

    let position_of = |target: Option<EventTarget>| -> Option<usize> {
        let element: Element = target?.dyn_into().ok()?;
        element.closest("[data-position]").ok()??.get_attribute("data-position")?.parse().ok()
    };
    let on_key = move |event: KeyboardEvent| {
        let Some(position) = position_of(event.target()) else { return };
        // A lecture's keys are for the whole text, unless a word is open.
        if app.lecture.get_untracked() && app.inspected.get_untracked().is_none() {
            return;
        }
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
            class:plain=move || app.lines.get() == Underline::None
            class:order=move || app.lines.get() == Underline::Order
            node_ref=paper
            role="group"
            aria-label="The text, word by word. Arrow keys move, Enter opens a word, Delete erases it, P pins it."
            on:keydown=on_key
            on:copy=move |event| marked::copy(app, paper, &event)
            on:pointerdown=|event| {
                if event.pointer_type() == "mouse" {
                    press(event.target());
                }
            }
            on:click=move |event| {
                // Who has marked text meant the text.
                let position = position_of(event.target()).filter(|_| !marked::any());
                if let Some(position) = position {
                    let open = app.inspected.get_untracked();
                    app.inspected.set((open != Some(position)).then_some(position));
                    focus_token(position);
                }
            }
            on:pointerover=move |event| {
                if event.pointer_type() == "mouse" {
                    hovered.set(position_of(event.target()));
                }
            }
            on:pointerleave=move |_| hovered.set(None)
        >
            <Words view=view>
                <span class="note">"The text ends here."</span>
                <button class="small" on:click=move |_| app.write_on()>
                    "Remove the end and write on"
                </button>
            </Words>
            <TokenCard hovered=hovered paper=paper />
        </div>
    }
}

/// Keeps a mouse that is pressed on a token from focusing it: Chromium then marks no text from the
/// beginning of the token on. A click focuses it.
fn press(target: Option<EventTarget>) {
    let element: Option<Element> = target.and_then(|target| target.dyn_into().ok());
    let token = element.and_then(|element| element.closest(".token[tabindex]").ok().flatten());
    let Some(token) = token else { return };
    let index = token.get_attribute(INDEX).unwrap_or_default();
    // The name is valid, so neither can fail.
    let _ = token.remove_attribute(INDEX);
    spawn_local(async move {
        TimeoutFuture::new(0).await;
        let _ = token.set_attribute(INDEX, &index);
    });
}

/// Focuses a token, if it exists.
pub(super) fn focus_token(position: usize) {
    let selector = format!("[data-position=\"{position}\"]");
    let found = document().query_selector(&selector).ok().flatten();
    if let Some(element) = found.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        // Fails only for an element that has just been removed.
        let _ = element.focus();
    }
}
