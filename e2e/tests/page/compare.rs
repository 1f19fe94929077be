//! Two texts side by side: one time line, views of any width, videos, and the way back.

use plot::Trace;
use plot::draw::Size;
use plot::layout::{Moment, Pane};
use serde_json::json;

use crate::browser::{Browser, Gpu};
use crate::films::{LOSSLESS, LOSSY, extent, picture};
use crate::layout::Widths;
use crate::site::{Tiny, serve};

/// Both texts are there, and have been played to the end.
pub(crate) const OVER: &str = "document.querySelector('.share-now')?.textContent === '100' \
    && !!document.querySelector('.compare [aria-label=\"Play\"]') \
    && !document.querySelector('.compare-keep button:disabled')";
pub(crate) const TITLES: &str =
    "[...document.querySelectorAll('.side h3')].map(h => h.textContent)";
pub(crate) const STEPS: &str =
    "[...document.querySelectorAll('.side-step')].map(step => Number(step.textContent))";
const PARTING: &str = "document.querySelector('.parting').textContent";

/// The words of the left text (0) or the right one (1), masks as `_`.
pub(crate) fn words(browser: &Browser, side: usize) -> Vec<String> {
    let words = browser.eval(&format!(
        "[...document.querySelectorAll('.side')[{side}].querySelectorAll('.token')]\
         .map(t => t.classList.contains('masked') ? '_' : t.textContent)"
    ));
    serde_json::from_value(words).expect("texts")
}

/// The page with a finished text of twenty steps.
fn with_text(browser: &Browser, url: &str) {
    browser.open_ready(url);
    browser.fill("#prompt", "Once upon a time, there was a little cat.");
    browser.fill(".settings [type=range]", "24");
    browser.fill("#seed", "5");
    browser.write_to_the_end();
}

#[test]
fn the_same_prompt_in_fewer_steps() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = Browser::start_alone("compare", Gpu::Software);
    browser.theme("light");
    with_text(&browser, &server.url);
    let alone = browser.story();
    let first = browser.trace();
    let address = browser.eval("location.href");
    browser.eval("window.longestTask = 0");
    browser.click(".choices li:first-child .choice");
    browser.wait(OVER);
    let longest = browser.number("window.longestTask");
    println!("longest main-thread task while two texts played: {longest} ms");
    // As in the test of one text: a busy machine may stop any thread for a while.
    assert!(longest <= 250.0, "a task of {longest} ms on the main thread");
    assert_eq!(browser.eval(TITLES), json!(["20 steps", "8 steps"]));
    assert_eq!(browser.eval(STEPS), json!([20, 8]));
    assert_eq!(words(&browser, 0), alone);
    let quick = words(&browser, 1);
    assert!(!quick.contains(&"_".to_owned()), "{quick:?}");
    let parting = browser.text(PARTING);
    assert!(parting.starts_with("They part at step "), "{parting}");
    assert!(
        browser.text("document.querySelector('.facts').textContent").contains("24 of 24 words")
    );

    // One scrubber for both, and keys.
    browser.fill(".compare .scrubber", "10");
    assert_eq!(browser.eval(STEPS), json!([10, 4]));
    let middle = [words(&browser, 0), words(&browser, 1)];
    assert!(middle.iter().all(|words| words.contains(&"_".to_owned())), "{middle:?}");
    browser.key("document.body", ".");
    browser.key("document.body", ".");
    browser.key("document.body", ".");
    assert_eq!(browser.eval(STEPS), json!([13, 5]));
    browser.key("document.body", ",");
    browser.key("document.body", ",");
    browser.key("document.body", ",");
    assert_eq!(browser.eval(STEPS), json!([10, 4]));
    browser.pictures("compare");
    widths(&browser);
    browser.check_access("two texts");

    pictures_of_both(&browser, &first);

    // One text again: the new one, which is the same as when it is written alone. Back in the
    // history is the first one.
    browser.press("Back to one text");
    browser.wait("!!document.querySelector('.settings')");
    assert_eq!(browser.story(), quick);
    assert!(browser.text("location.href").contains("steps=8"));
    browser.eval("history.back() ?? true");
    browser.wait(&format!("location.href === {address}"));
    assert_eq!(browser.story(), alone);
}

