//! Two traces beside each other: one time line, their places, and where they part.

mod support;

use plot::Trace;
use plot::compare::{abreast, common, differences, parting, sentence};
use plot::draw::{Draw, Size};
use plot::layout::{Moment, Pair, Pane, Style};
use support::{denoising, measure, story};

const PROMPT: &str = "A fox named Tilda";
const STORY: &str = " found a red kite in the old pear tree. She jumped as high as she could.";

/// The same story in many steps and in few.
fn runs() -> [Trace; 2] {
    [denoising(PROMPT, STORY, None, 20), denoising(PROMPT, STORY, None, 4)]
}

#[test]
fn both_runs_are_at_the_same_share() {
    let frames: Vec<usize> = (0..=20).map(|frame| abreast(frame.into(), 20, 4).frame).collect();
    assert!(frames.is_sorted());
    for (at, frame) in [(0, 0), (4, 0), (5, 1), (9, 1), (10, 2), (15, 3), (19, 3), (20, 4)] {
        assert_eq!(frames[at], frame, "{at}");
    }
    let middle = abreast(Moment { frame: 2, phase: 0.5 }, 20, 4);
    assert!(middle.frame == 0 && (middle.phase - 0.5).abs() < 1e-5, "{middle:?}");
    // The flash fades while the end stays, and a run of one frame has only that.
    let end = Moment { frame: 20, phase: 3.0 };
    assert_eq!(abreast(end, 20, 4), Moment { frame: 4, phase: 3.0 });
    assert_eq!(abreast(7.into(), 20, 0).frame, 0);
    assert_eq!(abreast(end, 20, 20), end);
    // Every whole frame of the longer run falls on one of the shorter where it can.
    for (longest, last) in [(100, 8), (99, 7), (64, 63), (3, 2)] {
        for frame in (0..=longest).filter(|frame| (frame * last) % longest == 0) {
            assert_eq!(abreast(frame.into(), longest, last).frame, frame * last / longest);
        }
    }
}

#[test]
fn settings_tell_runs_apart() {
    let [many, few] = runs();
    assert_eq!(differences(&many, &few), ["20 steps", "4 steps"]);
    assert_eq!(differences(&many, &many), ["", ""]);
    let cool = Trace { temperature: 0.0, top_k: None, seed: 2, ..few.clone() };
    assert_eq!(
        differences(&few, &cool),
        ["temperature 0.8, top-k 40, seed 1234", "temperature 0, no top-k, seed 2"]
    );
    assert_eq!(common(&few, &cool), ["4 steps", "carry sampler"]);
}

#[test]
fn the_first_difference_is_named() {
    let [many, few] = runs();
    assert_eq!(parting(&many, &many), None);
    assert_eq!(sentence(&many, &many), "Both runs are the same, step for step.");
    let mut short = many.clone();
    short.frames.truncate(8);
    assert_eq!(
        sentence(&many, &short),
        "Both runs are the same up to step 7, where the second one stops."
    );

    // One token is another one, from the seventh step on.
    let mut other = many.clone();
    let visible = |&i: &usize| !many.fixed[i] && many.frames[7].ids[i] != many.mask_id;
    let position = (0..many.len()).find(visible).expect("something is written");
    let (old, new) = (many.frames[7].ids[position], many.frames[20].ids[0]);
    assert_ne!(old, new);
    for frame in &mut other.frames[7..] {
        frame.ids[position] = new;
    }
    let found = parting(&many, &other).expect("they differ");
    assert_eq!((found.frame, found.step, found.position, found.same_end), (7, 7, position, false));
    let text = |id: u32| String::from_utf8_lossy(many.pieces[&id].as_bytes()).trim().to_owned();
    let expected = format!(
        "They part at step 7, at token {}: “{}” in the first text, “{}” in the second.",
        position + 1,
        text(old),
        text(new)
    );
    assert_eq!(sentence(&many, &other), expected);

    // Other ways to the same text.
    let found = parting(&many, &few).expect("they differ");
    assert!(found.same_end && found.frame == 1, "{found:?}");
    assert!(sentence(&many, &few).ends_with(" Both end with the same text."));
    let begun = sentence(&many, &denoising("A cat named Tilda", STORY, None, 4));
    assert!(begun.starts_with("They differ from the start, at token 2: “fox” in"), "{begun}");
}

fn texts(shapes: &[Draw]) -> Vec<(f32, f32, String)> {
    let text = |shape: &Draw| match shape {
        Draw::Text { x, y, text, .. } => Some((*x, *y, text.clone())),
        _ => None,
    };
    shapes.iter().filter_map(text).collect()
}

#[test]
fn both_texts_have_places_of_their_own() {
    let [many, few] = runs();
    let [mut left, right] = Pane::both(&many, &few);
    left.seconds = (0..=20).map(|frame| frame as f32 * 0.25).collect();
    for size in [Size::WIDE, Size::SQUARE, Size { width: 720, height: 1280 }] {
        let panes = [left.clone(), right.clone()];
        let pair = Pair::new(panes, size, &mut measure);
        assert_eq!(pair.frames(), 21);
        let shapes = pair.draw(10.into(), &Style::default(), &mut measure);
        let texts = texts(&shapes);
        for told in ["20 steps", "4 steps", "step 10 / 20", "step 2 / 4", "2.5 s of computing"] {
            assert!(texts.iter().any(|(_, _, text)| text == told), "{told} in {texts:?}");
        }
        // The words of the prompt stand once in each half.
        let fox: Vec<_> = texts.iter().filter(|(_, _, text)| text == "fox").collect();
        assert_eq!(fox.len(), 2, "{size:?}");
        let (width, height) = (size.width as f32, size.height as f32);
        if height > width {
            assert!(fox[0].1 < height / 2.0 && fox[1].1 > height / 2.0 && fox[0].0 == fox[1].0);
        } else {
            assert!(fox[0].0 < width / 2.0 && fox[1].0 > width / 2.0 && fox[0].1 == fox[1].1);
        }
        for shape in &shapes {
            if let Draw::Rect { x, y, width: w, height: h, .. } = shape {
                assert!(*x >= 0.0 && *y >= 0.0 && x + w <= width + 0.1 && y + h <= height + 0.1);
            }
        }
        let end = pair.draw(20.into(), &Style::default(), &mut measure);
        let all = |told: &str| self::texts(&end).iter().filter(|(_, _, text)| text == told).count();
        assert_eq!((all("kite"), all("step 20 / 20"), all("step 4 / 4")), (2, 1, 1));
    }
}

#[test]
fn long_and_short_texts_have_letters_of_one_size() {
    let (long, short) = (story(), denoising(PROMPT, STORY, None, 4));
    let pair = Pair::new(Pane::both(&long, &short), Size::WIDE, &mut measure);
    let size = |word: &str| {
        let shapes = pair.draw(50.into(), &Style::default(), &mut measure);
        let found = shapes.into_iter().find_map(|shape| match shape {
            Draw::Text { size, text, .. } if text == word => Some(size),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("no {word}"))
    };
    assert_eq!(size("Bruno"), size("could"));
}
