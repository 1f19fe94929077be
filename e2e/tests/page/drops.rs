//! Drag and drop: files, folders, text.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::browser::{ALERT, Browser, Gpu, PROMPT};
use crate::site::{Tiny, serve};

#[test]
fn a_model_can_be_dropped() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = Browser::start("drop", Gpu::Software);
    browser.open_ready(&server.url);
    let drop = "const data = new DataTransfer(); \
        for (const name of given[0]) { \
            const answer = await fetch('models/tiny/' + name); \
            data.items.add(new File([await answer.blob()], name)); \
        } \
        const zone = document.querySelector('.zone'); \
        const event = kind => zone.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true })); \
        event('dragover'); \
        await new Promise(requestAnimationFrame); \
        const veil = !!document.querySelector('.veil'); \
        event('drop'); \
        return veil;";
    let files = |names: &[&str]| vec![json!(names)];
    assert_eq!(browser.run(drop, &files(&["model.safetensors"])), true, "the page says drop here");
    browser.wait(&format!("{ALERT}.includes('no tokenizer.json')"));
    browser.run(drop, &files(&["model.safetensors", "tokenizer.json"]));
    browser.wait("document.querySelector('.model select').value === ''");
    browser.wait_ready();
    assert_eq!(browser.text(ALERT), "");
    browser.fill("#prompt", "One day");
    browser.write_to_the_end();
}

/// Drags something from outside of the browser onto the middle of what is seen of an element, and lets
/// it go.
pub(crate) fn drop_on(browser: &Browser, selector: &str, data: &Value) {
    let place = browser.eval(&format!(
        "(({{ left, top, right, bottom }}) => [(left + right) / 2, (top + Math.min(bottom, innerHeight)) / 2])\
         (document.querySelector({selector:?}).getBoundingClientRect())"
    ));
    for kind in ["dragEnter", "dragOver", "drop"] {
        let event = json!({ "type": kind, "x": place[0], "y": place[1], "data": data });
        browser.devtools("Input.dispatchDragEvent", &event);
    }
}

/// Files and folders of this machine, as a drag holds them.
pub(crate) fn files(paths: &[&Path]) -> Value {
    json!({ "items": [], "files": paths, "dragOperationsMask": 1 })
}

#[test]
fn a_folder_can_be_dropped() {
    let mut tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = Browser::start("folder", Gpu::Software);
    browser.open_ready(&server.url);
    browser.fill("#prompt", "Typed before");

    // A folder without a model is named as one, and what was typed stays.
    let empty = browser.downloads.join("nothing here");
    std::fs::create_dir_all(&empty).expect("target is ours");
    drop_on(&browser, "#prompt", &files(&[&empty]));
    browser.wait(&format!("{ALERT}.includes('no model.safetensors')"));

    // A checkpoint's folder holds more than the model, and other checkpoints in folders of their
    // own; browsers list a hundred files at a time. A model without a name is called as its folder.
    let folder = browser.downloads.join("my checkpoint");
    let older = folder.join("older");
    std::fs::create_dir_all(&older).expect("target is ours");
    tiny.checkpoint.card.name = None;
    let write = |path: PathBuf, bytes: Vec<u8>| {
        std::fs::write(path, bytes).expect("target is ours");
    };
    write(folder.join("model.safetensors"), tiny.weights());
    write(folder.join("tokenizer.json"), tiny.tokenizer.to_json().into_bytes());
    write(folder.join("a.safetensors"), b"not this one".to_vec());
    write(older.join("model.safetensors"), b"nor this one".to_vec());
    (0..230).for_each(|i| write(folder.join(format!("log-{i}.txt")), vec![]));
    drop_on(&browser, "#prompt", &files(&[&folder]));
    let shown = "document.querySelector('.model select').selectedOptions[0].textContent";
    browser.wait(&format!("{shown} === 'my checkpoint'"));
    browser.wait_ready();
    assert_eq!(browser.text(ALERT), "");
    assert_eq!(browser.text(PROMPT), "Typed before");
    browser.write_to_the_end();

    // Both files without their folder do as well.
    let both = [folder.join("tokenizer.json"), folder.join("model.safetensors")];
    drop_on(&browser, "#text", &files(&[&both[0], &both[1]]));
    browser.wait(&format!("{shown} === 'a model of your own'"));
    browser.wait_ready();
}

#[test]
fn text_can_be_dragged_into_the_prompt() {
    let server = serve(&Tiny::new());
    let browser = Browser::start("text", Gpu::Software);
    browser.open_ready(&server.url);
    let text = json!({ "mimeType": "text/plain", "data": "One day" });
    drop_on(&browser, "#prompt", &json!({ "items": [text], "dragOperationsMask": 1 }));
    browser.wait(&format!("{PROMPT} === 'One day'"));
    assert_eq!(browser.eval("!document.querySelector('.veil')"), true);
    browser.write_to_the_end();
}

