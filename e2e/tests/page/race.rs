//! Two models beside each other: one that writes all over the page, and one from left to right.

use serde_json::{Value, json};

use crate::browser::{ALERT, Browser, Gpu};
use crate::compare::{OVER, STEPS, TITLES, words};
use crate::site::{Tiny, list, serve_all};

const PROMPT: &str = "Once upon a time, there was a little cat.";
const MODEL: &str = "document.querySelector('.model select').value";
/// Names of the samplers that are offered.
const SAMPLERS: &str = "[...document.querySelectorAll('.advanced option')].map(o => o.value)";
const LABELS: &str =
    "[...document.querySelectorAll('.settings .slider .label')].map(l => l.textContent)";

#[test]
fn a_model_that_writes_from_left_to_right_races_one_that_does_not() {
    race(&Browser::start("race", Gpu::Software));
}

#[test]
fn firefox_holds_the_race() {
    race(&Browser::firefox("race-firefox"));
}

/// Compares the shown text with what another model writes.
fn against(browser: &Browser, model: &str) {
    let choice = format!(
        "[...document.querySelectorAll('.choice:not(:disabled)')]\
         .find(c => c.textContent.startsWith('Another model: {model}'))"
    );
    browser.wait(&format!("!!{choice}"));
    browser.eval(&format!("{choice}.click() ?? true"));
    browser.wait(OVER);
    assert_eq!(browser.text(MODEL), model);
}

fn race(browser: &Browser) {
    let (tiny, serial) = (Tiny::new(), Tiny::serial());
    let server = serve_all(&[("tiny", &tiny), ("serial", &serial)]);
    browser.open_ready(&server.url);
    browser.fill("#prompt", PROMPT);
    browser.fill(".settings [type=range]", "24");
    // All places are written: nothing ends a text early.
    browser.eval("document.querySelector('.settings [type=checkbox]').click() ?? true");
    // The race begins while the first text is still written.
    browser.press("Write");
    browser.wait_step(2);
    against(browser, "serial");
    // The models are called as in the menu, whatever their files call themselves.
    let titles = browser.eval(TITLES);
    assert!(
        titles[0].as_str().is_some_and(|title| title.starts_with("tiny · 20 steps")),
        "{titles}"
    );
    assert_eq!(titles[1], "serial · One word after the other");
    assert_eq!(browser.eval(STEPS), json!([20, 24]));
    assert!(!words(browser, 0).contains(&"_".to_owned()));
    browser.fill(".compare .scrubber", "12");
    assert_eq!(browser.eval(STEPS), json!([10, 12]));
    // Behind the first blank of the one there are only blanks, but not of the other.
    let in_order = |side| words(browser, side).iter().skip_while(|w| *w != "_").all(|w| w == "_");
    assert_eq!([in_order(0), in_order(1)], [false, true]);
    browser.visible("race");

    // The new model has one way of writing, of which its words are explained.
    browser.press("Back to one text");
    browser.wait("!!document.querySelector('.settings')");
    assert_eq!(browser.eval(SAMPLERS), json!(["left-to-right"]));
    assert_eq!(browser.eval(LABELS), json!(["Length", "Temperature"]));
    assert_eq!(browser.eval("!document.querySelector('.tour-offer')"), true);
    browser.click(".token.written");
    browser.wait("document.querySelectorAll('.card.sheet .alternative').length === 5");
    browser.press("Close");
    browser.fill(".scrubber", "6");
    browser.click(".token.masked");
    browser.wait(
        "!!document.querySelector('.card.sheet')?.textContent.includes('has not come here yet')",
    );
    browser.press("Close");

    // It goes on from a changed word, which the words behind it do not know.
    browser.fill(".scrubber", "24");
    browser.click(".token.written");
    browser.press("Erase");
    browser.press("Continue");
    browser.wait_finished();
    assert!(!browser.story().contains(&"_".to_owned()));

    // What it cannot do is one sentence, and the page stays as it is.
    let story = browser.story();
    browser.fill("#prompt", "The [MASK:3] cat");
    browser.press("Write");
    browser.wait(&format!("{ALERT}.includes('cannot fill a gap that words follow')"));
    assert_eq!(browser.story(), story);
    browser.press("Dismiss");

    // The other way round each writes in its own way again.
    browser.fill("#prompt", PROMPT);
    browser.write_to_the_end();
    against(browser, "tiny");
    let titles = browser.eval(TITLES);
    assert_eq!(titles[0], "serial · One word after the other");
    assert_eq!(browser.eval(STEPS), json!([24, 20]), "{titles}");
}

