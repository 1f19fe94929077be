//! The tour: five cards that point at the page, from the first hidden word to the curves.

use gloo_timers::future::TimeoutFuture;
use leptos::html::Div;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

use super::reader::COURSE;
use crate::state::{App, Reading};

/// Where a card points, and what it shows there.
struct Card {
    title: &'static str,
    text: &'static str,
    /// What it points at, as a selector.
    target: &'static str,
    /// Share of the run that is shown.
    at: f32,
}

const CARDS: [Card; 5] = [
    Card {
        title: "Hide",
        text: "Every word begins as a blank. Most language models write from left to right; this \
               one writes all over the page at once.",
        target: ".paper .token.masked, .paper",
        at: 0.0,
    },
    Card {
        title: "Guess",
        text: "In each step the model guesses every hidden word at once, from all the words that \
               it sees: before the gap and after it. The red words are new.",
        target: ".paper .token.lit, .paper",
        at: 0.4,
    },
    Card {
        title: "Keep some, and again",
        text: "A few guesses stay: the surest ones, or some at random, as the sampler says. The \
               others are hidden and guessed again, with more to go by. Drag the slider to go \
               back and forth.",
        target: ".scrubber",
        at: 0.6,
    },
    Card {
        title: "Change a word",
        text: "Press any word: see what else the model thought of, put another word there, or \
               erase it. The story goes on from your change.",
        target: ".paper .token.written",
        at: 0.8,
    },
    Card {
        title: "Read the curves",
        text: "They tell how many words are still hidden, how many each step kept, how sure the \
               model is of those that it wrote, and how open its guesses are. The course tells the rest.",
        target: ".curves",
        at: 1.0,
    },
];

/// When each of eight words appears, from left to right and all at once.
const ORDERS: [(&str, [u8; 8]); 2] =
    [("Left to right", [1, 2, 3, 4, 5, 6, 7, 8]), ("All at once", [2, 1, 3, 1, 2, 3, 1, 2])];

/// Space between the card, what it points at, and the edges of the window, in pixels.
const SPACE: f64 = 16.0;

/// Where a card stands on the page, and its arrow on the card, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Place {
    left: f64,
    top: f64,
    arrow: f64,
}

/// The card that is open.
#[component]
pub(super) fn Tour() -> impl IntoView {
    let app = App::get();
    let card = NodeRef::<Div>::new();
    let place = RwSignal::new(Place::default());
    let show = move || {
        let Some(number) = app.tour.get_untracked() else { return };
        spawn_local(async move {
            // The page first shows the moment that the card speaks of.
            TimeoutFuture::new(40).await;
            if app.tour.get_untracked() == Some(number) {
                let Some(card) = card.get_untracked() else { return };
                // Before it is pointed, for the focus scrolls; fails only for what is not shown.
                let _ = card.focus();
                if let Some(found) = point(CARDS[number].target, &card) {
                    place.set(found);
                }
            }
        });
    };
    Effect::new(move |_| match app.tour.get() {
        Some(number) => {
            app.seek_share(CARDS[number].at);
            show();
        }
        None => {
            place.set(Place::default());
            point_nowhere();
        }
    });
    let resized = window_event_listener(leptos::ev::resize, move |_| show());
    on_cleanup(move || resized.remove());
    let go = move |number: usize| app.tour.set((number < CARDS.len()).then_some(number));
    let number = move || app.tour.get().unwrap_or(0).min(CARDS.len() - 1);
    let keys = move |event: KeyboardEvent| {
        match event.key().as_str() {
            "Escape" => finish(app),
            "ArrowRight" => go((number() + 1).min(CARDS.len() - 1)),
            "ArrowLeft" => go(number().saturating_sub(1)),
            _ => return event.stop_propagation(),
        }
        event.prevent_default();
        event.stop_propagation();
    };
    view! {
        <Show when=move || app.tour.get().is_some()>
            <div
                class="tour"
                role="dialog"
                aria-labelledby="tour-title"
                tabindex="-1"
                node_ref=card
                style:left=move || format!("{}px", place.get().left)
                style:top=move || format!("{}px", place.get().top)
                on:keydown=keys
            >
                <span class="tour-arrow" aria-hidden="true" style:left=move || format!("{}px", place.get().arrow)></span>
                <p class="note">{move || format!("{} of {}", number() + 1, CARDS.len())}</p>
                <h2 id="tour-title">{move || CARDS[number()].title}</h2>
                <p>{move || CARDS[number()].text}</p>
                <Show when=move || number() == 0>
                    <Orders />
                </Show>
                <Show when=move || number() + 1 == CARDS.len()>
                    <p>
                        <a href=COURSE on:click=move |event| {
                            event.prevent_default();
                            app.end_tour();
                            app.reading.set(Some(Reading { file: COURSE.to_owned(), anchor: String::new() }));
                        }>"The course: from hidden words to every gradient"</a>
                    </p>
                </Show>
                <div class="tour-actions">
                    <button class="small" on:click=move |_| finish(app)>
                        {move || if number() + 1 == CARDS.len() { "Close" } else { "Skip the tour" }}
                    </button>
                    <span class="tour-steps">
                        <button class="small" disabled=move || number() == 0 on:click=move |_| go(number().saturating_sub(1))>"Back"</button>
                        <Show when=move || number() + 1 < CARDS.len()>
                            <button class="small next" on:click=move |_| go(number() + 1)>"Next"</button>
                        </Show>
                    </span>
                </div>
            </div>
        </Show>
    }
}

