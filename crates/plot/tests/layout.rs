//! The layout: everything inside the margins, nothing on top of anything else, nothing that moves,
//! and each state in its colours.

mod support;

use plot::draw::{Align, Color, Draw, Size, Weight};
use plot::layout::{Moment, Place, Plan, Style};
use plot::theme::Theme;
use plot::{State, Trace};
use support::{END, MASK, denoising, measure, story};

const SIZES: [Size; 3] = [Size::WIDE, Size::SQUARE, Size { width: 640, height: 360 }];

/// Texts that are hard to set.
fn traces() -> Vec<Trace> {
    let sentence = "The bird sang a song about the sea.\n\nIt was very happy. ";
    vec![
        story(),
        denoising("The cat", " sat on the mat.", Some(""), 12),
        denoising("A long day.", &sentence.repeat(60), None, 10),
        denoising("", &"unbreakable".repeat(80), None, 8),
        denoising("A", &"\n".repeat(300), None, 8),
        denoising("\n\nA  b", "   c \n d\u{301}\u{2014}\u{4f60}\u{597d}", Some("\n\nx"), 4),
        denoising(&"a prompt that fills it all ".repeat(20), "", None, 2),
    ]
}

/// Left, top, right and bottom of a shape.
fn bounds(shape: &Draw) -> [f32; 4] {
    let of = |points: &[[f32; 2]]| {
        points.iter().fold([f32::MAX, f32::MAX, f32::MIN, f32::MIN], |b, p| {
            [b[0].min(p[0]), b[1].min(p[1]), b[2].max(p[0]), b[3].max(p[1])]
        })
    };
    match shape {
        &Draw::Rect { x, y, width, height, .. } => [x, y, x + width, y + height],
        Draw::Text { x, y, align, size, weight, text, .. } => {
            let width = measure(text, *size, *weight);
            let left = match align {
                Align::Left => *x,
                Align::Center => x - width / 2.0,
                Align::Right => x - width,
            };
            [left, y - 0.8 * size, left + width, y + 0.25 * size]
        }
        Draw::Line { from, to, .. } => of(&[*from, *to]),
        Draw::Polyline { points, .. } | Draw::Area { points, .. } => of(points),
    }
}

#[test]
fn everything_stays_inside_the_margins() {
    for trace in traces() {
        for size in SIZES {
            let plan = Plan::new(&trace, size, &mut measure);
            // Dots of the charts and flashes reach a little over the grid.
            let margin = plan.text_area()[0] - 0.25 * plan.text_area()[0].min(40.0);
            let (right, bottom) = (size.width as f32 - margin, size.height as f32 - margin / 2.0);
            for frame in 0..trace.frames.len() {
                let shapes = plan.draw(frame.into(), &Style::default(), &mut measure);
                for shape in shapes.iter().skip(1).filter(|s| !is_empty(s)) {
                    let [x0, y0, x1, y1] = bounds(shape);
                    assert!(
                        x0 >= margin && x1 <= right && y0 >= margin / 2.0 && y1 <= bottom,
                        "{shape:?} leaves {size:?} at frame {frame} of {:?}",
                        trace.prompt
                    );
                }
            }
        }
    }
}

fn is_empty(shape: &Draw) -> bool {
    matches!(shape, Draw::Polyline { points, .. } if points.is_empty())
}

#[test]
fn tokens_have_places_of_their_own() {
    for trace in traces() {
        for size in SIZES {
            let plan = Plan::new(&trace, size, &mut measure);
            let [x, y, width, height] = plan.text_area();
            let last = trace.frames.len() - 1;
            let places = plan.places(last, &mut measure);
            for (i, a) in places.iter().enumerate() {
                assert!(a.width > 0.0, "token {} cannot be seen", a.token);
                assert!(
                    a.x >= x - 0.01
                        && a.y >= y - 0.01
                        && a.x + a.width <= x + width + 0.01
                        && a.y + a.height <= y + height + 0.1,
                    "{a:?} leaves the text area of {size:?} in {:?}",
                    trace.prompt
                );
                for b in &places[i + 1..] {
                    let apart = a.x + a.width <= b.x + 0.01
                        || b.x + b.width <= a.x + 0.01
                        || a.y + a.height <= b.y + 0.1
                        || b.y + b.height <= a.y + 0.1;
                    assert!(apart, "{a:?} and {b:?} overlap in {size:?}");
                }
            }
            // Every token has a place, but for spaces between two others.
            let strings = trace.strings(last);
            for (token, string) in strings.iter().enumerate() {
                let placed = places.iter().any(|p| p.token == token);
                assert!(placed, "token {token} {string:?} has no place");
            }
        }
    }
}

