//! Small curves over the steps, with a playhead: masks left, tokens kept by each step, mean confidence and
//! entropy.

use leptos::prelude::*;
use plot::State;

use crate::state::{App, Branch};

/// Width and height of a curve, in SVG units.
const SIZE: (f32, f32) = (300.0, 64.0);

/// What a run looks like in numbers.
#[component]
pub(super) fn Curves() -> impl IntoView {
    let masks = |branch: &Branch| {
        let all = branch.trace.generated().max(1) as f32;
        let share = |frame| Some(branch.trace.masks(frame) as f32 / all);
        (0..=branch.last()).map(share).collect()
    };
    let confidence = |branch: &Branch| {
        (0..=branch.last()).map(|frame| branch.trace.mean_confidence(frame)).collect()
    };
    let masks_now = |branch: &Branch, head: usize| {
        format!("{} of {}", branch.trace.masks(head), branch.trace.generated())
    };
    let kept_now = |branch: &Branch, head: usize| kept(branch, head).to_string();
    let confidence_now = |branch: &Branch, head: usize| {
        branch.trace.mean_confidence(head).map_or("–".into(), |mean| format!("{mean:.2}"))
    };
    let entropy_now = |branch: &Branch, head: usize| {
        entropy(branch, head).map_or("–".into(), |entropy| format!("{entropy:.1} nats"))
    };
    view! {
        <section class="curves" aria-label="Curves">
            <Curve class="masks" title="Hidden words" values=masks now=masks_now />
            <Curve class="kept" title="Kept per step" values=shares_kept now=kept_now bars=true />
            <Curve class="confidence" title="Mean confidence" values=confidence now=confidence_now />
            <Curve class="entropy" title="Mean entropy" values=entropies now=entropy_now />
        </section>
    }
}

/// Tokens that the step to a frame left in the text, new there: what the schedule comes to. Those of a
/// person do not count.
fn kept(branch: &Branch, frame: usize) -> usize {
    let fresh = |&position: &usize| {
        branch.trace.state(frame, position) == State::Fresh && !branch.trace.pinned(frame, position)
    };
    (0..branch.trace.len()).filter(fresh).count()
}

/// The same for every frame, as shares of the largest; nothing where there is none.
fn shares_kept(branch: &Branch) -> Vec<Option<f32>> {
    let all: Vec<_> = (0..=branch.last()).map(|frame| kept(branch, frame)).collect();
    let most = all.iter().copied().max().unwrap_or(0);
    all.into_iter().map(|kept| (kept > 0).then(|| kept as f32 / most as f32)).collect()
}

/// Mean entropy of what the model expected in the step that led to a frame, in nats.
fn entropy(branch: &Branch, frame: usize) -> Option<f32> {
    let expected = branch.predictions.get(frame)?.as_ref()?;
    let asked: Vec<f32> =
        (0..branch.trace.len()).filter_map(|position| expected.entropy(position)).collect();
    (!asked.is_empty()).then(|| asked.iter().sum::<f32>() / asked.len() as f32)
}

/// The same for every frame, as shares of the largest.
fn entropies(branch: &Branch) -> Vec<Option<f32>> {
    let all: Vec<_> = (0..=branch.last()).map(|frame| entropy(branch, frame)).collect();
    let most = all.iter().flatten().fold(0.1f32, |most, &entropy| most.max(entropy));
    all.into_iter().map(|entropy| Some(entropy? / most)).collect()
}

