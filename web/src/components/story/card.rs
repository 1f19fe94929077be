//! The token card: confidence, alternatives, history, and edits.

use gloo_timers::future::TimeoutFuture;
use leptos::html::{Div, Input};
use leptos::prelude::*;
use plot::{Clock, Piece, State};
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent};

use super::focus_token;
use crate::protocol::ModelInfo;
use crate::state::{App, Branch, Edit, Lesson};

/// Most entries of the history.
const HISTORY: usize = 6;

/// Content of the card.
#[derive(Clone, Debug, PartialEq)]
struct Facts {
    position: usize,
    /// Text of the token.
    shown: String,
    state: State,
    pinned: bool,
    confidence: f32,
    /// The model's probability of the token, if it is among the best.
    share: Option<f32>,
    /// Step whose prediction is shown.
    step: Clock,
    /// Token, text, probability.
    best: Vec<(u32, String, f32)>,
    entropy: Option<f32>,
    /// Step, and the token from then on.
    history: Vec<(String, String)>,
    /// The model sees only what stands before, and has not come here.
    ahead: bool,
}

/// The card of the selected token, or of the one under the pointer.
#[component]
pub(super) fn TokenCard(hovered: RwSignal<Option<usize>>, paper: NodeRef<Div>) -> impl IntoView {
    let app = App::get();
    let position = Memo::new(move |_| app.inspected.get().or(hovered.get()));
    let facts = Memo::new(move |_| {
        let position = position.get()?;
        let info = app.info.get();
        let facts = app.with_shown(|branch, head| facts(branch, head, position, info.as_deref()));
        let mut facts = facts.flatten()?;
        if app.lesson.get() == Some(Lesson::Change(position)) {
            facts.best.retain(|(id, ..)| app.is_word(*id));
        }
        Some(facts)
    });
    let open = Memo::new(move |_| facts.with(Option::is_some));
    let place = Memo::new(move |_| {
        app.head.track();
        position.get().and_then(|position| place(paper, position)).unwrap_or_default()
    });
    view! {
        <Show when=move || open.get()>
            <div
                class="card"
                class:sheet=move || app.inspected.get().is_some()
                role="dialog"
                aria-label="About this word"
                style:left=move || format!("{}px", place.get().left)
                style:top=move || pixels(place.get().top)
                style:bottom=move || pixels(place.get().bottom)
                on:click=move |event| {
                    event.stop_propagation();
                    keep_focus(position.get_untracked());
                }
                on:pointerover=|event| event.stop_propagation()
                on:keydown=move |event: KeyboardEvent| {
                    event.stop_propagation();
                    if event.key() == "Escape" {
                        close(app);
                    }
                }
            >
                {move || facts.get().map(|facts| view! { <About facts=facts /> })}
            </div>
        </Show>
    }
}

fn pixels(distance: Option<f64>) -> String {
    distance.map_or("auto".into(), |distance| format!("{distance}px"))
}

/// Closes the card; the focus goes back to the word.
fn close(app: App) {
    if let Some(position) = app.inspected.get_untracked() {
        app.inspected.set(None);
        focus_token(position);
    }
}

/// Moves the focus back to the token if the focused button has disappeared.
fn keep_focus(position: Option<usize>) {
    let Some(position) = position else { return };
    leptos::task::spawn_local(async move {
        TimeoutFuture::new(0).await;
        let nowhere =
            document().active_element().is_none_or(|focused| focused.tag_name() == "BODY");
        if nowhere {
            focus_token(position);
        }
    });
}