/// Eight words from left to right, and all at once: they appear once, in their order, which numbers
/// also tell.
#[component]
fn Orders() -> impl IntoView {
    let row = |(name, order): (&'static str, [u8; 8])| {
        let last = order.into_iter().max().unwrap_or(1);
        let words = order
            .map(|turn| {
                let delay = format!("{:.2}s", 0.3 + f32::from(turn) * 0.4);
                view! { <span style:animation-delay=delay>{turn}</span> }
            })
            .collect_view();
        view! {
            <p class="order-name">{name}<span class="note">{format!("{last} steps")}</span></p>
            <p class="order-words" aria-hidden="true">{words}</p>
        }
    };
    view! { <div class="orders">{ORDERS.map(row).collect_view()}</div> }
}

/// The invitation to the tour: a line for who has not seen it, a link afterwards.
#[component]
pub(super) fn TourOffer() -> impl IntoView {
    let app = App::get();
    // It tells of a text that comes from everywhere at once.
    let suits = move || {
        app.with_shown(|branch, _| !branch.request.sampler.writes_left_to_right()) == Some(true)
    };
    view! {
        <Show when=suits>
            <p class="note tour-offer">
                <Show
                    when=move || app.toured.get()
                    fallback=move || view! {
                        <span>"New here? Five cards show what you see."</span>
                        <button class="small" on:click=move |_| app.begin_tour()>"Take the tour"</button>
                        <button class="link" on:click=move |_| app.refuse_tour()>"No, thanks"</button>
                    }
                >
                    <button class="link" on:click=move |_| app.begin_tour()>"The tour, in five cards"</button>
                </Show>
            </p>
        </Show>
    }
}

/// Ends the tour; the focus goes to the button that begins it.
fn finish(app: App) {
    app.end_tour();
    spawn_local(async move {
        TimeoutFuture::new(0).await;
        let button = document().query_selector(".tour-offer button").ok().flatten();
        if let Some(button) = button.and_then(|button| button.dyn_into::<HtmlElement>().ok()) {
            // Fails only for an element that is not shown.
            let _ = button.focus();
        }
    });
}

/// Rings what the card speaks of, brings it into view with room for the card below, and says where
/// the card goes.
fn point(selector: &str, card: &Element) -> Option<Place> {
    point_nowhere();
    let target =
        selector.split(", ").find_map(|one| document().query_selector(one).ok().flatten())?;
    // The name is valid, so this cannot fail.
    let _ = target.set_attribute("data-pointed", "");
    let (window, root) = (window(), document().document_element()?);
    let (width, height) = (f64::from(root.client_width()), f64::from(root.client_height()));
    let size = card.get_bounding_client_rect();
    let room = size.height() + 2.0 * SPACE;
    let seen = target.get_bounding_client_rect();
    if seen.top() < SPACE || seen.bottom() + room > height {
        // Above all, what the card points at is to be seen.
        let by = (seen.bottom() - (height - room)).min(seen.top() - SPACE);
        window.scroll_by_with_x_and_y(0.0, by);
    }
    let seen = target.get_bounding_client_rect();
    let scrolled = window.scroll_y().unwrap_or(0.0);
    let middle = seen.left() + seen.width() / 2.0;
    let most = (width - size.width() - SPACE).max(SPACE);
    let left = (middle - size.width() / 3.0).clamp(SPACE, most);
    let arrow = (middle - left - 7.0).clamp(SPACE, (size.width() - 2.0 * SPACE).max(SPACE));
    Some(Place { left, top: seen.bottom() + scrolled + SPACE, arrow })
}

/// Removes the ring.
fn point_nowhere() {
    let pointed: Option<Element> = document().query_selector("[data-pointed]").ok().flatten();
    if let Some(pointed) = pointed {
        // As above.
        let _ = pointed.remove_attribute("data-pointed");
    }
}