#[test]
fn words_stay_on_their_lines_and_fit_their_places() {
    let trace = story();
    assert!(trace.rewrites());
    let plan = Plan::new(&trace, Size::WIDE, &mut measure);
    let [x, y, width, height] = plan.text_area();
    let lines = |places: &[Place]| places.iter().map(|p| (p.token, p.y)).collect::<Vec<_>>();
    let last = lines(&plan.places(trace.frames.len() - 1, &mut measure));
    for frame in 0..trace.frames.len() {
        let places = plan.places(frame, &mut measure);
        assert_eq!(lines(&places), last, "frame {frame}");
        assert!(places.iter().all(|p| p.x + p.width <= x + width + 0.01), "frame {frame}");
        for pair in places.windows(2).filter(|pair| pair[0].y == pair[1].y) {
            assert!(pair[0].x + pair[0].width <= pair[1].x + 0.01, "{pair:?} overlap");
        }
        for shape in plan.draw(frame.into(), &Style::default(), &mut measure) {
            let Draw::Text { x: left, y: baseline, size, weight, text, .. } = &shape else {
                continue;
            };
            if *left >= x + width || *baseline < y || *baseline > y + height {
                continue;
            }
            let place = places
                .iter()
                .find(|p| p.x == *left && *baseline > p.y && *baseline < p.y + p.height);
            let place = place.unwrap_or_else(|| panic!("{shape:?} is in no token's place"));
            let text_width = measure(text, *size, *weight);
            assert!(text_width <= place.width * 1.01 + 0.01, "{shape:?} is wider than {place:?}");
            assert!(!text.contains(char::REPLACEMENT_CHARACTER), "{shape:?} shows half a letter");
        }
    }
}

/// The fills of the rectangles that cover the middle of a token's place.
fn fills(shapes: &[Draw], x: f32, y: f32) -> Vec<Color> {
    let covers = |s: &&Draw| {
        let [x0, y0, x1, y1] = bounds(s);
        matches!(s, Draw::Rect { .. }) && x0 <= x && x <= x1 && y0 <= y && y <= y1
    };
    let color = |s: &Draw| match s {
        Draw::Rect { color, .. } => *color,
        _ => unreachable!("only rectangles pass"),
    };
    shapes.iter().skip(1).filter(covers).map(color).collect()
}

#[test]
fn states_are_told_apart() {
    let trace = story();
    let plan = Plan::new(&trace, Size::WIDE, &mut measure);
    let mut seen = [0; 4];
    for theme in [Theme::Light, Theme::Dark] {
        let palette = theme.palette();
        let style = Style { theme, ..Style::default() };
        for frame in [0, 14, 30, 50] {
            let shapes = plan.draw(frame.into(), &style, &mut measure);
            for place in plan.places(frame, &mut measure) {
                let token = place.token;
                let id = trace.frames[frame].ids[token];
                if id == END || trace.end(frame).is_some_and(|end| token > end) {
                    continue;
                }
                let (x, y) = (place.x + place.width / 2.0, place.y + 0.48 * place.height);
                let found = fills(&shapes, x, y);
                match trace.state(frame, token) {
                    State::Prompt => {
                        seen[0] += 1;
                        assert_eq!(found, [], "the prompt has no ground");
                        let bold = shapes.iter().any(|s| {
                            matches!(s, Draw::Text { x, weight: Weight::Bold, color, .. }
                                if *x == place.x && *color == palette.ink)
                        });
                        assert!(bold, "prompt token {token} is not bold ink");
                    }
                    State::Masked => {
                        seen[1] += 1;
                        assert_eq!(found, [palette.mask]);
                    }
                    State::Fresh => {
                        seen[2] += 1;
                        assert_eq!(found, [palette.accent]);
                    }
                    State::Settled if trace.age(frame, token).is_some_and(|age| age < 3) => {
                        assert!(found.iter().all(|c| c.a < 128), "the flash fades: {found:?}");
                    }
                    State::Settled => {
                        seen[3] += 1;
                        assert_eq!(found, [], "settled tokens have no ground");
                        let confidence = trace.frames[frame].confidence[token];
                        let line = fills(&shapes, x, place.y + 0.9 * place.height);
                        if !trace.strings(frame)[token].trim().is_empty() {
                            assert_eq!(line, [palette.confidence(confidence)], "token {token}");
                        }
                    }
                }
            }
        }
    }
    assert!(seen.iter().all(|&n| n > 10), "the story shows every state: {seen:?}");
}

