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
    browser.wait_ready();
    assert_eq!(browser.text(ALERT), "");
    browser.fill("#prompt", "One day");
    browser.write_to_the_end();
}

/// Drags something from outside of the browser onto an element and lets it go.
fn drop_on(browser: &Browser, selector: &str, data: &Value) {
    let place = browser.eval(&format!(
        "(({{ left, top, width, height }}) => [left + width / 2, top + height / 2])\
         (document.querySelector({selector:?}).getBoundingClientRect())"
    ));
    for kind in ["dragEnter", "dragOver", "drop"] {
        let event = json!({ "type": kind, "x": place[0], "y": place[1], "data": data });
        browser.devtools("Input.dispatchDragEvent", &event);
    }
}

/// Files and folders of this machine, as a drag holds them.
fn files(paths: &[&Path]) -> Value {
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
    browser.wait_ready();
    assert_eq!(browser.text(ALERT), "");
    assert_eq!(browser.text(PROMPT), "Typed before");
    let shown = "document.querySelector('.model select').selectedOptions[0].textContent";
    assert_eq!(browser.text(shown), "my checkpoint");
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
