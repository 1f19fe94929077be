//! One of two texts: what it is, how far it has come, and its words.

use leptos::prelude::*;
use plot::Clock;

use super::super::story::{Sheet, Shown};
use super::titles::titles;
use crate::state::{App, Branch, Right};

/// How far a text has come.
#[derive(Clone, Debug, PartialEq)]
struct Progress {
    clock: Clock,
    written: usize,
    all: usize,
    seconds: Option<f32>,
    /// It ended here, before the last step that there could have been.
    early: bool,
}

impl Progress {
    fn of(branch: &Branch, head: usize) -> Self {
        let (trace, frame) = (&branch.trace, head.min(branch.last()));
        let (all, clock) = (trace.generated(), trace.clock(trace.frames[frame].step));
        Self {
            clock,
            early: branch.finished && frame == branch.last() && clock.done < clock.of,
            written: all.saturating_sub(trace.masks(frame)),
            all,
            seconds: branch.seconds.get(frame).copied(),
        }
    }

    /// What stands behind the number of steps done.
    fn of_all(&self) -> String {
        match self.early {
            true => ", the last that was needed".into(),
            false => format!(" of {}", self.clock.of),
        }
    }
}

/// A text of the comparison: the one on the left, or on the right.
#[component]
pub(super) fn Side(right: bool) -> impl IntoView {
    let app = App::get();
    let branch = Memo::new(move |_| {
        app.compared.with(|comparison| {
            let comparison = comparison.as_ref()?;
            match comparison.right {
                _ if !right => Some(comparison.left),
                Right::Branch(branch) => Some(branch),
                Right::Coming { .. } => None,
            }
        })
    });
    let head = Memo::new(move |_| {
        let (comparison, moment) = (app.compared.get(), app.moment.get());
        app.tree.with(|tree| {
            let found = branch.get().and_then(|index| tree.branches.get(index));
            comparison.zip(found).map_or(0, |(both, branch)| both.frame(tree, branch, moment))
        })
    });
    let title = Memo::new(move |_| {
        let comparison = app.compared.get()?;
        let [first, second] = app.tree.with(|tree| titles(tree, &comparison));
        Some(if right { second } else { first })
    });
    let progress = Memo::new(move |_| {
        let (index, head) = (branch.get()?, head.get());
        app.tree.with(|tree| tree.branches.get(index).map(|branch| Progress::of(branch, head)))
    });
    let share = move || {
        let share = |now: Progress| 100.0 * now.written as f32 / now.all.max(1) as f32;
        progress.get().map_or(0.0, share)
    };
    let shown = Shown {
        tree: app.tree.into(),
        branch: branch.into(),
        head: head.into(),
        moving: app.replaying.into(),
        underline: app.lines.into(),
        open: Signal::stored(None),
        ringed: Signal::stored(None),
    };
    view! {
        <article class="side" class:right=right>
            <h3>{move || title.get()}</h3>
            <p class="facts note">
                {move || match progress.get() {
                    None => view! { <span>"not begun yet"</span> }.into_any(),
                    Some(now) => view! {
                        <span>
                            {format!("{} ", now.clock.unit())}
                            <strong class="number side-step" style:min-width=digits(now.clock.of)>{now.clock.done}</strong>
                            {now.of_all()}
                        </span>
                        <span class="number">{format!("{} of {} words", now.written, now.all)}</span>
                        {now.seconds.map(|seconds| view! {
                            <span class="number" title="Time that the model has computed so far">
                                {format!("{seconds:.1} s")}
                            </span>
                        })}
                    }.into_any(),
                }}
            </p>
            <div class="written-bar" aria-hidden="true">
                <span style:width=move || format!("{:.1}%", share())></span>
            </div>
            <Sheet shown=shown />
        </article>
    }
}

/// Room for numbers up to this one, so that what follows stands still.
fn digits(most: u32) -> String {
    format!("{}ch", most.to_string().len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::tree::tests::finished;

    #[test]
    fn a_text_that_ended_early_says_so() {
        let mut branch = finished().branches.swap_remove(0);
        let said = |branch: &Branch, head| Progress::of(branch, head).of_all();
        assert_eq!(said(&branch, 4), " of 4");
        (branch.trace.steps, branch.trace.corrections) = (2, 12);
        assert_eq!(said(&branch, 3), " of 12");
        assert_eq!(said(&branch, 4), ", the last that was needed");
        branch.finished = false;
        assert_eq!(said(&branch, 4), " of 12");
    }
}
