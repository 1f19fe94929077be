//! The replay that the page saves: a file of its own, which plays without the page.

use serde_json::json;

use crate::browser::{Browser, Gpu, SQUEEZED};
use crate::site::{Tiny, serve};

/// The words of the replay, as they stand.
const WORDS: &str =
    "[...document.querySelectorAll('.token:not(.masked)')].map(t => t.textContent).join('')";
const MASKS: &str = "document.querySelectorAll('.token.masked').length";
const NOW: &str = "Number(document.getElementById('now').textContent)";
/// Height of every token.
const LINES: &str =
    "JSON.stringify([...document.querySelectorAll('.token')].map(t => t.offsetTop))";
const PLAY: &str = "document.getElementById('play').ariaLabel";

#[test]
fn a_saved_web_page_plays_by_itself() {
    let server = serve(&Tiny::new());
    let browser = Browser::start("replay", Gpu::Software);
    browser.open_ready(&server.url);
    browser.fill("#prompt", "Once upon a time, there was a little cat.");
    browser.fill(".settings [type=range]", "24");
    browser.write_to_the_end();
    // A word of one's own: it is marked in what is saved.
    browser.click("[data-position=\"16\"]");
    browser.wait("!!document.querySelector('.alternative')");
    browser.click(".alternatives li:last-child .alternative");
    browser.wait("!!document.querySelector('[data-position=\"16\"].pinned')");
    let trace = browser.trace();
    browser.press("Save as web page");
    let file = browser.saved("cinnabar.html");
    let html = std::fs::read_to_string(&file).expect("just saved");
    assert_eq!(html, plot::replay::html(&trace), "the native program makes the same file");
    println!("replay: {} bytes, {} states", html.len(), trace.frames.len());

    let last = trace.frames.len() - 1;
    let step = f64::from(trace.frames[last].step);
    let strings = trace.strings(last).concat().replace('\n', "↵");
    let words: String = strings.chars().filter(|c| !c.is_whitespace()).collect();
    let at_end = format!("{NOW} === {step} && {PLAY} === 'Play'");
    let address = format!("file://{}", file.display());
    browser.open(&address);
    // It begins by itself, and ends with the text.
    browser.wait(&at_end);
    assert_eq!(browser.text(WORDS).replace(' ', ""), words);
    assert_eq!(browser.number("document.querySelectorAll('.token.pinned').length"), 1.0);
    assert_eq!(browser.number("performance.getEntriesByType('resource').length"), 0.0);
    browser.pictures("replay");
    assert_eq!(browser.axe(), json!([]));

    // Keys, the scrubber, and play from the beginning.
    browser.key("document.body", "Home");
    assert_eq!(browser.number(NOW), 0.0);
    assert_eq!(browser.number(MASKS), trace.masks(0) as f64);
    browser.key("document.body", ".");
    browser.key("document.body", "ArrowRight");
    browser.key("document.body", ",");
    assert_eq!(browser.number(NOW), f64::from(trace.frames[1].step));
    browser.fill("#scrubber", &(last / 2).to_string());
    assert_eq!(browser.number(MASKS), trace.masks(last / 2) as f64);
    browser.settle();
    browser.picture("replay-middle");
    // No word leaves its line while the text appears, nor lies over another; in another width,
    // the lines are others.
    let middle = browser.text(LINES);
    assert_eq!(browser.eval(SQUEEZED), json!([]));
    browser.key("document.body", " ");
    assert_eq!(browser.text(PLAY), "Pause");
    browser.wait(&at_end);
    assert_eq!(browser.text(LINES), middle);
    let phone = json!({ "width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true });
    browser.devtools("Emulation.setDeviceMetricsOverride", &phone);
    browser.wait(&format!("{LINES} !== '{middle}'"));
    assert!(browser.number("document.documentElement.scrollWidth") <= 390.0);
    browser.devtools("Emulation.clearDeviceMetricsOverride", &json!({}));
    browser.wait(&format!("{LINES} === '{middle}'"));

    // Who wants no motion is shown the text.
    let calm = json!({ "features": [{ "name": "prefers-reduced-motion", "value": "reduce" }] });
    browser.devtools("Emulation.setEmulatedMedia", &calm);
    browser.open(&address);
    assert_eq!(browser.number(NOW), step);
    assert_eq!(browser.text(PLAY), "Play");
}
