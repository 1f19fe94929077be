//! Visits: links, history, examples, settings, and the first view.

use crate::browser::{ALERT, Browser, Gpu, PROMPT};
use crate::site::{Tiny, dist, list, serve};

/// Values of the three sliders: length, temperature, steps.
const SLIDERS: &str =
    "[...document.querySelectorAll('.settings [type=range]')].map(slider => slider.value).join()";
const HOME: &str = "!!document.querySelector('.examples')";
/// The model of the menu.
const CHOSEN: &str = "document.querySelector('.model select').value";
/// The words that a prompt gave.
const GIVEN: &str =
    "[...document.querySelectorAll('.paper .token.given')].map(t => t.textContent).join(' ')";

#[test]
fn a_link_is_a_visit_and_no_draft() {
    let server = serve(&Tiny::new());
    let browser = Browser::start("link", Gpu::Software);
    browser.open(&format!(
        "{}#prompt=The+cat&length=8&steps=1&temperature=1.5&sampler=seed&seed=9",
        server.url
    ));
    browser.wait_finished();
    assert_eq!(browser.text(SLIDERS), "8,1.5,1");

    // The bare address knows nothing of it, and neither do the examples.
    browser.open("about:blank");
    browser.open_ready(&server.url);
    assert_eq!(browser.text(SLIDERS), "64,0.7,20");
    assert_eq!(browser.text(PROMPT), "");
    browser.click(".example");
    browser.wait_step(1);
    let address = browser.text("location.hash");
    assert!(address.contains("temperature=0.7&seed=1&"), "{address}");

    // What a person sets by hand is kept, also through an example, and can be reset.
    browser.press("Pause");
    browser.fill(".settings [type=range]", "24");
    browser.open("about:blank");
    browser.open_ready(&server.url);
    assert_eq!(browser.text(SLIDERS), "24,0.7,20");
    browser.press("Reset the settings");
    browser.wait(&format!("{SLIDERS} === '64,0.7,20'"));
    browser.wait("!document.querySelector('.reset')");
}

#[test]
fn texts_are_places_in_the_history() {
    let server = serve(&Tiny::new());
    let browser = Browser::start("history", Gpu::Software);
    browser.open_ready(&server.url);
    browser.fill("#prompt", "The cat");
    browser.write_to_the_end();
    let (first, address) = (browser.story(), browser.text("location.hash"));

    // A second link in the same tab, as if it had been clicked.
    browser.eval("(location.hash = '#prompt=The+garden&length=8&steps=8&seed=3') ?? true");
    browser.wait(&format!("{GIVEN}.includes('garden')"));
    browser.wait_finished();
    assert_eq!(browser.text(PROMPT), "The garden");
    let second = browser.story();
    assert_ne!(first, second);

    // Back and Forward show what was written, without writing it again.
    browser.eval("history.back() ?? true");
    browser.wait(&format!("location.hash === {address:?}"));
    browser.wait(&format!("!{GIVEN}.includes('garden')"));
    assert_eq!(browser.story(), first);
    browser.eval("history.forward() ?? true");
    browser.wait(&format!("{GIVEN}.includes('garden')"));
    assert_eq!(browser.story(), second);
    assert_eq!(browser.number("document.querySelectorAll('.branch').length"), 2.0);

    // The wordmark leads to the examples, Back to the text.
    browser.click(".head .wordmark");
    browser.wait(HOME);
    assert_eq!(browser.text("location.hash"), "");
    assert_eq!(browser.text(PROMPT), "The cat", "the draft, not the link's prompt");
    browser.pictures("home");
    browser.eval("history.back() ?? true");
    browser.wait(&format!("!({HOME}) && {GIVEN}.includes('garden')"));

    // A chapter of the course, or an anchor, is no place.
    browser.eval("(location.hash = '#text') ?? true");
    assert_eq!(browser.story(), second);

    // A link to a model that is not here is written all the same, and says so.
    browser.eval("(location.hash = '#model=other&prompt=The+ball&length=8&steps=8') ?? true");
    browser.wait(&format!("{GIVEN}.includes('ball')"));
    browser.wait(&format!("{ALERT}.includes('“other”')"));
}

#[test]
fn a_link_brings_its_model() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    server.put("models/models.json", list(&["tiny", "other"]));
    server.put("models/other/tokenizer.json", tiny.tokenizer.to_json().into_bytes());
    server.put("models/other/model.safetensors", tiny.weights());
    let browser = Browser::start("model-link", Gpu::Software);
    browser.open_ready(&server.url);
    browser.eval("(location.hash = '#model=other&prompt=The+ball&length=8&steps=8') ?? true");
    browser.wait(&format!("{CHOSEN} === 'other'"));
    browser.wait(&format!("{GIVEN}.includes('ball')"));
    browser.wait_finished();

    // Without a text it leads to the first view with that model, in this tab and in a new one.
    browser.eval("(location.hash = '#model=tiny') ?? true");
    browser.wait(&format!("{CHOSEN} === 'tiny' && {HOME}"));
    browser.open("about:blank");
    browser.open_ready(&format!("{}#model=other", server.url));
    assert_eq!(browser.text(CHOSEN), "other");
    assert_eq!(browser.eval(HOME), true);
    browser.eval("(location.hash = '#model=nobody') ?? true");
    browser.wait(&format!("{ALERT}.includes('“nobody”')"));
    assert_eq!(browser.text(CHOSEN), "other");
}

