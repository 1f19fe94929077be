//! The small tree of branches.

use leptos::prelude::*;

use super::compare::listed;
use crate::state::{App, Tree};

/// A row of the tree.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    index: usize,
    depth: usize,
    /// Where the branch begins and where it is now, as fractions of all steps.
    from: f32,
    to: f32,
    title: String,
    detail: String,
}

/// All runs since the page was opened; a branch is listed under the run it forked from.
#[component]
pub(super) fn Branches() -> impl IntoView {
    let app = App::get();
    let rows = Memo::new(move |_| app.tree.with(rows));
    view! {
        // With nothing shown, one run is enough to be listed: it is the way back to it.
        <Show when=move || rows.with(|rows| rows.len() > usize::from(app.has_run()))>
            <section class="branches" aria-labelledby="branches-title">
                <h2 id="branches-title">"Texts and branches"</h2>
                <ol>
                    <For
                        each=move || rows.get()
                        key=|row| format!("{row:?}")
                        children=move |row| {
                            let Row { index, depth, from, to, title, detail } = row;
                            let beside = format!("Compare with: {title}");
                            let compare = move |_| {
                                let shown = app.tree.with_untracked(|tree| tree.current);
                                if let Some(shown) = shown {
                                    app.compare(shown, index, 0);
                                }
                            };
                            let current = move || app.tree.with(|tree| tree.current == Some(index));
                            view! {
                                <li>
                                    <button
                                        class="branch"
                                        class:current=current
                                        aria-current=move || current().then_some("true")
                                        on:click=move |_| app.show_branch(index)
                                    >
                                        <span class="branch-title" style:padding-left=format!("{}em", depth as f32 * 1.2)>
                                            {(depth > 0).then(|| view! { <span class="elbow" aria-hidden="true"></span> })}
                                            {title}
                                        </span>
                                        <span class="track" aria-hidden="true">
                                            <span
                                                class="span"
                                                style:left=format!("{:.1}%", from * 100.0)
                                                style:width=format!("{:.1}%", (to - from).max(0.01) * 100.0)
                                            ></span>
                                        </span>
                                        <span class="note number">{detail}</span>
                                    </button>
                                    <Show when=move || app.has_run() && !current()>
                                        <button class="small" title="Side by side with the text that is shown" aria-label=beside.clone() on:click=compare>
                                            "Compare"
                                        </button>
                                    </Show>
                                </li>
                            }
                        }
                    />
                </ol>
            </section>
        </Show>
    }
}

/// Depth first: every branch directly under the one it forked from.
fn rows(tree: &Tree) -> Vec<Row> {
    let mut out = Vec::new();
    let roots = (0..tree.branches.len()).filter(|&i| tree.branches[i].fork.is_none());
    roots.for_each(|root| add(tree, root, 0, &mut out));
    out
}

fn add(tree: &Tree, index: usize, depth: usize, out: &mut Vec<Row>) {
    out.push(row(tree, index, depth));
    let left = |i: &usize| tree.branches[*i].fork.is_some_and(|fork| fork.branch == index);
    for child in (0..tree.branches.len()).filter(left) {
        add(tree, child, depth + 1, out);
    }
}

fn row(tree: &Tree, index: usize, depth: usize) -> Row {
    let branch = &tree.branches[index];
    // One that ended early is as complete as any.
    let all = if branch.finished {
        branch.trace.frames[branch.last()].step
    } else {
        branch.trace.total()
    };
    let total = all.max(1) as f32;
    let step = |frame: usize| branch.trace.frames[frame.min(branch.last())].step;
    let from = branch.fork.map_or(0, |fork| step(fork.frame));
    let to = step(branch.last());
    let title = listed(tree, index);
    let now = branch.trace.clock(to).to_string();
    let detail = if branch.finished { "complete".into() } else { now };
    Row { index, depth, from: from as f32 / total, to: (to as f32 / total).min(1.0), title, detail }
}
