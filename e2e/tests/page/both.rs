//! The same in Chromium and in Firefox, on the CPU: it loads, writes, edits, saves, shares.

use serde_json::json;

use crate::browser::{ALERT, Browser, Gpu};
use crate::site::{Tiny, serve};

#[test]
fn chromium_writes_edits_and_saves() {
    writes_edits_and_saves(&Browser::start("both-chromium", Gpu::None), "chromium");
}

#[test]
fn firefox_writes_edits_and_saves() {
    writes_edits_and_saves(&Browser::firefox("both-firefox"), "firefox");
}

fn writes_edits_and_saves(browser: &Browser, name: &str) {
    let server = serve(&Tiny::new());
    let token =
        |position: &str| format!("document.querySelector('[data-position=\"{position}\"]')");
    browser.open_ready(&server.url);
    assert_eq!(browser.text(ALERT), "");
    let why = browser.text("document.querySelector('.slow').innerText");
    assert!(why.contains("runs on the CPU"), "{why}");
    browser.visible(&format!("both-{name}-empty"));

    browser.fill("#prompt", "Once upon a time, there was a little cat.");
    browser.write_to_the_end();
    assert!(!browser.story().contains(&"_".to_owned()));
    browser.visible(&format!("both-{name}-text"));

    // Back in time, a word of one's own, and on from there.
    browser.fill(".scrubber", "6");
    let masked = browser.text("document.querySelector('.token.masked').dataset.position");
    browser.eval(&format!("{}.click() ?? true", token(&masked)));
    browser.wait("!!document.querySelector('.card.sheet .type-token')");
    browser.fill(".type-token input", "cat");
    browser.press("Put");
    browser.press("Close");
    browser.press("Continue");
    browser.wait_finished();
    assert_eq!(browser.text(&format!("{}.textContent", token(&masked))), "cat");
    browser.visible(&format!("both-{name}-edited"));

    // What it saves: the trace, a picture, and a web page that plays by itself.
    let trace = browser.trace();
    assert_eq!(trace.pinned.len(), 1);
    browser.press("Save picture");
    let last = trace.frames.len() - 1;
    let step = trace.frames[last].step;
    let picture = browser.saved(&format!("cinnabar-step-{step}.png"));
    assert!(std::fs::read(picture).expect("just saved").starts_with(b"\x89PNG"));
    browser.press("Save as web page");
    let page = browser.saved("cinnabar.html");
    assert_eq!(std::fs::read_to_string(&page).expect("just saved"), plot::replay::html(&trace));

    // The link leads somebody else to the same text, changes and all.
    let story = browser.story();
    browser
        .eval("(navigator.clipboard.writeText = async text => { window.copied = text; }) ?? true");
    browser.press("Copy link");
    browser.wait("!!window.copied");
    let link = browser.text("window.copied");
    browser.open("about:blank");
    browser.open_ready(&link);
    browser.wait_finished();
    assert_eq!(browser.story(), story);

    browser.open(&format!("file://{}", page.display()));
    browser.wait(&format!("document.getElementById('now').textContent === '{step}'"));
    browser.visible(&format!("both-{name}-replay"));
    browser.key("document.body", "Home");
    let masks = browser.eval("document.querySelectorAll('.token.masked').length");
    assert_eq!(masks, json!(trace.masks(0)));
}