/// A model that cannot go on from the prompt, or does not come, leaves the text alone.
#[test]
fn a_race_that_cannot_be_held_ends_in_a_sentence() {
    let (tiny, serial) = (Tiny::new(), Tiny::serial());
    let server = serve_all(&[("tiny", &tiny), ("serial", &serial)]);
    let browser = Browser::start("race-refused", Gpu::Software);
    browser.open_ready(&server.url);
    browser.fill("#prompt", "The [MASK:3] cat");
    browser.write_to_the_end();
    let story = browser.story();
    let choice = "[...document.querySelectorAll('.choice')].pop()";
    browser.wait(&format!("{choice}?.disabled === false"));
    browser.eval(&format!("{choice}.click() ?? true"));
    browser.wait(&format!("{ALERT}.includes('cannot fill a gap that words follow')"));
    browser.wait("!document.querySelector('.compare')");
    assert_eq!(browser.story(), story);
}

/// The list says how each model writes, so that the page knows it before it has the model.
#[test]
fn how_a_model_writes_is_known_before_it_comes() {
    let (tiny, serial) = (Tiny::new(), Tiny::serial());
    let server = serve_all(&[("tiny", &tiny), ("serial", &serial)]);
    let mut listed: Value = serde_json::from_slice(&list(&["tiny", "serial"])).expect("JSON");
    listed[0]["objective"] = "masked".into();
    listed[1]["objective"] = "autoregressive".into();
    server.put("models/models.json", listed.to_string().into_bytes());
    let browser = Browser::start("race-known", Gpu::Software);
    browser.open_ready(&server.url);
    let groups = "[...document.querySelectorAll('.model optgroup')].map(group => group.label)";
    assert_eq!(browser.eval(groups), json!(["All words at once", "One word after the other"]));

    // What cannot be held is not offered.
    let rivals = "[...document.querySelectorAll('.choice:not(:disabled)')].map(c => c.textContent) \
        .filter(text => text.startsWith('Another model')).length";
    let offered = "document.querySelectorAll('.choice:not(:disabled)').length";
    for (prompt, expected) in [("The [MASK:3] cat", 0), ("The cat [MASK:3]", 1)] {
        browser.fill("#prompt", prompt);
        browser.write_to_the_end();
        browser.wait(&format!("{offered} > 0"));
        assert_eq!(browser.number(rivals), f64::from(expected), "{prompt}");
    }

    server.stall("models/serial/model.safetensors");
    browser.fill(".model select", "serial");
    let words = "document.querySelector('.tagline').textContent";
    browser.wait(&format!("{words}.includes('one word after the other')"));
    browser.wait(&format!("JSON.stringify({LABELS}) === '[\"Length\",\"Temperature\"]'"));
    assert_eq!(browser.eval(SAMPLERS), json!(["left-to-right"]));
    let gaps = "[...document.querySelectorAll('button')].some(b => b.textContent === 'Add a gap')";
    assert_eq!(browser.eval(gaps), false);
    browser.click(".head .wordmark");
    browser.wait("!!document.querySelector('.empty')");
    let welcome = browser.text("document.querySelector('.empty').innerText");
    assert!(welcome.contains("word by word") && !welcome.contains("fog"), "{welcome}");
    assert!(welcome.contains("recording of another model"), "{welcome}");
}
