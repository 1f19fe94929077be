//! One token on the page.
//!
//! Every step changes many tokens, so they are not reactive views: a box compares the new state with
//! the shown one and writes only the differences to the DOM.

use leptos::prelude::*;
use plot::State;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::view::{Flash, TokenView};

/// The box of one token.
#[derive(Clone, Debug)]
pub(super) struct TokenBox {
    element: HtmlElement,
    letters: HtmlElement,
    opens_text: bool,
    /// The line break before it, when it begins a line.
    turn: Option<Element>,
    shown: TokenView,
}

impl TokenBox {
    /// Adds a box for `position` to the end of `lines`; it shows nothing yet.
    pub(super) fn new(lines: &Element, position: usize, passive: bool) -> Option<Self> {
        let make = |name| document().create_element(name).ok()?.dyn_into::<HtmlElement>().ok();
        let (element, letters) = (make("span")?, make("span")?);
        letters.set_class_name("letters");
        if !passive {
            set(&element, "data-position", &position.to_string());
            set(&element, "role", "button");
            set(&element, "tabindex", if position == 0 { "0" } else { "-1" });
        }
        element.append_child(&letters).ok()?;
        lines.append_child(&element).ok()?;
        let shown = TokenView::default();
        Some(Self { element, letters, opens_text: position == 0, turn: None, shown })
    }

    /// The element to animate.
    pub(super) fn element(&self) -> &Element {
        &self.element
    }

    /// Shows a token.
    pub(super) fn show(&mut self, token: &TokenView) {
        if self.shown == *token {
            return;
        }
        let before = std::mem::replace(&mut self.shown, token.clone());
        let Self { element, letters, shown, .. } = self;
        let changed = |of: fn(&TokenView) -> String| {
            let now = of(shown);
            (of(&before) != now || before.state.is_none()).then_some(now)
        };
        if let Some(class) = changed(class) {
            element.set_class_name(&class);
        }
        if let Some(label) = changed(label).filter(|_| element.has_attribute("role")) {
            set(element, "aria-label", &label);
        }
        if let Some(width) = changed(|token| em(token.width)) {
            style(element, "width", &width);
        }
        if let Some(gap) = changed(|token| em(if token.first { 0.0 } else { token.gap })) {
            style(element, "margin-left", &gap);
        }
        if let Some(size) = changed(|token| em(token.shrink.max(0.1))) {
            style(letters, "font-size", &size);
        }
        if let Some(text) = changed(written) {
            letters.set_text_content(Some(&text));
        }
        self.turn(token.first && !self.opens_text);
    }

    /// Inserts or removes the line break before the box.
    fn turn(&mut self, wanted: bool) {
        match (&self.turn, wanted) {
            (Some(turn), false) => {
                turn.remove();
                self.turn = None;
            }
            (None, true) => {
                self.turn = document().create_element("br").ok();
                if let Some(turn) = &self.turn {
                    // Cannot fail: the box is in the document.
                    let _ = self.element.before_with_node_1(turn);
                }
            }
            _ => {}
        }
    }

    /// Puts an element on a line of its own before the box.
    pub(super) fn precede(&self, element: &Element) {
        // As above.
        let _ = self.element.before_with_node_1(element);
    }

    /// Removes the box.
    pub(super) fn remove(&self) {
        self.element.remove();
        if let Some(turn) = &self.turn {
            turn.remove();
        }
    }
}

fn set(element: &Element, name: &str, value: &str) {
    // Fails only for invalid names.
    let _ = element.set_attribute(name, value);
}

fn style(element: &HtmlElement, name: &str, value: &str) {
    // As above.
    let _ = element.style().set_property(name, value);
}

fn em(length: f32) -> String {
    format!("{length:.3}em")
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
        class += &format!(" sure-{}", token.tone);
    }
    for (is, name) in [
        (token.pinned, " pinned"),
        (token.dim, " dim"),
        (token.end, " end"),
        (token.breaks, " break"),
        (token.paragraph, " paragraph"),
        (token.open, " open"),
        (token.ringed, " ringed"),
    ] {
        if is {
            class += name;
        }
    }
    class
}

fn written(token: &TokenView) -> String {
    if token.breaks { "↵".into() } else { token.text.clone() }
}

fn label(token: &TokenView) -> String {
    let what = match token.state {
        Some(State::Masked) => return "hidden".into(),
        _ if token.end => "end of text",
        _ if token.breaks => "line break",
        _ if token.text.is_empty() => "space",
        _ => token.text.as_str(),
    };
    let how = match token.state {
        Some(State::Prompt) => "given".into(),
        _ if token.pinned => "pinned".into(),
        _ => format!("{} percent", u32::from(token.confidence) * 10),
    };
    let behind = if token.dim { ", after the end of the text" } else { "" };
    format!("{what}, {how}{behind}")
}
