//! A training as a person does it, page and engine together: from the first click over a hidden tab, a
//! page that is closed and a lost device to a text that the trained model writes.

use web::protocol::{Level, Plan, Text};

use crate::browser::{ALERT, Browser, Gpu};
use crate::devices::{LOSE, before_the_engine};
use crate::server::Server;
use crate::site::{Tiny, serve};
use crate::trains::changes;

const BUTTON: &str = "document.querySelector('.training .primary')?.innerText";
const SHOWN: &str = "document.querySelector('main:not([hidden])').innerText";
/// Steps done, as the page says it.
const STEP: &str = "Number(document.querySelector('.doing')?.innerText.match(/^Step ([\\d,]+)/)?.[1]\
    .replace(',', ''))";
/// Steps that are stored, as the page says it.
const STORED: &str = "Number(document.querySelector('.training')?.innerText\
    .match(/Stored in this browser up to step ([\\d,]+)/)?.[1].replace(',', ''))";

/// The link of a training so small that a browser does steps of it in no time, and so long that it
/// does not end. It is stored when somebody waits or hides it.
fn link(server: &Server) -> String {
    let mut changes = changes(90_000);
    changes.push("train.checkpoint_every=90000".to_owned());
    let text = Text::Grammar { level: Level::First, stories: 200, seed: 1 };
    let plan = Plan { text, preset: "pocket".to_owned(), changes };
    format!("{}#{}", server.url, plan.fragment())
}

fn begin(browser: &Browser) {
    browser.wait(&format!("{BUTTON} === 'Train' && {SHOWN}.includes('90,000 steps of ')"));
    browser.press("Train");
    steps_are_done(browser);
}

/// Waits for steps beyond those that are done.
fn steps_are_done(browser: &Browser) {
    let step = browser.number(STEP);
    browser.wait(&format!("{STEP} > {step}"));
}

/// Lets the training wait; the step that is stored then.
fn pause(browser: &Browser) -> f64 {
    browser.press("Pause");
    browser.wait(&format!("{BUTTON} === 'Go on' && {STEP} === {STORED}"));
    browser.number(STORED)
}

fn restore(browser: &Browser, step: f64, button: &str) {
    browser.wait(&format!(
        "{SHOWN}.replaceAll(',', '').includes('is stored in this browser: step {step} of')"
    ));
    browser.press(button);
    browser.wait(&format!("{BUTTON} === 'Go on' && {STEP} === {step}"));
    browser.press("Go on");
    steps_are_done(browser);
}

/// Says to the page that its tab is hidden, or seen again.
fn hide(browser: &Browser, hidden: bool) {
    browser.execute(
        "Object.defineProperty(document, 'hidden', { value: arguments[0], configurable: true }); \
         document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));",
        &[hidden.into()],
    );
}

fn trains_hides_closes_and_writes(browser: &Browser) {
    let server = serve(&Tiny::new());
    browser.open(&link(&server));
    begin(browser);

    // A hidden tab stores what was done at once, and goes on.
    hide(browser, true);
    browser.wait(&format!("{STORED} >= 1"));
    steps_are_done(browser);
    hide(browser, false);
    browser.wait("document.body.innerText.includes('While the tab was hidden, ')");
    assert_eq!(browser.text(BUTTON), "Pause");

    // The page is closed and opened again.
    let step = pause(browser);
    browser.open("about:blank");
    browser.open(&link(&server));
    restore(browser, step, "Go on with it");

    // A text is written with the model of this moment; the training waits for it, and goes on.
    browser.press("Write with it");
    browser.wait(
        "document.querySelector('.model select')?.selectedOptions[0].text.includes(', step ')",
    );
    browser.fill("#prompt", "One day");
    browser.write_to_the_end();
    browser.click(".modes a + a");
    steps_are_done(browser);
    pause(browser);
    assert_eq!(browser.text(ALERT), "");
}

#[test]
fn chromium_trains_hides_closes_and_writes() {
    trains_hides_closes_and_writes(&Browser::start("tab-chromium", Gpu::None));
}

#[test]
fn firefox_trains_hides_closes_and_writes() {
    trains_hides_closes_and_writes(&Browser::firefox("tab-firefox"));
}

#[test]
fn a_lost_device_is_no_lost_training() {
    let server = serve(&Tiny::new());
    before_the_engine(&server, LOSE);
    let browser = Browser::start("tab-lost", Gpu::Software);
    browser.open(&link(&server));
    browser.fill(".train .advanced select", "gpu");
    begin(&browser);
    for button in ["Go on with it", "Go on with it on the CPU"] {
        let step = pause(&browser);
        browser.press("Go on");
        steps_are_done(&browser);
        browser.eval("new BroadcastChannel('lose the device').postMessage(1) ?? true");
        browser.wait(&format!("{ALERT}.includes('The browser took the GPU away')"));
        browser.wait(&format!("{SHOWN}.includes('What was stored can go on.')"));
        restore(&browser, step, button);
    }
    browser.wait("document.querySelector('.doing').innerText.endsWith('CPU')");
}
