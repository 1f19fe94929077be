//! The tour: five cards that point at what they speak of, by mouse and keyboard, once.

use serde_json::json;

use crate::browser::{Browser, Gpu};
use crate::site::{Tiny, serve};

const NUMBER: &str = "document.querySelector('.tour .note')?.textContent";
/// The card is there, in the window, below what it points at, and has the focus.
const POINTS: &str = "(() => { \
    const [card, target] = [document.querySelector('.tour'), document.querySelector('[data-pointed]')]; \
    if (!card || !target || !card.contains(document.activeElement)) return false; \
    const [c, t] = [card.getBoundingClientRect(), target.getBoundingClientRect()]; \
    const root = document.documentElement; \
    return c.left >= 0 && c.right <= root.clientWidth && c.bottom <= root.clientHeight \
        && t.bottom <= c.top && t.bottom > 0; \
})()";

/// A finished text.
fn write(browser: &Browser) {
    browser.fill("#prompt", "Once upon a time, there was a little cat.");
    browser.fill(".settings [type=range]", "24");
    browser.write_to_the_end();
}

#[test]
fn five_cards_point_at_the_page() {
    let server = serve(&Tiny::new());
    let browser = Browser::start("tour", Gpu::Software);
    browser.open_ready(&server.url);
    write(&browser);
    for (width, height) in [(1280, 900), (390, 844), (320, 640)] {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500,
        });
        browser.devtools("Emulation.setDeviceMetricsOverride", &metrics);
        browser.settle();
        browser.click(".tour-offer button");
        for number in 1..=5 {
            browser.wait(&format!("{NUMBER} === '{number} of 5'"));
            browser.settle();
            browser.wait(POINTS);
            browser.picture(&format!("tour-{number}-{width}"));
            if number == 1 {
                assert_eq!(browser.step(), 0, "the first card shows that all is hidden");
            }
            browser.key("document.activeElement", "ArrowRight");
        }
        // There is nothing behind the last one; Escape ends it where it began.
        assert_eq!(browser.text(NUMBER), "5 of 5");
        assert!(browser.text("document.querySelector('.tour').textContent").contains("The course"));
        browser.key("document.activeElement", "Escape");
        browser.wait("!document.querySelector('.tour, [data-pointed]')");
        browser.wait("!!document.activeElement.closest('.tour-offer')");
        assert_eq!(browser.step(), 20);
    }
    browser.devtools("Emulation.clearDeviceMetricsOverride", &json!({}));

    // It is not offered again, but stays at hand.
    browser.open("about:blank");
    browser.open_ready(&server.url);
    write(&browser);
    browser.press("The tour, in five cards");
    browser.wait(POINTS);
    browser.check_access("tour");
    browser.press("Skip the tour");
    browser.wait("!document.querySelector('.tour')");
}

#[test]
fn who_wants_no_motion_and_no_tour_gets_none() {
    let server = serve(&Tiny::new());
    let browser = Browser::start("tour-refused", Gpu::Software);
    let still = json!({ "features": [{ "name": "prefers-reduced-motion", "value": "reduce" }] });
    browser.devtools("Emulation.setEmulatedMedia", &still);
    browser.open_ready(&server.url);
    write(&browser);
    browser.press("No, thanks");
    browser.wait("!document.body.innerText.includes('New here?')");
    // The order of the words is told by numbers, too.
    browser.press("The tour, in five cards");
    browser.wait(POINTS);
    assert_eq!(browser.number("document.getAnimations().length"), 0.0);
    let orders =
        browser.eval("[...document.querySelectorAll('.order-words')].map(row => row.textContent)");
    assert_eq!(orders, json!(["12345678", "21312312"]));
}
