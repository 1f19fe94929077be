//! Loading, writing, replay, share links.

use serde_json::json;

use crate::browser::{Browser, Gpu, SQUEEZED};
use crate::site::{Tiny, root, serve};

/// Heights of all tokens: `[position, top]`.
const LINES: &str = "[...document.querySelectorAll('.token')]\
    .map(t => [Number(t.dataset.position), t.offsetTop]).sort((a, b) => a[0] - b[0])";

#[test]
fn a_visit() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = Browser::start("visit", Gpu::Software);
    browser.open_ready(&server.url);
    browser.pictures("empty");

    // An example works at one click; pausing stops the steps.
    browser.click(".example");
    browser.wait_step(3);
    browser.press("Pause");
    browser.wait("!!document.querySelector('[aria-label=\"Continue\"]')");
    // A step that was under way is shown before the engine waits: it answers in order.
    let paused = loop {
        let step = browser.step();
        std::thread::sleep(std::time::Duration::from_millis(500));
        if browser.step() == step {
            break step;
        }
    };
    assert!(paused < 10, "a pause stops");
    let middle = browser.story();
    assert!(middle.contains(&"_".to_owned()), "there are masks left: {middle:?}");
    browser.pictures("paused");

    // One step forward, one back: the same text again.
    browser.press("One step forward");
    browser.wait_step(paused + 1);
    assert_ne!(browser.story(), middle);
    browser.press("One step back");
    assert_eq!(browser.story(), middle);
    browser.press("One step forward");

    // On to the end; then the scrubber goes anywhere without the model.
    browser.press("Continue");
    browser.wait_finished();
    let end = browser.story();
    browser.pictures("finished");
    browser.fill(".scrubber", &paused.to_string());
    assert_eq!(browser.story(), middle);
    browser.pictures("scrubbed");

    // Lines stand still while time moves, and words have room in them.
    let before = browser.eval(LINES);
    assert_eq!(browser.eval(SQUEEZED), json!([]));
    browser.fill(".scrubber", "0");
    assert_eq!(browser.step(), 0);
    assert_eq!(browser.eval(LINES), before);

    // Playing what is recorded shows the same end.
    browser.fill(".pace select", "60");
    browser.press("Play");
    browser.wait("!!document.querySelector('[aria-label=\"Pause\"]')");
    browser.wait("!!document.querySelector('[aria-label=\"Play\"]')");
    assert_eq!(browser.story(), end);
}

#[test]
fn a_shared_link_gives_the_same_text() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = Browser::start("share", Gpu::Software);
    browser.open_ready(&server.url);
    browser.fill("#prompt", "The cat [MASK:6] <b>ball</b> & 100%");
    browser.fill("#seed", "77");
    browser.write_to_the_end();
    let story = browser.story();
    // The clipboard needs a permission, as a person gives it.
    let permissions = json!({ "permissions": ["clipboardReadWrite"] });
    browser.devtools("Browser.grantPermissions", &permissions);
    browser.press("Copy link");
    browser.wait("document.body.innerText.includes('The link is copied.')");
    let link = browser.run("return await navigator.clipboard.readText();", &[]);
    assert_eq!(link, browser.eval("location.href"), "the address line has the same link");
    let link = link.as_str().expect("a link");
    assert!(link.contains("model=tiny") && link.contains("seed=77"), "{link}");

    browser.open("about:blank");
    browser.open(link);
    browser.wait_finished();
    assert_eq!(browser.story(), story);
    // What came by the address is text and nothing else.
    assert_eq!(browser.number("document.querySelectorAll('.paper b').length"), 0.0);
    assert!(story.concat().contains("<b>ball</b>"), "{story:?}");
}

#[test]
fn marked_text_is_copied_with_its_spaces() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = Browser::start("copy", Gpu::Software);
    browser.open_ready(&server.url);
    browser.fill("#prompt", "The cat liked the big red ball.");
    browser.fill(".settings [type=range]", "4");
    browser.write_to_the_end();
    // From the second token to the last one given.
    let copied = browser.execute(
        "const all = [...document.querySelectorAll('.token')]\
             .sort((a, b) => a.dataset.position - b.dataset.position); \
         const given = all.filter(token => token.classList.contains('given')); \
         getSelection().setBaseAndExtent(all[1], 0, given.at(-1), 1); \
         const copy = new ClipboardEvent('copy', \
             { clipboardData: new DataTransfer(), bubbles: true, cancelable: true }); \
         all[1].dispatchEvent(copy); \
         return copy.clipboardData.getData('text/plain');",
        &[],
    );
    let copied = copied.as_str().expect("a text");
    assert!(copied.ends_with("liked the big red ball."), "{copied:?}");
    assert!(!copied.starts_with("The"), "{copied:?}");
}

#[test]
fn a_trace_is_read_and_drawn_natively() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = Browser::start("trace", Gpu::Software);
    browser.open_ready(&server.url);
    browser.fill("#prompt", "Once upon a time");
    browser.write_to_the_end();
    let trace = browser.trace();
    let steps = browser.step();
    assert_eq!(trace.frames.last().map(|frame| frame.step), Some(steps));
    let shown: String = browser.story().concat();
    let read: String = trace.strings(trace.frames.len() - 1).concat();
    let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    assert_eq!(letters(&read), letters(&shown.replace('↵', "")));
    let size = plot::draw::Size::WIDE;
    let last = trace.frames.len() - 1;
    let (png, _) = plot::raster::files(size, |measure| {
        let plan = plot::layout::Plan::new(&trace, size, measure);
        plan.draw(last.into(), &plot::layout::Style::default(), measure)
    })
    .expect("a size that is possible");
    let folder = root().join("target").join("screenshots");
    std::fs::create_dir_all(&folder).expect("target is ours");
    std::fs::write(folder.join("trace-native.png"), png).expect("target is ours");
}