#[test]
fn a_wrong_file_changes_nothing() {
    let tiny = Tiny::patient();
    let server = serve(&tiny);
    let browser = Browser::start("wrong", Gpu::Software);
    browser.open_ready(&server.url);
    browser.fill("#prompt", "One day");
    browser.press("Write");
    browser.fill(".pace select", "2");
    browser.wait_step(2);

    // Neither a model nor a trace: the text is written on meanwhile.
    let picture = browser.downloads.join("cat.jpg");
    std::fs::write(&picture, b"a picture").expect("target is ours");
    drop_on(&browser, "#text", &files(&[&picture]));
    browser.wait(&format!("{ALERT}.includes('“cat.jpg” is neither a model nor a trace')"));
    let buttons =
        "[...document.querySelectorAll('[role=alert] button')].map(b => b.textContent).join()";
    assert_eq!(browser.text(buttons), "Dismiss", "there is nothing to try again");
    let going_on = "!!document.querySelector('[aria-label=\"Pause\"]')";
    assert_eq!(browser.eval(going_on), true);
    let step = browser.step();
    browser.wait_step(step + 1);

    // The right names, but no model inside: the one that stands writes on afterwards.
    let weights = browser.downloads.join("model.safetensors");
    std::fs::write(&weights, b"no model").expect("target is ours");
    let tokenizer = browser.downloads.join("tokenizer.json");
    std::fs::write(&tokenizer, tiny.tokenizer.to_json()).expect("target is ours");
    drop_on(&browser, "#text", &files(&[&weights, &tokenizer]));
    browser.wait(&format!("{ALERT}.includes('The model cannot be used')"));
    assert_eq!(browser.text(buttons), "Dismiss");
    assert_eq!(browser.text("document.querySelector('.model select').value"), "tiny");
    let step = browser.step();
    browser.wait_step(step + 1);
    browser.press("Dismiss");
    browser.fill(".pace select", "60");
    browser.wait_finished();
}

#[test]
fn a_first_model_that_fails_leaves_a_way_on() {
    const WEIGHTS: &str = "models/tiny/model.safetensors";
    let tiny = Tiny::new();
    let server = serve(&tiny);
    server.put(WEIGHTS, None);
    let browser = Browser::start("way-on", Gpu::Software);
    browser.open(&server.url);
    browser.wait(&format!("{ALERT}.includes('404')"));
    browser.press("Dismiss");
    browser.wait("document.body.innerText.includes('No model is loaded')");
    browser.pictures("no-model");
    server.put(WEIGHTS, tiny.weights());
    browser.press("Load it again");
    browser.wait_ready();
    browser.write_to_the_end();
}

#[test]
fn a_trace_is_replayed() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = Browser::start("dropped-trace", Gpu::Software);
    browser.open_ready(&server.url);
    browser.fill("#prompt", "One day");
    browser.write_to_the_end();
    let (trace, story) = (browser.trace(), browser.story());
    let file = browser.downloads.join("a trace.json");
    std::fs::write(&file, trace.to_json()).expect("target is ours");

    browser.open("about:blank");
    browser.open_ready(&server.url);
    browser.fill("#prompt", "Typed before");
    drop_on(&browser, "#text", &files(&[&file]));
    browser.wait("!!document.querySelector('[aria-label=\"Pause\"]')");
    browser.wait("!!document.querySelector('[aria-label=\"Play\"]')");
    assert_eq!(browser.story(), story);
    assert_eq!(browser.text(PROMPT), "Typed before", "a trace is no draft");

    // Half of a run goes on with the model that began it.
    let mut half = trace.clone();
    half.frames.truncate(trace.frames.len() / 2);
    std::fs::write(&file, half.to_json()).expect("target is ours");
    drop_on(&browser, "#text", &files(&[&file]));
    browser.wait_finished();
    assert_eq!(browser.number("document.querySelectorAll('.paper .masked:not(.dim)').length"), 0.0);

    // Other JSON is told what a trace is on this page, and a trace of another form what is wrong.
    for (text, told) in [("{}", "is not a trace"), ("{\"version\":9}", "cannot be opened")] {
        std::fs::write(&file, text).expect("target is ours");
        drop_on(&browser, "#text", &files(&[&file]));
        browser.wait(&format!("{ALERT}.includes('“a trace.json” {told}')"));
        let sentence = browser.text(ALERT);
        assert!(!sentence.contains('`') && !sentence.contains("sample"), "{sentence}");
    }
}
