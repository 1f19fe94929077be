//! The DOM elements of all tokens.

use web_sys::{Element, HtmlElement};

use super::fade::Fade;
use super::token::TokenBox;
use super::view::StoryView;

/// Most boxes created in one task; the rest follow, so that no task takes long.
const AT_ONCE: usize = 48;

/// The tokens on the page.
#[derive(Debug)]
pub(super) struct Lines {
    element: Element,
    /// The rule between the text and the positions after its end.
    ending: HtmlElement,
    tokens: Vec<TokenBox>,
    end: Option<usize>,
    fade: Fade,
    /// The words cannot be opened.
    passive: bool,
}

impl Lines {
    /// No token yet; `ending` is hidden somewhere in `element`.
    pub(super) fn new(element: Element, ending: HtmlElement, passive: bool) -> Self {
        let fade = Fade::default();
        Self { element, ending, tokens: vec![], end: None, fade, passive }
    }

    /// Shows the text. Returns whether all boxes exist; if not, call it again.
    pub(super) fn show(&mut self, view: &StoryView) -> bool {
        let moves = view.moves && view.tokens.len() == self.tokens.len();
        if moves {
            self.fade.start(&self.element, self.tokens.iter().map(TokenBox::element));
        }
        for left_over in self.tokens.drain(view.tokens.len().min(self.tokens.len())..) {
            left_over.remove();
        }
        let many = view.tokens.len().min(self.tokens.len() + AT_ONCE);
        for position in self.tokens.len()..many {
            self.tokens.extend(TokenBox::new(&self.element, position, self.passive));
        }
        for (token, shown) in self.tokens.iter_mut().zip(&view.tokens) {
            token.show(shown);
        }
        if self.end != view.end && many == view.tokens.len() {
            self.end = view.end;
            let behind = view.end.and_then(|end| self.tokens.get(end + 1));
            self.ending.set_hidden(behind.is_none());
            if let Some(behind) = behind {
                behind.precede(&self.ending);
            }
        }
        if moves {
            self.fade.end(&self.element, self.tokens.iter().map(TokenBox::element));
        }
        many == view.tokens.len()
    }
}
