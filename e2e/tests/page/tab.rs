//! A training as a person does it, page and engine together: from the first click over a hidden tab, a
//! page that is closed and a lost device to a text that the trained model writes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use web::protocol::{Level, Plan, Text};

use crate::agree::trainer;
use crate::browser::{ALERT, Browser, Gpu};
use crate::devices::{LOSE, before_the_engine};
use crate::drops::{drop_on, files};
use crate::server::Server;
use crate::site::{Tiny, serve};
use crate::trains::{changes, native, place, stories};

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

/// A file compressed by DEFLATE, with its CRC-32.
fn deflated(file: &Path) -> (Vec<u8>, u32) {
    let bytes = std::fs::File::open(file).expect("it is there");
    let mut gzip = Command::new("gzip");
    gzip.args(["-n", "-c"]).stdin(bytes).stderr(Stdio::inherit());
    let output = gzip.output().expect("gzip is installed").stdout;
    // A header without a name has ten bytes; checksum and size stand behind the data.
    let (data, tail) = output[10..].split_at(output.len() - 18);
    (data.to_vec(), u32::from_le_bytes(*tail.first_chunk().expect("eight bytes")))
}

/// All files in a folder and in those in it.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

/// A folder as other programs pack it: compressed.
fn pack(folder: &Path) -> Vec<u8> {
    let (mut archive, mut directory, mut count) = (Vec::new(), Vec::new(), 0u16);
    let outside = folder.parent().expect("a folder has one");
    for path in walk(folder) {
        let name = path.strip_prefix(outside).expect("it is in there");
        let name = name.to_str().expect("text").replace('\\', "/");
        let (data, crc) = deflated(&path);
        let size = std::fs::metadata(&path).expect("it is there").len() as u32;
        let mut common = Vec::new();
        // Version 2.0, UTF-8, DEFLATE, no time.
        for field in [20u16, 1 << 11, 8, 0, 0x21] {
            common.extend(field.to_le_bytes());
        }
        for field in [crc, data.len() as u32, size, name.len() as u32] {
            common.extend(field.to_le_bytes());
        }
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend((archive.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        archive.extend(b"PK\x03\x04");
        archive.extend(&common);
        archive.extend(name.as_bytes());
        archive.extend(data);
        count += 1;
    }
    let start = archive.len() as u32;
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend([count, count].map(u16::to_le_bytes).concat());
    archive.extend([directory.len() as u32, start].map(u32::to_le_bytes).concat());
    archive.extend([0, 0]);
    archive
}

#[test]
fn a_saved_training_goes_on_where_it_is_dropped() {
    let server = serve(&Tiny::new());
    let browser = Browser::start("tab-archive", Gpu::None);
    browser.open(&link(&server));
    begin(&browser);
    let step = pause(&browser);
    browser.press("Save checkpoint");
    let archive = browser.saved(&format!("pocket-first-stories-step-{step}.zip"));

    // Dropped on a page that shows the writing.
    browser.open("about:blank");
    browser.open_ready(&server.url);
    drop_on(&browser, "#prompt", &files(&[&archive]));
    browser.wait(&format!("{BUTTON} === 'Go on' && {STEP} === {step}"));
    assert_eq!(browser.eval("!!document.querySelector('.strip-text')?.innerText"), true);
    browser.press("Go on");
    steps_are_done(&browser);
    pause(&browser);
    assert_eq!(browser.text(ALERT), "");
}

#[test]
fn a_run_of_the_program_goes_on_where_it_is_dropped() {
    let place = place("dropped");
    let corpus = place.join("stories.txt");
    std::fs::write(&corpus, stories()).expect("target is ours");
    let run = place.join("run");
    let arguments = ["--config", "pocket", "--data", corpus.to_str().expect("text")];
    native(&trainer(), &arguments, &run, 40);
    let archive = place.join("run.zip");
    std::fs::write(&archive, pack(&run)).expect("target is ours");

    let server = serve(&Tiny::new());
    let browser = Browser::start("tab-native", Gpu::None);
    browser.open_ready(&server.url);
    // The text is not in the folder, and none of the page's has as many tokens.
    drop_on(&browser, "#prompt", &files(&[&archive]));
    browser.wait(&format!("{ALERT}.includes('choose that text, or drop both together')"));
    browser.press("Dismiss");
    drop_on(&browser, "main.train", &files(&[&archive, &corpus]));
    browser.wait(&format!("{BUTTON} === 'Complete' && {STEP} === 40"));
    browser.press("Train as long again");
    browser.wait(&format!("{BUTTON} === 'Go on'"));
    browser.press("Go on");
    browser.wait(&format!("{BUTTON} === 'Complete' && {STEP} === 80"));
    assert_eq!(browser.text(ALERT), "");
}