#[test]
fn what_a_person_wrote_has_a_dot() {
    let plain = story();
    let mut trace = plain.clone();
    let last = trace.frames.len() - 1;
    let position = trace.end(last).expect("it ends") - 3;
    trace.pinned.insert(position, trace.frames[40].step);
    for size in SIZES {
        let shapes = |trace: &Trace, frame: usize| {
            let plan = Plan::new(trace, size, &mut measure);
            let places = plan.places(frame, &mut measure);
            let place = *places.iter().find(|p| p.token == position).expect("a word");
            (plan.draw(frame.into(), &Style::default(), &mut measure), place)
        };
        // The dot of the word, and that of the legend.
        let dots = |frame| {
            let (with, place) = shapes(&trace, frame);
            let (without, _) = shapes(&plain, frame);
            let is_new =
                |shape: &&Draw| matches!(shape, Draw::Rect { .. }) && !without.contains(shape);
            let above = |shape: &&Draw| {
                let [x0, y0, x1, y1] = bounds(shape);
                place.x <= x0
                    && x1 <= place.x + place.width
                    && place.y <= y0
                    && y1 < place.y + place.height / 2.0
            };
            with.iter().filter(is_new).filter(above).count()
        };
        assert_eq!((dots(39), dots(40), dots(last)), (0, 1, 1), "{size:?}");
        let (with, _) = shapes(&trace, last);
        let named = |s: &&Draw| matches!(s, Draw::Text { text, .. } if text == "By hand");
        assert_eq!(with.iter().filter(named).count(), 1);
        let inside =
            |s: &Draw| bounds(s)[2] <= size.width as f32 && bounds(s)[3] <= size.height as f32;
        assert!(with.iter().all(inside));
    }
}

#[test]
fn confidence_can_be_off() {
    let trace = story();
    let plan = Plan::new(&trace, Size::WIDE, &mut measure);
    let palette = Theme::Dark.palette();
    let count = |confidence| {
        let style = Style { confidence, ..Style::default() };
        let shapes = plan.draw(50.into(), &style, &mut measure);
        let ramp: Vec<Color> =
            trace.frames[50].confidence.iter().map(|&c| palette.confidence(c)).collect();
        let [left, _, width, _] = plan.text_area();
        let is_line = |s: &&Draw| matches!(s, Draw::Rect { x, color, .. } if *x < left + width && ramp.contains(color));
        shapes.iter().filter(is_line).count()
    };
    assert!(count(true) > 200, "{}", count(true));
    assert_eq!(count(false), 0);
}

#[test]
fn confidence_is_read_by_lightness_alone() {
    let luminance = |c: Color| {
        let linear = |v: u8| (f64::from(v) / 255.0).powf(2.2);
        0.2126 * linear(c.r) + 0.7152 * linear(c.g) + 0.0722 * linear(c.b)
    };
    for (theme, sign) in [(Theme::Light, -1.0), (Theme::Dark, 1.0)] {
        let ramp: Vec<f64> =
            (0..=20).map(|i| luminance(theme.palette().confidence(i as f32 / 20.0))).collect();
        for pair in ramp.windows(2) {
            assert!(sign * (pair[1] - pair[0]) > 0.0, "{theme:?}: {ramp:?}");
        }
    }
}

#[test]
fn the_playhead_and_the_flash_follow_the_phase() {
    let trace = story();
    let plan = Plan::new(&trace, Size::WIDE, &mut measure);
    let accent = Theme::Dark.palette().accent;
    let flashes = |phase| {
        let moment = Moment { frame: 20, phase };
        let shapes = plan.draw(moment, &Style::default(), &mut measure);
        let [x, _, width, _] = plan.text_area();
        let strongest = shapes.iter().filter_map(|s| match s {
            // The marks of title and end are smaller.
            Draw::Rect { x: left, height, color, .. }
                if *left < x + width
                    && *height > plan.font_size()
                    && Color { a: 255, ..*color } == accent =>
            {
                Some(color.a)
            }
            _ => None,
        });
        let bar = shapes.iter().find_map(|s| match s {
            Draw::Rect { x: left, width, color, height, .. }
                if *left > 800.0 && *color == accent && *height == 4.0 =>
            {
                Some(*width)
            }
            _ => None,
        });
        (strongest.max().unwrap(), bar.unwrap())
    };
    let (early, late) = (flashes(0.0), flashes(0.9));
    assert_eq!(early.0, 255);
    assert!(late.0 < 160, "{late:?}");
    assert!((late.1 - early.1 - 0.9 * 320.0 / 50.0).abs() < 0.01, "{early:?} {late:?}");
}

#[test]
fn masks_left_in_the_last_frame_have_a_width() {
    let mut trace = story();
    trace.frames.truncate(21);
    let plan = Plan::new(&trace, Size::WIDE, &mut measure);
    let mut masked = plan.places(20, &mut measure);
    masked.retain(|p| trace.frames[20].ids[p.token] == MASK);
    assert!(masked.len() > 50);
    assert!(masked.iter().all(|p| p.width > plan.font_size()), "each is wider than an em");
}
