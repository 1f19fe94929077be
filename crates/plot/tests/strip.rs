//! The texts of a training: inside the margins, whole, and with a curve that grows.

mod support;

use plot::draw::{Align, Draw, Size};
use plot::layout::{Moment, Strip, StripPlan, Style};
use support::measure;

const SIZES: [Size; 3] = [Size::WIDE, Size::SQUARE, Size { width: 640, height: 360 }];

/// A training with these texts, one after every fifty steps.
fn strip(texts: &[&str]) -> Strip {
    let texts = texts.iter().enumerate();
    Strip {
        name: "pocket-first-stories".into(),
        steps: 1000,
        guessing: 6.24,
        loss: (0..8).map(|i| (50 * i, 6.3 / f64::from(1 + i))).collect(),
        texts: texts.map(|(i, text)| (50 * i as u32, (*text).to_owned())).collect(),
    }
}

/// Texts that are hard to set.
fn strips() -> Vec<Strip> {
    let long = "Once upon a time there was a little cat that sang. ".repeat(60);
    let unbreakable = "unbreakable".repeat(80);
    let wide = "\u{4f60}\u{597d}".repeat(50);
    vec![
        strip(&["the the . and", "Once upon a time, a cat was happy."]),
        strip(&[""]),
        strip(&["", &long, &unbreakable, &wide, "  two \n\n spaces  "]),
        Strip { loss: vec![], guessing: 0.0, steps: 0, ..strip(&["a", "b"]) },
        Strip { name: "a name that is very long ".repeat(20), ..strip(&["a"]) },
    ]
}

fn text_of(shape: &Draw) -> Option<&str> {
    match shape {
        Draw::Text { text, .. } => Some(text),
        _ => None,
    }
}

fn texts(shapes: &[Draw]) -> Vec<&str> {
    shapes.iter().filter_map(text_of).collect()
}

#[test]
fn everything_stays_inside_the_margins() {
    for strip in strips() {
        for size in SIZES {
            let plan = StripPlan::new(&strip, size, &mut measure);
            assert_eq!(plan.frames(), strip.texts.len());
            let (right, bottom) = (size.width as f32, size.height as f32);
            let margin = 0.04 * right;
            for frame in 0..plan.frames() {
                let moment = Moment { frame, phase: 0.5 };
                for shape in plan.draw(moment, &Style::default(), &mut measure) {
                    let Draw::Text { x, y, align, size, weight, text, .. } = &shape else {
                        continue;
                    };
                    let width = measure(text, *size, *weight);
                    let left = if *align == Align::Right { x - width } else { *x };
                    let inside = left >= margin && left + width <= right - margin + 0.5;
                    assert!(inside && y - size > 0.0 && *y < bottom - margin / 2.0, "{shape:?}");
                }
            }
        }
    }
}

#[test]
fn texts_are_whole_with_step_and_loss() {
    let long = "Once upon a time, a fox named Tilda saw a kite. ".repeat(12);
    let strip = strip(&["the the and .", &long, "Once upon a time, a cat was happy."]);
    let plan = StripPlan::new(&strip, Size::WIDE, &mut measure);
    for (frame, (step, text)) in strip.texts.iter().enumerate() {
        let shapes = plan.draw(frame.into(), &Style::default(), &mut measure);
        let shown = texts(&shapes);
        let words: Vec<&str> = text.split_whitespace().collect();
        assert!(shown.join(" ").contains(&words.join(" ")), "{shown:?}");
        assert!(shown.contains(&format!("{step} / 1000").as_str()), "{shown:?}");
        let loss = format!("{:.2}", strip.loss[frame].1);
        assert!(shown.contains(&loss.as_str()), "{shown:?}");
    }
}

#[test]
fn a_text_is_shown_with_the_loss_that_was_known() {
    let strip = Strip { loss: vec![(20, 5.5), (70, 4.5)], ..strip(&["a", "b", "c"]) };
    let plan = StripPlan::new(&strip, Size::WIDE, &mut measure);
    for (frame, loss) in [(0, "–"), (1, "5.50"), (2, "4.50")] {
        let shapes = plan.draw(frame.into(), &Style::default(), &mut measure);
        assert!(texts(&shapes).contains(&loss), "{:?}", texts(&shapes));
    }
}

#[test]
fn the_curve_grows_from_text_to_text() {
    let strip = strip(&["a", "b", "c", "d"]);
    for size in SIZES {
        let plan = StripPlan::new(&strip, size, &mut measure);
        let mut ends = Vec::new();
        for at in 0..=30u8 {
            let at = f32::from(at) / 10.0;
            let moment = Moment { frame: at as usize, phase: at.fract() };
            let shapes = plan.draw(moment, &Style::default(), &mut measure);
            let curve = shapes.iter().find_map(|shape| match shape {
                Draw::Polyline { points, .. } => points.last(),
                _ => None,
            });
            ends.push(curve.expect("a curve")[0]);
        }
        assert!(ends.windows(2).all(|pair| pair[1] > pair[0]), "{ends:?}");
        // The axis ends with the last text.
        let right = size.width as f32 - ends[0].min(0.07 * size.width as f32);
        assert!((ends[30] - right).abs() < 0.03 * size.width as f32, "{} {right}", ends[30]);
    }
}

#[test]
fn a_new_text_appears() {
    let strip = strip(&["old", "new"]);
    let plan = StripPlan::new(&strip, Size::WIDE, &mut measure);
    let alpha = |frame, phase| {
        let shapes = plan.draw(Moment { frame, phase }, &Style::default(), &mut measure);
        shapes.iter().find_map(|shape| match shape {
            Draw::Text { text, color, .. } if text == "old" || text == "new" => Some(color.a),
            _ => None,
        })
    };
    assert_eq!(alpha(0, 0.0), Some(255));
    assert!(alpha(1, 0.0) < alpha(1, 0.04) && alpha(1, 0.04) < Some(255));
    assert_eq!(alpha(1, 0.1), Some(255));
}