/// Below each other on a phone, beside each other elsewhere; nothing scrolls sideways, and what can
/// be pressed is large enough.
fn widths(browser: &Browser) {
    for width in [320, 390, 768, 1280, 2560] {
        let metrics = json!({
            "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500,
        });
        browser.devtools("Emulation.setDeviceMetricsOverride", &metrics);
        browser.settle();
        browser.picture(&format!("compare-{width}"));
        let sideways =
            "document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(browser.number(sideways), 0.0, "{width}: it scrolls sideways");
        let tops = browser.eval(
            "[...document.querySelectorAll('.side')].map(side => side.getBoundingClientRect().top)",
        );
        assert_eq!(tops[0] == tops[1], width >= 768, "{width}: {tops}");
        let small = browser.eval(
            "[...document.querySelectorAll('.compare button, .compare input, .compare select')] \
             .filter(e => { const r = e.getBoundingClientRect(); return Math.min(r.width, r.height) < 23.5; }) \
             .map(e => e.outerHTML.slice(0, 80))",
        );
        assert_eq!(small, json!([]), "{width}");
        // No word of either text is cut off.
        let cut = browser.eval(
            "[...document.querySelectorAll('.side')].flatMap(side => { \
                 const edge = side.getBoundingClientRect().right; \
                 return [...side.querySelectorAll('.token')] \
                     .filter(t => t.getBoundingClientRect().right > edge).map(t => t.textContent); \
             })",
        );
        assert_eq!(cut, json!([]), "{width}");
    }
    browser.devtools("Emulation.clearDeviceMetricsOverride", &json!({}));
    browser.settle();
}

/// The picture and the video are what the native layout draws from both traces.
fn pictures_of_both(browser: &Browser, first: &Trace) {
    browser.press("Save picture of both");
    let png = browser.saved("cinnabar-two.png");
    browser.fill(".compare .pace select", "12");
    browser.press("Save video of both");
    let video = ["mp4", "webm"].map(|kind| format!("cinnabar-two.{kind}"));
    let saved = "[...document.querySelectorAll('[role=status]')].some(s => s.textContent === 'The video is saved.')";
    browser.wait(saved);
    let there = |name: &&String| browser.downloads.join(name).exists();
    let video = browser.saved(video.iter().find(there).unwrap_or(&video[0]));
    // The second trace comes from the page as it shows one text; then both are shown again.
    browser.press("Back to one text");
    let second = browser.trace();
    browser.eval("document.querySelector('.branches li .small').click() ?? true");
    browser.wait(OVER);

    let pane = |trace, title: &str| Pane {
        trace,
        title: title.to_owned(),
        // As wide as what was measured.
        seconds: vec![0.0; 21],
    };
    let panes = [pane(first, "20 steps"), pane(&second, "8 steps")];
    let mut widths = Widths::default();
    let shapes = widths.shapes_of_two(browser, &panes, Size::WIDE, 10.into());
    picture(&png, 0.0, Size::WIDE).check("picture of both", &shapes, &widths, LOSSLESS);
    let (seconds, pictures) = extent(&video);
    let expected = 0.6 + 2.0 + 20.0 / 12.0;
    assert!((seconds - expected).abs() < 0.1, "{seconds} s, expected {expected}");
    println!("video of both: {seconds:.2} s, {pictures} pictures");
    for (at, moment) in [(0.1, Moment::from(0)), (seconds - 0.3, Moment { frame: 20, phase: 4.0 })]
    {
        let shapes = widths.shapes_of_two(browser, &panes, Size::WIDE, moment);
        let decoded = picture(&video, at, Size::WIDE);
        // Twice as many edges as in the picture of one text, for the encoder to blur.
        decoded.check(&format!("both, frame {}", moment.frame), &shapes, &widths, 2 * LOSSY);
    }
}

