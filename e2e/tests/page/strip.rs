//! The texts of a training as a video: each stands for some seconds with its step, its loss and the
//! curve so far, in Chromium and in Firefox.

use plot::draw::Size;
use plot::layout::{Moment, Strip};
use web::protocol::{Record, Split};

use crate::browser::{Browser, Gpu};
use crate::films::{LOSSY, extent, picture};
use crate::layout::Widths;
use crate::site::{Tiny, dist, serve};
use crate::training::{STAGE, TRAIN, advance, corpus, plan, ready, records, say, shown};

/// Seconds of a text, and how much longer the last one stays.
const TEXT: f64 = 3.0;
const REST: f64 = 1.0;
/// How many steps are done when the video is made.
const DONE: u32 = 150;

/// What the page knows when the engine has said all.
fn strip() -> Strip {
    let mut strip =
        Strip { name: "Pocket".to_owned(), steps: 400, guessing: 512f64.ln(), ..Strip::default() };
    for record in records(0, DONE) {
        match record {
            Record::Sample { step, text } => strip.texts.push((step, text)),
            Record::Evaluation { step, split: Split::Validation, loss, .. } => {
                strip.loss.push((step, loss));
            }
            _ => {}
        }
    }
    strip
}

fn the_strip_is_a_film(browser: &Browser) {
    let server = serve(&Tiny::new());
    let boot = std::fs::read_to_string(dist().join("boot.js")).expect("it is built");
    server.put("boot.js", format!("{STAGE}\n{boot}").into_bytes());
    browser.open_ready(&server.url);
    browser.click(TRAIN);
    browser.wait("window.asked.length > 1");
    say(browser, corpus());
    say(browser, ready(&plan(), 0));
    browser.press("Train");
    advance(browser, 0, 50);
    shown(browser, "50 red balls");
    // One text is no film.
    let closed = "document.querySelector('.strip-keep button').disabled";
    assert_eq!(browser.eval(closed), true);
    advance(browser, 50, DONE);
    shown(browser, "150 red balls");

    browser.press("Save film");
    // However slow the machine: it is alive as long as there is more of the video.
    loop {
        let share = "document.querySelector('.filming progress')?.value ?? 1";
        let before = browser.number(share);
        if before == 1.0 {
            break;
        }
        browser.wait(&format!("({share}) !== {before}"));
    }
    let file = browser.saved_as(&["cinnabar-training.mp4", "cinnabar-training.webm"]);
    let strip = strip();
    let (seconds, pictures) = extent(&file);
    println!("{}: {seconds:.2} s, {pictures} pictures", file.display());
    let expected = strip.texts.len() as f64 * TEXT + REST;
    assert!((seconds - expected).abs() < 0.5, "{seconds} s, expected {expected}");
    let mut widths = Widths::default();
    for (frame, phase) in [(0, 0.5), (1, 0.5), (2, 0.8)] {
        let at = TEXT * (frame as f64 + f64::from(phase));
        let decoded = picture(&file, at, Size::WIDE);
        let shapes = widths.shapes_of_texts(browser, &strip, Size::WIDE, Moment { frame, phase });
        decoded.check(&format!("text {frame}"), &shapes, &widths, LOSSY);
        // The comparison sees another text.
        let other = Moment { frame: 2 - frame, phase: 0.0 };
        let other = widths.shapes_of_texts(browser, &strip, Size::WIDE, other);
        let (difference, _) = decoded.differences(&other, &widths, LOSSY);
        assert!(frame == 1 || difference > 0.005, "text {frame}: {difference}");
    }
}

#[test]
fn chromium_films_the_strip() {
    let browser = Browser::start_alone("strip-chromium", Gpu::None);
    browser.theme("light");
    the_strip_is_a_film(&browser);
}

#[test]
fn firefox_films_the_strip() {
    the_strip_is_a_film(&Browser::firefox("strip-firefox"));
}