#[test]
fn there_is_something_to_watch_while_the_model_loads() {
    const WEIGHTS: &str = "models/tiny/model.safetensors";
    let tiny = Tiny::new();
    let server = serve(&tiny);
    server.stall(WEIGHTS);
    let browser = Browser::start("slow-line", Gpu::Software);
    browser.open(&server.url);
    let step = "Number(document.querySelector('.recording figcaption .number')?.textContent)";
    browser.wait(&format!("{step} >= 3"));
    assert!(browser.text("document.querySelector('.recording').innerText").contains("recording"));
    browser.pictures("recording");

    // It stops when it is told to.
    browser.press("Stop the recording");
    let stopped = browser.number(step);
    std::thread::sleep(std::time::Duration::from_millis(1_200));
    assert_eq!(browser.number(step), stopped);
    browser.press("Play the recording");

    // An example that is chosen now begins when the model is there.
    browser.click(".example");
    browser.wait("document.querySelector('.invitation').innerText.includes('as soon as')");
    server.put(WEIGHTS, tiny.weights());
    browser.fill(".model select", "tiny");
    browser.wait_step(1);
    browser.wait_finished();

    // Who asks for less motion sees its end.
    browser.devtools(
        "Emulation.setEmulatedMedia",
        &serde_json::json!({ "features": [{ "name": "prefers-reduced-motion", "value": "reduce" }] }),
    );
    browser.open("about:blank");
    browser.open_ready(&server.url);
    browser.wait(&format!("{step} === 24"));
    assert_eq!(browser.number("document.querySelectorAll('.recording .masked').length"), 0.0);
}

#[test]
fn what_is_waited_for_is_said() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let mut files = std::fs::read_dir(dist()).expect("it is built").flatten();
    let program = files.find_map(|file| {
        let name = file.file_name().into_string().ok()?;
        (name.starts_with("web-") && name.ends_with(".wasm")).then_some(name)
    });
    let program = program.expect("the page's program");
    server.stall(&program);
    server.stall("models/tiny/model.safetensors");
    let browser = Browser::start("slow-page", Gpu::None);
    browser.open(&server.url);
    let first = "(document.getElementById('first-paint')?.innerText ?? '')";
    browser.wait(&format!("/on its way: [0-9.]+ of [0-9.]+ MB/.test({first})"));
    browser.picture("slow-page");
    let whole = std::fs::read(dist().join(&program)).expect("it is there");
    server.put(&program, whole);
    browser.open("about:blank");
    browser.open(&server.url);
    let loading = "(document.querySelector('.loading')?.innerText ?? '')";
    browser.wait(&format!("{loading}.includes('Downloading the model')"));
    browser.wait(&format!("{loading}.includes('The CPU will compute')"));
}

#[test]
fn lines_under_the_words_show_what_is_chosen() {
    let server = serve(&Tiny::new());
    let browser = Browser::start("underline", Gpu::Software);
    browser.open_ready(&server.url);
    browser.fill("#prompt", "The cat");
    browser.eval("document.querySelector('.settings [type=checkbox]').click() ?? true");
    browser.write_to_the_end();
    let trace = browser.trace();
    browser.fill("#underline", "1");
    browser.wait("document.querySelector('.paper').classList.contains('order')");
    let last = trace.frames.len() - 1;
    for position in 0..trace.len() {
        let Some(age) = trace.age(last, position) else { continue };
        let late = trace.frames[last - age].step as f32 / trace.steps as f32;
        let tone = 10 - (10.0 * late).round() as u32;
        let token = format!("document.querySelector('[data-position=\"{position}\"]')");
        if browser.text(&format!("{token}.textContent")).trim().is_empty() {
            continue; // there is nothing to underline
        }
        let class = browser.text(&format!("{token}.className"));
        assert!(class.split(' ').any(|name| name == format!("sure-{tone}")), "{position}: {class}");
    }
    browser.pictures("order");
    browser.fill("#underline", "2");
    browser.wait("document.querySelector('.paper').classList.contains('plain')");
    assert_eq!(browser.number("document.querySelectorAll('.legend .ramp').length"), 0.0);
}

#[test]
fn examples_are_at_hand_beside_a_text() {
    let server = serve(&Tiny::new());
    let browser = Browser::start("examples", Gpu::Software);
    browser.open_ready(&server.url);
    browser.fill("#prompt", "One day");
    browser.write_to_the_end();
    browser.press("A gap in the middle");
    browser.wait("location.hash.includes('MASK')");
    browser.wait_finished();
    // A step for every place of the gap: none is waited for in vain.
    let address = browser.text("location.hash");
    assert!(address.contains("steps=6&"), "{address}");
}
