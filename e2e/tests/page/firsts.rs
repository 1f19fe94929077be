//! The first seconds of a visit, with the shipped models: printed, never compared with a limit.

use serde_json::json;

use crate::browser::{Browser, Gpu};
use crate::server::{Files, Server};
use crate::site::dist;

/// Keeps the times of the first word of the recording that appears, and of the first of a live run.
const WATCH: &str = "window.firsts = {}; \
    new MutationObserver(changes => { \
        for (const { target } of changes) { \
            if (!target.classList?.contains('written')) continue; \
            const name = 'position' in target.dataset ? 'live' : 'moving'; \
            window.firsts[name] ??= performance.now(); \
        } \
    }).observe(document, { subtree: true, attributes: true, attributeFilter: ['class'] });";

#[test]
fn the_first_seconds_are_measured() {
    let server = Server::start(&dist(), Files::new());
    let browser = Browser::start_alone("firsts", Gpu::None);
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": WATCH }));
    for visit in ["first visit", "second visit"] {
        // A link that somebody sent: it writes as soon as the model is there.
        browser.open("about:blank");
        browser.open(&format!("{}#prompt=Once+upon+a+time&length=48&steps=48", server.url));
        browser.wait("'live' in window.firsts");
        let paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime";
        let ms = |expression: &str| browser.number(&format!("{expression} ?? NaN"));
        println!(
            "{visit}, on the CPU: first paint {:.0} ms, first moving word {:.0} ms, first live word {:.0} ms",
            ms(paint),
            ms("window.firsts.moving"),
            ms("window.firsts.live"),
        );
    }
}