#[component]
fn Curve(
    class: &'static str,
    title: &'static str,
    values: fn(&Branch) -> Vec<Option<f32>>,
    now: fn(&Branch, usize) -> String,
    /// A bar for each value instead of a line through all.
    #[prop(default = false)]
    bars: bool,
) -> impl IntoView {
    let app = App::get();
    let (width, height) = SIZE;
    // The x axis covers all planned steps, so the curve grows to the right.
    let drawn = Memo::new(move |_| {
        app.with_shown(|branch, head| {
            let total = branch.trace.total().max(1) as f32;
            let x = |frame: usize| width * branch.trace.frames[frame].step as f32 / total;
            let points: Vec<(f32, f32)> = values(branch)
                .into_iter()
                .enumerate()
                .filter_map(|(frame, value)| {
                    Some((x(frame), height - (height - 4.0) * value? - 2.0))
                })
                .collect();
            let head_x = x(head);
            let past: Vec<(f32, f32)> =
                points.iter().copied().filter(|point| point.0 <= head_x).collect();
            let (path, under) = if bars {
                (columns as fn(&[(f32, f32)]) -> String, String::new())
            } else {
                (path as _, area(&past, height))
            };
            (path(&points), path(&past), under, head_x, past.last().copied(), now(branch, head))
        })
        .unwrap_or_default()
    });
    view! {
        <figure class=format!("curve {class}")>
            <figcaption>
                <span class="label">{title}</span>
                <span class="number">{move || drawn.with(|drawn| drawn.5.clone())}</span>
            </figcaption>
            <svg viewBox=format!("0 0 {width} {height}") preserveAspectRatio="none" aria-hidden="true">
                <path class="future" d=move || drawn.with(|drawn| drawn.0.clone())></path>
                <path class="under" d=move || drawn.with(|drawn| drawn.2.clone())></path>
                <path class="past" d=move || drawn.with(|drawn| drawn.1.clone())></path>
                <line class="playhead" y1="0" y2=height
                    x1=move || drawn.with(|drawn| drawn.3) x2=move || drawn.with(|drawn| drawn.3)></line>
            </svg>
        </figure>
    }
}

fn path(points: &[(f32, f32)]) -> String {
    let point = |(i, (x, y)): (usize, &(f32, f32))| {
        format!("{}{x:.1} {y:.1}", if i == 0 { 'M' } else { 'L' })
    };
    points.iter().enumerate().map(point).collect()
}

/// A line from the bottom to each point.
fn columns(points: &[(f32, f32)]) -> String {
    points.iter().map(|(x, y)| format!("M{x:.1} {}V{y:.1}", SIZE.1)).collect()
}

fn area(points: &[(f32, f32)], bottom: f32) -> String {
    match (points.first(), points.last()) {
        (Some(first), Some(last)) => {
            format!("{}L{:.1} {bottom}L{:.1} {bottom}Z", path(points), last.0, first.0)
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Predictions;
    use crate::state::tree::tests::finished;
    use crate::state::{Edit, Tree};
    use writer::TOP;

    #[test]
    fn steps_keep_what_is_new_and_no_persons_words() {
        let mut tree = finished();
        let of = |tree: &Tree| {
            let branch = tree.shown().expect("it is shown");
            (0..=branch.last()).map(|frame| kept(branch, frame)).collect::<Vec<_>>()
        };
        assert_eq!(of(&tree), [0, 1, 1, 1, 1]);
        tree.edit(2, 1, Edit::Replace(14));
        assert_eq!(of(&tree), [0, 1, 1]);
        let all = shares_kept(&finished().branches[0]);
        assert_eq!(all, [None, Some(1.0), Some(1.0), Some(1.0), Some(1.0)]);
        assert_eq!(columns(&[(1.0, 2.0), (3.0, 4.0)]), "M1.0 64V2.0M3.0 64V4.0");
    }

    #[test]
    fn entropy_is_the_mean_of_what_was_asked() {
        let mut tree = finished();
        let branch = &mut tree.branches[0];
        let mut tokens = vec![u32::MAX; 5 * TOP];
        (tokens[TOP], tokens[2 * TOP]) = (10, 11);
        let probabilities = vec![0.5; 5 * TOP];
        let entropy = vec![9.0, 1.0, 2.0, 9.0, 9.0];
        branch.predictions[2] = Some(Predictions { tokens, probabilities, entropy });
        assert_eq!(super::entropy(branch, 2), Some(1.5));
        assert_eq!(entropies(branch), [None, None, Some(1.0), None, None]);
    }
}