#[test]
fn a_text_that_is_still_written_comes_to_its_end_first() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = Browser::start("compare-running", Gpu::Software);
    browser.open_ready(&server.url);
    browser.fill("#prompt", "Once upon a time");
    browser.press("Write");
    browser.fill(".pace select", "2");
    browser.wait_step(3);
    browser.fill(".pace select", "60");
    // Another seed.
    browser.click(".choices li:nth-child(2) .choice");
    browser.wait(OVER);
    assert_eq!(browser.eval(STEPS), json!([20, 20]));
    assert_eq!(browser.eval(TITLES), json!(["seed 1", "seed 2"]));
    assert_ne!(words(&browser, 0), words(&browser, 1));

    // The play button plays both once more; writing leaves the comparison.
    browser.press("Play");
    browser.wait("!!document.querySelector('.compare [aria-label=\"Pause\"]')");
    browser.wait(OVER);
    browser.key("document.body", "Escape");
    browser.wait("!document.querySelector('.compare')");
}

#[test]
fn a_changed_text_beside_the_one_before() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = Browser::start("compare-branch", Gpu::Software);
    with_text(&browser, &server.url);
    browser.fill(".scrubber", "9");
    browser.click(".token.written");
    browser.wait("!!document.querySelector('.card.sheet')");
    browser.press("Erase");
    browser.wait("document.querySelectorAll('.branch').length === 2");
    // Beside the text that it left; what is missing of it is written.
    browser.click(".branches li .small");
    browser.wait(OVER);
    let titles = browser.eval(TITLES);
    assert_eq!(titles[1], "Before the change", "{titles}");
    assert!(
        titles[0].as_str().is_some_and(|title| title.ends_with("one word changed")),
        "{titles}"
    );
    let parting = browser.text(PARTING);
    assert!(parting.contains("a blank "), "{parting}");
    browser.pictures("compare-branch");
}

#[test]
fn the_lesson_shows_both_endings() {
    let server = serve(&Tiny::new());
    let browser = Browser::start("lesson", Gpu::Software);
    browser.open_ready(&server.url);
    browser.click(".examples li:last-child .example");
    browser.wait("!!document.querySelector('.lesson')");
    // It stops by itself when half of the words are there, and rings one that is written.
    browser.wait("!!document.querySelector('.paper .token.written.ringed')");
    let hidden = browser.story().iter().filter(|word| *word == "_").count();
    let all = browser.number("document.querySelectorAll('.token:not(.given)').length") as usize;
    assert!(hidden > 0 && 2 * hidden <= all, "{hidden} of {all}");
    browser.wait("!!document.querySelector('[aria-label=\"Continue\"]')");
    browser.pictures("lesson");
    browser.check_access("lesson");
    browser.press("Open the ringed word");
    browser.wait("!!document.querySelector('.card.sheet')");
    assert_eq!(browser.eval("document.activeElement.classList.contains('ringed')"), true);
    browser.fill(".compare .pace select, .pace select", "60");
    browser.click(".alternatives li:nth-child(2) .alternative");
    browser.wait("!!document.querySelector('.compare')");
    // Time goes on from the change.
    assert!(browser.number("Number(document.querySelector('.share-now').textContent)") > 10.0);
    browser.wait(OVER);
    let titles = browser.eval(TITLES);
    assert_eq!(titles[0], "Before the change", "{titles}");
    assert!(
        titles[1].as_str().is_some_and(|title| title.ends_with("one word changed")),
        "{titles}"
    );
    assert!(browser.text(PARTING).starts_with("They part at step "));
    for side in [0, 1] {
        assert!(!words(&browser, side).contains(&"_".to_owned()), "both are written to the end");
    }
    browser.pictures("lesson-endings");

    // Another text has no lesson.
    browser.press("Back to one text");
    browser.press("A beginning");
    browser.wait_step(12);
    assert_eq!(browser.eval("!document.querySelector('.lesson, .ringed')"), true);
}
