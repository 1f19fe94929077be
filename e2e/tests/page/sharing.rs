//! Sharing, and pages that do not come by https.

use serde_json::json;

use crate::browser::{Browser, Gpu};
use crate::site::{Tiny, serve};

/// Clicks a button as a person does: browsers let pages copy only then.
fn click_by_hand(browser: &Browser, name: &str) {
    let place = browser.run(
        "const button = [...document.querySelectorAll('button')].find(b => b.textContent.trim() === given[0]); \
         button.scrollIntoView({ block: 'center' }); \
         const { left, top, width, height } = button.getBoundingClientRect(); \
         return [left + width / 2, top + height / 2];",
        &[name.into()],
    );
    browser.mouse("mousePressed", &place);
    browser.mouse("mouseReleased", &place);
}

#[test]
fn without_https_the_page_copies_and_names_the_cause() {
    let server = serve(&Tiny::new());
    let browser = Browser::start("insecure", Gpu::Software);
    // A name that is not this computer's own: the browser takes the address for a foreign one.
    browser.open_ready(&server.url.replace("127.0.0.1", "classroom.test"));
    assert_eq!(browser.eval("isSecureContext"), false);
    let note = browser.text("document.querySelector('.slow').innerText");
    assert!(note.contains("https") && !note.contains("Chrome"), "{note}");
    browser.pictures("insecure");
    browser.fill("#prompt", "One day");
    browser.write_to_the_end();
    browser.eval("document.addEventListener('copy', () => { window.copied = document.activeElement.value; }) ?? true");
    click_by_hand(&browser, "Copy link");
    browser.wait("document.body.innerText.includes('The link is copied.')");
    assert_eq!(browser.eval("window.copied"), browser.eval("location.href"));
}

#[test]
fn phones_share_with_their_own_sheet() {
    let server = serve(&Tiny::new());
    let browser = Browser::start("sheet", Gpu::Software);
    let share = "Navigator.prototype.share = async data => { window.shared = data; };";
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": share }));
    browser.open_ready(&server.url);
    browser.fill("#prompt", "One day");
    browser.write_to_the_end();
    browser.press("Share…");
    browser.wait("!!window.shared");
    assert_eq!(browser.eval("window.shared.url"), browser.eval("location.href"));
    assert!(browser.text("window.shared.text").contains("One day"));
}

#[test]
fn links_to_the_page_have_a_picture() {
    let server = serve(&Tiny::new());
    let browser = Browser::start("preview", Gpu::Software);
    browser.open(&server.url);
    for name in ["og:title", "og:description", "og:image"] {
        let content = format!("document.querySelector('meta[property=\"{name}\"]').content");
        assert_ne!(browser.text(&content), "");
    }
    let image = "document.querySelector('meta[property=\"og:image\"]').content";
    let size = browser.run(
        &format!(
            "const image = new Image(); image.src = {image}; await image.decode(); \
             return [image.naturalWidth, image.naturalHeight];"
        ),
        &[],
    );
    assert_eq!(size, json!([1200, 630]));
}