#[component]
fn About(facts: Facts) -> impl IntoView {
    let app = App::get();
    let Facts { position, shown, state, pinned, confidence, share, step, best, entropy, .. } =
        facts;
    let Facts { history, ahead, .. } = facts;
    let opened = move || app.inspected.get().is_some();
    let masked = state == State::Masked;
    let verdict = match state {
        State::Masked if step.done == 0 => "hidden at the start".into(),
        State::Masked => format!("still hidden after {step}"),
        State::Prompt => "given by the prompt".into(),
        _ if pinned => "pinned by you".into(),
        _ => written(step, share, confidence),
    };
    let most = best.first().map_or(1.0, |best| best.2).max(1e-6);
    let rows = best
        .into_iter()
        .map(|(id, text, probability)| {
            let percent = percent(probability);
            let width = format!("{:.1}%", 100.0 * probability / most);
            view! {
                <li>
                    <button
                        class="alternative"
                        title="Put this word here"
                        on:click=move |_| app.edit(position, Edit::Replace(id))
                    >
                        <span class="bar" style:width=width></span>
                        <span class="what">{text}</span>
                        <span class="number">{percent}</span>
                    </button>
                </li>
            }
        })
        .collect_view();
    let history = history
        .into_iter()
        .map(|(step, what)| {
            view! { <li><span class="number">{step}</span>" "<span class="what">{what}</span></li> }
        })
        .collect_view();
    view! {
        <div class="card-head">
            <strong class="what">{shown}</strong>
            <span class="note">{verdict}</span>
        </div>
        <ol class="alternatives" aria-label="Best alternatives">{rows}</ol>
        {ahead.then(|| view! {
            <p class="note">"The model has not come here yet: it sees only what stands before."</p>
        })}
        {entropy
            .map(|entropy| {
                view! {
                    <p class="note">
                        {sureness(entropy)} " (entropy "
                        <span class="number">{format!("{entropy:.1}")}</span>
                        "). Percentages are the model's own, before temperature."
                    </p>
                }
            })}
        <ol class="history" aria-label="History, by step">{history}</ol>
        <Show when=opened>
            <div class="card-actions">
                <button class="small" disabled=masked on:click=move |_| app.edit(position, Edit::Erase)>
                    "Erase"
                </button>
                <button class="small" disabled=masked on:click=move |_| app.toggle_pin(position)>
                    {if pinned { "Unpin" } else { "Pin" }}
                </button>
                <TypeToken position=position />
                <button class="small" on:click=move |_| close(app)>"Close"</button>
            </div>
        </Show>
        <Show when=move || !opened()>
            <p class="note hint">"Click to erase, pin or replace it."</p>
        </Show>
    }
}

/// Input for a replacement token.
#[component]
fn TypeToken(position: usize) -> impl IntoView {
    let app = App::get();
    let field = NodeRef::<Input>::new();
    let complaint = RwSignal::new(String::new());
    let put = move || {
        let text = field.get_untracked().map(|field| field.value()).unwrap_or_default();
        match app.token_of(&text).filter(|_| !text.trim().is_empty()) {
            Some(id) => app.edit(position, Edit::Replace(id)),
            None => complaint.set(match text.trim() {
                "" => "Type a word first.".into(),
                word => format!(
                    "The model has no single token for “{word}”: try a shorter or more common word."
                ),
            }),
        }
    };
    view! {
        <form
            class="type-token"
            on:submit=move |event| {
                event.prevent_default();
                put();
            }
        >
            <input
                class="field"
                type="text"
                node_ref=field
                placeholder="another word"
                aria-label="Another word for this place"
                autocomplete="off"
                spellcheck="false"
                maxlength="40"
            />
            <button class="small" type="submit">"Put"</button>
        </form>
        <Show when=move || !complaint.get().is_empty()>
            <p class="note complaint" role="status">{move || complaint.get()}</p>
        </Show>
    }
}

/// Content of the card for a position; `info` has the text of tokens that the trace lacks.
fn facts(branch: &Branch, head: usize, position: usize, info: Option<&ModelInfo>) -> Option<Facts> {
    let trace = &branch.trace;
    if position >= trace.len() {
        return None;
    }
    let state = branch.state(head, position);
    // The predictions of the step that wrote a visible token explain it.
    let written = match state {
        State::Masked => head,
        _ => trace.age(head, position).map_or(head, |age| head - age),
    };
    let predictions = branch.expected(written, position);
    let best = predictions.into_iter().flat_map(|predictions| predictions.top(position));
    let best: Vec<(u32, f32)> = best.collect();
    let pieces = info.filter(|info| info.wrote(trace)).map(|info| &info.pieces);
    let name = |id: u32| {
        if id == trace.mask_id {
            "hidden".to_owned()
        } else if Some(id) == trace.end_id {
            "end of text".to_owned()
        } else {
            let known = pieces.and_then(|pieces| pieces.get(id as usize));
            trace.pieces.get(&id).or(known).map_or_else(|| format!("token {id}"), readable)
        }
    };
    let at = |frame: usize| trace.frames[frame].ids[position];
    let clock = |frame: usize| trace.clock(trace.frames[frame].step);
    let mut history: Vec<(String, String)> = (0..=head)
        .filter(|&frame| frame == 0 || at(frame) != at(frame - 1))
        .map(|frame| (clock(frame).short(), name(at(frame))))
        .collect();
    history.drain(..history.len().saturating_sub(HISTORY));
    Some(Facts {
        position,
        shown: name(at(head)),
        state,
        pinned: trace.pinned(head, position),
        confidence: trace.frames[head].confidence[position],
        step: clock(written),
        share: best.iter().find(|(id, _)| *id == at(head)).map(|(_, share)| *share),
        best: best.into_iter().map(|(id, share)| (id, name(id), share)).collect(),
        entropy: predictions.and_then(|all| all.entropy(position)),
        history,
        ahead: state == State::Masked
            && predictions.is_none()
            && branch.request.sampler.writes_left_to_right(),
    })
}

