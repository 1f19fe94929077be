//! Layout changes are soft: no token jumps while a text is written, and none lies over another.

use serde_json::json;

use crate::browser::{Browser, Gpu};
use crate::site::{Tiny, serve};

/// Holds every fade at its beginning: then no token that moves must be seen.
const HOLD: &str = "window.fades = 0; \
    const animate = Element.prototype.animate; \
    Element.prototype.animate = function(...how) { \
        const animation = animate.apply(this, how); \
        animation.pause(); \
        window.fades += 1; \
        return animation; \
    };";

/// Notes every token that is seen on another height than a frame before.
const WATCH: &str = "const before = new Map(); \
    window.jumps = []; \
    const look = () => { \
        const corner = document.querySelector('.lines').getBoundingClientRect().top; \
        for (const token of document.querySelectorAll('.token')) { \
            const top = token.getBoundingClientRect().top - corner; \
            const was = before.get(token) ?? top; \
            if (Math.abs(top - was) > 1 && getComputedStyle(token).opacity > 0) \
                window.jumps.push([token.dataset.position, was, top]); \
            before.set(token, top); \
        } \
        requestAnimationFrame(look); \
    }; \
    look();";

/// Pairs of neighbours on a line that lie over each other, while all fades are held.
const OVERLAPS: &str = "(boxes => boxes.slice(1).map((box, i) => [boxes[i], box]) \
    .filter(([a, b]) => Math.abs(a.top - b.top) < 2 && a.right > b.left + 1)) \
    ([...document.querySelectorAll('.token')] \
        .sort((a, b) => a.dataset.position - b.dataset.position) \
        .map(token => token.getBoundingClientRect()))";

#[test]
fn lines_never_jump() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = Browser::start("stillness", Gpu::Software);
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": HOLD }));
    // Many lines.
    let phone = json!({ "width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true });
    browser.devtools("Emulation.setDeviceMetricsOverride", &phone);
    let (fades, jumps) = watched_run(&browser, &server.url);
    assert!(fades > 10.0, "the lines were broken anew at the end: {fades} tokens moved");
    assert_eq!(jumps, json!([]), "no token was seen elsewhere without a fade");
    assert_eq!(browser.eval(OVERLAPS), json!([]), "words lie over each other");

    // Who asks for less motion sees none; and what jumps then is seen to jump.
    let less = json!({ "features": [{ "name": "prefers-reduced-motion", "value": "reduce" }] });
    browser.devtools("Emulation.setEmulatedMedia", &less);
    browser.open("about:blank");
    let (fades, jumps) = watched_run(&browser, &server.url);
    assert_eq!(fades, 0.0);
    assert_ne!(jumps, json!([]));
}

/// Writes a text and counts the tokens that faded, and those that jumped.
fn watched_run(browser: &Browser, url: &str) -> (f64, serde_json::Value) {
    browser.open_ready(url);
    browser.fill("#prompt", "One day,");
    browser.fill(".settings [type=range]", "48");
    // All places are written: nothing ends the text early.
    browser.eval("document.querySelector('.settings [type=checkbox]').click() ?? true");
    browser.press("Write");
    browser.wait_step(1);
    browser.execute(WATCH, &[]);
    browser.wait_finished();
    // The end is told before it is drawn.
    browser.run("for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);", &[]);
    (browser.number("window.fades"), browser.eval("window.jumps"))
}
