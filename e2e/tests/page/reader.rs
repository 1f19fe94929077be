//! Documents beside the page: the course and model cards, with their pictures.

use crate::browser::{Browser, Gpu};
use crate::site::{Tiny, serve};

/// Pictures of the open document, by whether they have come.
const PICTURES: &str = "[...document.querySelectorAll('.course img')].map(i => i.naturalWidth > 0)";

#[test]
fn documents_come_with_their_pictures() {
    let server = serve(&Tiny::new());
    let card = "# tiny\n\n![Loss, nats per token, step](loss.svg)\n";
    let curve = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1200\" height=\"675\"></svg>";
    server.put("models/tiny/README.md", card.as_bytes().to_vec());
    server.put("models/tiny/loss.svg", curve.as_bytes().to_vec());
    let browser = Browser::start("reader", Gpu::Software);
    browser.open_ready(&server.url);
    let open = |name: &str, pictures: usize| {
        browser.eval(&format!(
            "[...document.querySelectorAll('a')].find(a => a.textContent === {name:?}).click() ?? true"
        ));
        let all = vec!["true"; pictures].join(",");
        browser.wait(&format!("{PICTURES}.join() === '{all}'"));
        browser.picture(&format!("reader-{pictures}"));
        browser.press("Close");
    };
    open("Model card", 1);
    let course = include_str!("../../../learning.md");
    open("The idea", course.lines().filter(|line| line.starts_with("![")).count());
}
