//! The loss over the steps, and bits per byte beside what the grammar leaves open.

use leptos::prelude::*;

use crate::state::App;
use crate::state::training::Curves;

/// Width and height of a curve, in SVG units.
const SIZE: (f64, f64) = (300.0, 120.0);
/// Most points of a path: more are not seen.
const MOST_POINTS: usize = 300;

/// A horizontal line with its name.
#[derive(Clone, Debug, PartialEq)]
struct Mark {
    name: String,
    value: f64,
}

/// The curves of the training.
#[component]
pub(super) fn Losses() -> impl IntoView {
    let training = App::get().training;
    let curves = Memo::new(move |_| training.records.with(|records| Curves::of(records)));
    let start = Memo::new(move |_| {
        let vocabulary = training.info.with(|info| info.as_ref().map(|info| info.vocabulary));
        vocabulary.map(|size| f64::from(size.max(2)).ln())
    });
    let entropy = Memo::new(move |_| {
        let entropy = training.info.with(|info| info.as_ref().map(|info| info.entropy));
        entropy.filter(|entropy| *entropy > 0.0)
    });
    let loss_marks = move || {
        let start =
            start.get().map(|value| Mark { name: format!("guessing: ln V = {value:.2}"), value });
        let words = training.corpus.with(|corpus| corpus.as_ref().map(|corpus| corpus.unigram));
        let words = words.filter(|value| *value > 0.0);
        let words = words.map(|value| Mark { name: "frequencies of words".to_owned(), value });
        start.into_iter().chain(words).collect::<Vec<_>>()
    };
    let bits_marks = move || {
        let mark =
            |value: f64| Mark { name: format!("left open by the grammar: {value:.2}"), value };
        entropy.get().map(mark).into_iter().collect::<Vec<_>>()
    };
    let loss_now = move || {
        curves.with(|curves| match (curves.validation.last(), curves.train.last()) {
            (Some((_, held_out)), Some((_, train))) => {
                format!("{held_out:.2} ({train:.2} in training)")
            }
            (Some((_, held_out)), None) => format!("{held_out:.2}"),
            (None, Some((_, train))) => format!("{train:.2} in training"),
            (None, None) => "–".to_owned(),
        })
    };
    let bits_now = move || {
        curves.with(|curves| {
            curves.bits.last().map_or("–".to_owned(), |(_, bits)| format!("{bits:.2}"))
        })
    };
    view! {
        <section class="curves losses" aria-label="Curves of the training">
            <Curve
                title="Loss on held-out text, in nats" now=Signal::derive(loss_now)
                held_out=Signal::derive(move || curves.with(|curves| curves.validation.clone()))
                train=Signal::derive(move || curves.with(|curves| curves.train.clone()))
                marks=Signal::derive(loss_marks)
            />
            <Show when=move || curves.with(|curves| !curves.bits.is_empty())>
                <Curve
                    title="Bits per byte" now=Signal::derive(bits_now)
                    held_out=Signal::derive(move || curves.with(|curves| curves.bits.clone()))
                    train=Signal::derive(Vec::new)
                    marks=Signal::derive(bits_marks)
                />
            </Show>
        </section>
    }
}

#[component]
fn Curve(
    title: &'static str,
    #[prop(into)] now: Signal<String>,
    #[prop(into)] held_out: Signal<Vec<(u32, f64)>>,
    #[prop(into)] train: Signal<Vec<(u32, f64)>>,
    #[prop(into)] marks: Signal<Vec<Mark>>,
) -> impl IntoView {
    let training = App::get().training;
    let (width, height) = SIZE;
    // From zero to just above whatever is highest: the axis stays as it is while the loss falls.
    let top = Memo::new(move |_| {
        let values =
            |points: &Vec<(u32, f64)>| points.iter().map(|point| point.1).fold(0.0, f64::max);
        let marks = marks.with(|marks| marks.iter().map(|mark| mark.value).fold(0.0, f64::max));
        1.06 * held_out.with(values).max(train.with(values)).max(marks).max(0.1)
    });
    let y = move |value: f64| height * (1.0 - value / top.get());
    let place = move |&(step, value): &(u32, f64)| {
        (width * f64::from(step) / f64::from(training.steps().max(1)), y(value))
    };
    let draw = move |points: &Vec<(u32, f64)>| {
        let points = thinned(points, MOST_POINTS);
        path(&points.iter().map(place).collect::<Vec<_>>())
    };
    view! {
        <figure class="curve tall">
            <figcaption>
                <span class="label">{title}</span>
                <span class="number">{move || now.get()}</span>
            </figcaption>
            <div class="plot">
                <svg viewBox=format!("0 0 {width} {height}") preserveAspectRatio="none" aria-hidden="true">
                    {move || marks.get().into_iter().map(|mark| view! {
                        <line class="mark" x1="0" x2=width y1=y(mark.value) y2=y(mark.value)></line>
                    }).collect_view()}
                    <path class="future" d=move || train.with(draw)></path>
                    <path class="past" d=move || held_out.with(draw)></path>
                </svg>
                {move || marks.get().into_iter().map(|mark| view! {
                    <span class="mark-name" style:top=format!("{:.1}%", 100.0 * y(mark.value) / height)>{mark.name}</span>
                }).collect_view()}
            </div>
        </figure>
    }
}

/// At most so many points, the last among them: means of neighbours.
fn thinned(points: &[(u32, f64)], most: usize) -> Vec<(u32, f64)> {
    let group = points.len().div_ceil(most).max(1);
    let mean = |part: &[(u32, f64)]| {
        let sum: f64 = part.iter().map(|point| point.1).sum();
        Some((part.last()?.0, sum / part.len() as f64))
    };
    points.chunks(group).filter_map(mean).collect()
}

fn path(points: &[(f64, f64)]) -> String {
    let point = |(i, (x, y)): (usize, &(f64, f64))| {
        format!("{}{x:.1} {y:.1}", if i == 0 { 'M' } else { 'L' })
    };
    points.iter().enumerate().map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_curves_are_thinned_to_means() {
        let points: Vec<(u32, f64)> = (1..=7).map(|step| (step, f64::from(step))).collect();
        assert_eq!(thinned(&points, 10), points);
        assert_eq!(thinned(&points, 3), [(3, 2.0), (6, 5.0), (7, 7.0)]);
        assert_eq!(thinned(&[], 3), []);
    }
}
