//! Copying a selection. The DOM has no spaces between tokens and extra line breaks, so the text
//! comes from the trace.

use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{ClipboardEvent, Element, Node};

use crate::state::App;

/// Copies the selected tokens as text. A selection that reaches beyond the text is left to the
/// browser.
pub(super) fn copy(app: App, paper: NodeRef<Div>, event: &ClipboardEvent) {
    let text = paper.get_untracked().and_then(|paper| marked(app, &paper));
    if let Some((text, clipboard)) = text.zip(event.clipboard_data())
        && clipboard.set_data("text/plain", text.trim()).is_ok()
    {
        event.prevent_default();
    }
}

/// Whether any text is marked.
pub(super) fn any() -> bool {
    let selection = window().get_selection().ok().flatten();
    selection.is_some_and(|selection| !selection.is_collapsed())
}

fn marked(app: App, paper: &Element) -> Option<String> {
    let selection = window().get_selection().ok()??;
    let inside = |node: Option<Node>| node.is_some_and(|node| paper.contains(Some(&node)));
    if !inside(selection.anchor_node()) || !inside(selection.focus_node()) {
        return None;
    }
    let tokens = paper.query_selector_all("[data-position]").ok()?;
    let positions = (0..tokens.length()).filter_map(|i| {
        let token: Element = tokens.get(i)?.dyn_into().ok()?;
        let marked = selection.contains_node_with_allow_partial_containment(&token, true);
        marked.ok().filter(|&marked| marked)?;
        token.get_attribute("data-position")?.parse::<usize>().ok()
    });
    let (first, last) = positions.fold(None, |range, position| match range {
        None => Some((position, position)),
        Some((first, last)) => Some((position.min(first), position.max(last))),
    })?;
    app.with_shown_untracked(|branch, head| branch.trace.passage(head, first..last + 1))
}