/// A token as visible text.
fn readable(piece: &Piece) -> String {
    let text = String::from_utf8_lossy(piece.as_bytes()).into_owned();
    match text.trim() {
        "" if text.contains('\n') => "line break".into(),
        "" => "space".into(),
        trimmed => trimmed.to_owned(),
    }
}

/// When a word was written and with which probability: the model's own where it is known, and after
/// temperature and cuts where that is another one.
fn written(step: Clock, share: Option<f32>, drawn: f32) -> String {
    let (when, after) = (if step.correcting { "in" } else { "at" }, percent(drawn));
    let how = match share.map(percent) {
        Some(share) if share == after => share,
        Some(share) => format!("model {share}, after temperature {after}"),
        None => format!("{after} after temperature"),
    };
    format!("written {when} {step}: {how}")
}

/// A probability in percent, with one digit where that tells something.
fn percent(probability: f32) -> String {
    match probability * 100.0 {
        ..0.1 => "<\u{a0}0.1%".into(),
        share @ ..9.95 => format!("{share:.1}%"),
        share @ 99.5..99.95 => format!("{share:.1}%"),
        share => format!("{share:.0}%"),
    }
}

fn sureness(entropy: f32) -> &'static str {
    match entropy {
        ..0.5 => "Nearly certain",
        ..1.5 => "A few words would fit",
        ..3.0 => "Undecided: many words would fit",
        _ => "Undecided: dozens of words would fit",
    }
}

/// How much of its token a card above it may cover, in pixels.
const COVERED: f64 = 30.0;

/// Position of the card relative to the sheet, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Place {
    left: f64,
    /// From the top, when the card is below the token.
    top: Option<f64>,
    /// From the bottom, when it is above.
    bottom: Option<f64>,
}

/// Below the token, or above it where there is more room; never outside the sheet.
fn place(paper: NodeRef<Div>, position: usize) -> Option<Place> {
    let paper: Element = paper.get_untracked()?.unchecked_into();
    let token = paper.query_selector(&format!("[data-position=\"{position}\"]")).ok()??;
    let (outer, inner) = (paper.get_bounding_client_rect(), token.get_bounding_client_rect());
    // As high as a card gets.
    let (width, height) = (288.0, 440.0);
    let left = (inner.left() - outer.left() - 12.0).min(outer.width() - width - 8.0).max(8.0);
    let below = outer.bottom() - inner.bottom();
    Some(if below < height && inner.top() > height - COVERED {
        // Rather over the top of the token than out of the window.
        let end = (inner.top() - 4.0).max(height);
        Place { left, top: None, bottom: Some(outer.bottom() - end) }
    } else {
        Place { left, top: Some(inner.bottom() - outer.top() + 8.0), bottom: None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_read_at_a_glance() {
        for (probability, text) in [
            (0.0, "<\u{a0}0.1%"),
            (0.0004, "<\u{a0}0.1%"),
            (0.012, "1.2%"),
            (0.0996, "10%"),
            (0.561, "56%"),
            (0.9962, "99.6%"),
            (0.9999, "100%"),
            (1.0, "100%"),
        ] {
            assert_eq!(percent(probability), text, "{probability}");
        }
    }

    #[test]
    fn both_probabilities_of_a_word_are_told() {
        let step = |done| Clock { done, of: 50, correcting: false };
        let told = "written at step 14: model 56%, after temperature 80%";
        assert_eq!(written(step(14), Some(0.56), 0.8), told);
        assert_eq!(written(step(2), Some(0.56), 0.56), "written at step 2: 56%");
        assert_eq!(written(step(2), None, 0.02), "written at step 2: 2.0% after temperature");
        let correction = Clock { correcting: true, ..step(3) };
        assert_eq!(written(correction, Some(0.5), 0.5), "written in correction 3: 50%");
    }
}
