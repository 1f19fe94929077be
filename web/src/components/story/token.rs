//! One token on the page.

use leptos::prelude::*;
use plot::State;

use super::view::{Flash, StoryView, TokenView};

/// The box of one token.
#[component]
pub(super) fn TokenBox(
    view: Memo<StoryView>,
    /// Position in the text.
    position: usize,
    /// It begins a line: the space before it does not count.
    first: bool,
) -> impl IntoView {
    let token = Memo::new(move |_| {
        view.with(|view| view.tokens.get(position).cloned().unwrap_or_default())
    });
    let gap = move || if first { "0".into() } else { format!("{:.3}em", token.with(|t| t.gap)) };
    view! {
        <span
            class=move || token.with(class)
            data-position=position
            role="button"
            tabindex=if position == 0 { "0" } else { "-1" }
            aria-label=move || token.with(label)
            style:width=move || format!("{:.3}em", token.with(|t| t.width))
            style:margin-left=gap
        >
            <span
                class="letters"
                style:font-size=move || format!("{:.3}em", token.with(|t| t.shrink.max(0.1)))
            >
                {move || token.with(letters)}
            </span>
        </span>
    }
}

fn class(token: &TokenView) -> String {
    let mut class = String::from("token");
    class += match token.state {
        Some(State::Prompt) => " given",
        Some(State::Masked) => " masked",
        _ => " written",
    };
    class += match token.flash {
        Flash::None => "",
        Flash::Even => " flash-even",
        Flash::Odd => " flash-odd",
        Flash::Lit => " lit",
    };
    if matches!(token.state, Some(State::Fresh | State::Settled)) && !token.text.is_empty() {
        class += &format!(" sure-{}", token.confidence);
    }
    for (is, name) in [
        (token.pinned, " pinned"),
        (token.dim, " dim"),
        (token.end, " end"),
        (token.breaks, " break"),
    ] {
        if is {
            class += name;
        }
    }
    class
}

fn letters(token: &TokenView) -> String {
    if token.breaks { "↵".into() } else { token.text.clone() }
}

fn label(token: &TokenView) -> String {
    let what = match token.state {
        Some(State::Masked) => return "masked".into(),
        _ if token.end => "end of text",
        _ if token.breaks => "line break",
        _ if token.text.is_empty() => "space",
        _ => token.text.as_str(),
    };
    let how = match token.state {
        Some(State::Prompt) => "prompt".into(),
        _ if token.pinned => "pinned".into(),
        _ => format!("{} percent sure", u32::from(token.confidence) * 10),
    };
    let behind = if token.dim { ", behind the end of the text" } else { "" };
    format!("{what}, {how}{behind}")
}
