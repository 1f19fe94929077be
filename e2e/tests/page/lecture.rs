//! Lecture: full screen, large letters, a step for each key press.

use serde_json::json;

use crate::browser::{Browser, Gpu};
use crate::site::{Tiny, serve};

const ON: &str = "document.documentElement.hasAttribute('data-lecture')";
const BODY: &str = "document.activeElement";

#[test]
fn a_lecture_is_the_text_alone_and_a_step_for_each_key() {
    let server = serve(&Tiny::new());
    let browser = Browser::start("lecture", Gpu::Software);
    browser.open_ready(&server.url);
    browser.fill("#prompt", "Once upon a time, there was a little cat.");
    browser.write_to_the_end();
    let letters = "parseFloat(getComputedStyle(document.querySelector('.paper')).fontSize)";
    let before = browser.number(letters);
    let last = browser.step();
    browser.key(BODY, "l");
    browser.wait(ON);
    browser.settle();
    assert!(browser.number(letters) > 1.2 * before, "large letters");
    for hidden in [".head", ".composer", ".rail", ".below", ".branches", ".pace"] {
        let height =
            format!("document.querySelector('{hidden}')?.getBoundingClientRect().height ?? 0");
        assert_eq!(browser.number(&height), 0.0, "{hidden}");
    }
    // Keys go through the states with another text, there and back.
    browser.key(BODY, "Home");
    assert_eq!(browser.step(), 0);
    let masks = "document.querySelectorAll('.token.masked').length";
    let (mut states, mut left) = (0, browser.number(masks));
    while browser.step() < last {
        let story = browser.story();
        browser.key(BODY, ["ArrowRight", " ", "PageDown", "."][states % 4]);
        assert!(browser.story() != story || browser.step() == last, "a step that shows nothing");
        assert!(browser.number(masks) <= left);
        left = browser.number(masks);
        states += 1;
    }
    assert!(states > 4, "{states} steps");
    browser.key(BODY, "PageUp");
    assert!(browser.step() < last);
    browser.settle();
    assert_eq!(browser.axe(), json!([]));
    browser.pictures("lecture");
    browser.key(BODY, "Escape");
    browser.wait(&format!("!({ON})"));
    browser.settle();
    assert_eq!(browser.number(letters), before);

    // The button does the same.
    browser.press("Lecture");
    browser.wait(ON);
    browser.press("Lecture");
    browser.wait(&format!("!({ON})"));
}
