//! What to do in the lesson, under its text.

use leptos::prelude::*;

use super::story::focus_token;
use crate::state::{App, Lesson};

/// The words of the lesson.
#[component]
pub(super) fn LessonNote() -> impl IntoView {
    let app = App::get();
    let open = move |_| {
        if let Some(Lesson::Change(position)) = app.lesson.get_untracked() {
            app.inspected.set(Some(position));
            focus_token(position);
        }
    };
    let turn = Memo::new(move |_| matches!(app.lesson.get(), Some(Lesson::Change(_))));
    view! {
        <Show when=move || app.lesson.get().is_some()>
            <div class="lesson" role="group" aria-label="Lesson">
                <p>
                    {move || {
                        if turn.get() {
                            view! {
                                <strong>"Change the ringed word. "</strong>
                                "Press it and choose another one. The model goes on from your word, and then both endings stand side by side."
                            }.into_any()
                        } else {
                            view! { "Watch the first half being written. Then it stops, and it is your turn." }.into_any()
                        }
                    }}
                </p>
                <div class="lesson-actions">
                    <Show when=move || turn.get()>
                        <button class="small" on:click=open>"Open the ringed word"</button>
                    </Show>
                    <button class="small" on:click=move |_| app.leave_lesson()>"Leave the lesson"</button>
                </div>
            </div>
        </Show>
    }
}
