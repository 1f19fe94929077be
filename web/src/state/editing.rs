//! Interference: a person changes a token, the model goes on from there.

use leptos::prelude::*;
use plot::Piece;

use super::{App, Edit};

impl App {
    /// Applies an edit to a token of the shown frame. A run that was going on goes on.
    pub fn edit(self, position: usize, edit: Edit) {
        let was_running = self.running.get_untracked();
        self.pause();
        let head = self.head.get_untracked();
        let mut shown = head;
        self.tree.update(|tree| {
            shown = tree.edit(head, position, edit);
            if let (Edit::Replace(id), Some(info)) = (edit, self.info.get_untracked()) {
                name_piece(tree, id, &info.pieces);
            }
        });
        self.head.set(shown);
        let what = match edit {
            Edit::Erase => "Word erased.",
            Edit::Pin => "Word pinned.",
            Edit::Release => "Pin removed.",
            Edit::Replace(_) => "Word replaced.",
        };
        self.said.set(what.into());
        if was_running {
            self.go_on();
        }
        self.show_both_endings(edit);
    }

    /// Takes back the last edit of the shown branch.
    pub fn undo(self) {
        self.pause();
        self.inspected.set(None);
        let mut shown = None;
        self.tree.update(|tree| shown = tree.undo());
        if let Some(frame) = shown {
            self.head.set(frame);
            self.said.set("The change is undone.".into());
        }
    }

    /// Erases the end of the shown text and lets the model go on; it cannot end the text again.
    pub fn write_on(self) {
        self.pause();
        self.head.set(self.last());
        let end = self.with_shown_untracked(|branch, head| branch.trace.end(head)).flatten();
        if let Some(end) = end {
            self.edit(end, Edit::Erase);
            self.tree.update(|tree| {
                if let Some(branch) = tree.shown_mut() {
                    branch.request.stop_at_end = false;
                    branch.trace.runs_on = true;
                }
            });
            self.go_on();
        }
    }

    /// Pins a token, or lets it go.
    pub fn toggle_pin(self, position: usize) {
        let pinned = self.with_shown_untracked(|branch, head| branch.trace.pinned(head, position));
        self.edit(position, if pinned == Some(true) { Edit::Release } else { Edit::Pin });
    }

    /// The token that stands for exactly this text, with a space before it or without.
    pub fn token_of(self, text: &str) -> Option<u32> {
        let info = self.info.get_untracked()?;
        let find = |wanted: &str| {
            let is = |piece: &Piece| matches!(piece, Piece::Text(text) if text == wanted);
            let id = info.pieces.iter().position(is)? as u32;
            (!info.special.contains(&id)).then_some(id)
        };
        find(&format!(" {}", text.trim_start())).or_else(|| find(text))
    }
}

/// Makes sure that the trace says what this token stands for.
fn name_piece(tree: &mut super::Tree, id: u32, pieces: &[Piece]) {
    if let (Some(branch), Some(piece)) = (tree.shown_mut(), pieces.get(id as usize)) {
        branch.trace.pieces.insert(id, piece.clone());
    }
}
