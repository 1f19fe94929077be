//! Accessibility by axe-core, sizes, and the longest task of the main thread.

use serde_json::json;

use crate::browser::{Browser, Gpu};
use crate::site::{Tiny, dist, serve};

/// Most bytes of WebAssembly and JavaScript, compressed: of the page, and of the engine that trains, which
/// is loaded when somebody trains.
const MOST_BYTES: usize = 900_000;
const TRAINER: [&str; 2] = ["train.js", "train_bg.wasm"];

#[test]
fn axe_finds_nothing_and_the_main_thread_stays_free() {
    // Long enough to keep running during four axe checks.
    let server = serve(&Tiny::patient());
    let browser = Browser::start_alone("access", Gpu::Software);
    let check = |state: &str| browser.check_access(state);
    browser.open_ready(&server.url);
    check("empty");
    browser.fill("#prompt", "Once upon a [MASK:4] cat");
    browser.eval("window.longestTask = 0");
    browser.press("Write");
    browser.wait_step(5);
    browser.wait_finished();
    let longest = browser.number("window.longestTask");
    let said = if longest == 0.0 { "none above 50 ms".into() } else { format!("{longest} ms") };
    println!("longest main-thread task while writing: {said}");
    // The page itself aims at 50 ms; a busy machine may stop any thread for a while.
    assert!(longest <= 250.0, "a task of {longest} ms on the main thread");
    check("finished");

    // While it writes, and while it waits in the middle, both with a card open and without.
    let going_on = "!!document.querySelector('[aria-label=\"Pause\"]')";
    browser.press("Write");
    browser.fill(".pace select", "2");
    browser.wait_step(3);
    check("writing");
    browser.click(".token.written");
    browser.wait("!!document.querySelector('.card.sheet')");
    check("writing, card");
    assert_eq!(browser.eval(going_on), true, "it was still writing");
    browser.press("Pause");
    browser.wait(&format!("!({going_on})"));
    check("paused, card");
    browser.press("Close");
    check("paused");
    browser.fill(".pace select", "60");
    browser.press("Continue");
    browser.wait_finished();

    browser.click(".token.written");
    browser.wait("!!document.querySelector('.card.sheet')");
    check("card");
    browser.press("Erase");
    browser.wait("document.querySelectorAll('.branch').length === 3");
    check("branches");
    browser.fill("#prompt", "[MASK:0]");
    browser.press("Write");
    browser.wait("!!document.querySelector('[role=alert]')");
    check("fault");
}

/// What can be clicked and is smaller than 24 pixels in one direction. Links inside of sentences
/// and the words of the text are as large as their letters.
const SMALL: &str = "[...document.querySelectorAll('button, a, summary, select, input, textarea')] \
    .map(element => [element, (element.closest('label.choose, label.check') ?? element).getBoundingClientRect()]) \
    .filter(([element, { width, height }]) => width > 0 && Math.min(width, height) < 23.5 && !element.closest('.skip, .visually-hidden')) \
    .map(([element, { width, height }]) => `${element.outerHTML.slice(0, 80)}: ${width} x ${height}`)";
const SIDEWAYS: &str =
    "document.documentElement.scrollWidth - document.documentElement.clientWidth";

#[test]
fn every_width_is_used_and_every_target_is_large_enough() {
    let server = serve(&Tiny::new());
    let browser = Browser::start("widths", Gpu::Software);
    browser.open_ready(&server.url);
    let look = |state: &str| {
        for width in [320, 360, 768, 1280, 1920, 2560] {
            let metrics = json!({
                "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500,
            });
            browser.devtools("Emulation.setDeviceMetricsOverride", &metrics);
            browser.settle();
            assert_eq!(browser.number(SIDEWAYS), 0.0, "{state}, {width}: it scrolls sideways");
            assert_eq!(browser.eval(SMALL), json!([]), "{state}, {width}");
            browser.picture(&format!("{state}-{width}"));
        }
    };
    look("width-empty");
    browser.fill("#prompt", "Once upon a time, there was a little cat.");
    browser.write_to_the_end();
    browser.click(".advanced > summary");
    browser.key("document.querySelector('[data-position=\"12\"]')", "Delete");
    browser.wait("!!document.querySelector('.undo')");
    look("width-text");
}

#[test]
fn states_are_seen_without_the_pages_colours() {
    let server = serve(&Tiny::new());
    let browser = Browser::start("forced", Gpu::Software);
    let forced = json!({ "features": [{ "name": "forced-colors", "value": "active" }] });
    browser.devtools("Emulation.setEmulatedMedia", &forced);
    browser.open_ready(&server.url);
    browser.fill("#prompt", "Once upon a time");
    browser.press("Write");
    browser.fill(".pace select", "2");
    browser.wait_step(5);
    browser.press("Pause");
    browser.wait("!!document.querySelector('.paper .token.lit')");
    browser.settle();
    let style = |selector: &str, pseudo: &str, property: &str| {
        browser.text(&format!(
            "getComputedStyle(document.querySelector('{selector}'), '{pseudo}').{property}"
        ))
    };
    assert_eq!(style(".token.masked", "::before", "borderTopStyle"), "dashed");
    assert_eq!(style(".token.lit", "::before", "borderTopStyle"), "solid");
    // The line beneath a word is thicker the surer the model was, and not of the sheet's colour. A space
    // has none.
    let lines = browser.eval(
        "[...document.querySelectorAll('.token[class*=sure-]:not(.dim)')].map(token => [ \
             Number(token.className.match(/sure-(\\d+)/)[1]), \
             parseFloat(getComputedStyle(token, '::after').height)])",
    );
    let mut lines: Vec<(u32, f64)> = serde_json::from_value(lines).expect("pairs");
    lines.sort_by_key(|line| line.0);
    assert!(lines.is_sorted_by(|a, b| a.1 <= b.1), "{lines:?}");
    assert_ne!(
        style(".token[class*=sure-]", "::after", "backgroundColor"),
        style(".sheet-of-paper", "", "backgroundColor")
    );
    browser.picture("forced-colors");
}

#[test]
fn the_page_is_small() {
    let (mut page, mut trainer) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(dist()).expect("it is built").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".wasm") || name.ends_with(".js") {
            let file = std::fs::File::open(entry.path()).expect("it is there");
            let output = std::process::Command::new("gzip")
                .args(["-9", "-c"])
                .stdin(file)
                .output()
                .expect("gzip is installed");
            let plain = entry.metadata().expect("it is there").len();
            println!("{name}: {plain} bytes, {} compressed", output.stdout.len());
            let part = if TRAINER.contains(&name.as_str()) { &mut trainer } else { &mut page };
            part.push(output.stdout.len());
        }
    }
    assert_eq!((page.len(), trainer.len()), (5, 2), "files");
    for (part, sizes) in [("page", page), ("engine that trains", trainer)] {
        let total: usize = sizes.iter().sum();
        println!("WebAssembly and JavaScript of the {part}: {total} bytes compressed");
        assert!(total < MOST_BYTES, "{part}: {total} bytes, at most {MOST_BYTES}");
    }
}
