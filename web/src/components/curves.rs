//! Two small curves over the steps, with a playhead: masks left and mean confidence.

use leptos::prelude::*;

use crate::state::{App, Branch};

/// Width and height of a curve, in SVG units.
const SIZE: (f32, f32) = (300.0, 64.0);

/// Mask count and confidence.
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
    let confidence_now = |branch: &Branch, head: usize| {
        branch.trace.mean_confidence(head).map_or("–".into(), |mean| format!("{mean:.2}"))
    };
    view! {
        <section class="curves" aria-label="Curves">
            <Curve class="masks" title="Hidden words" values=masks now=masks_now />
            <Curve class="confidence" title="Mean confidence" values=confidence now=confidence_now />
        </section>
    }
}

#[component]
fn Curve(
    class: &'static str,
    title: &'static str,
    values: fn(&Branch) -> Vec<Option<f32>>,
    now: fn(&Branch, usize) -> String,
) -> impl IntoView {
    let app = App::get();
    let (width, height) = SIZE;
    // The x axis covers all planned steps, so the curve grows to the right.
    let drawn = Memo::new(move |_| {
        app.with_shown(|branch, head| {
            let total =
                branch.trace.steps.max(branch.trace.frames[branch.last()].step).max(1) as f32;
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
            (
                path(&points),
                path(&past),
                area(&past, height),
                head_x,
                past.last().copied(),
                now(branch, head),
            )
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

fn area(points: &[(f32, f32)], bottom: f32) -> String {
    match (points.first(), points.last()) {
        (Some(first), Some(last)) => {
            format!("{}L{:.1} {bottom}L{:.1} {bottom}Z", path(points), last.0, first.0)
        }
        _ => String::new(),
    }
}
