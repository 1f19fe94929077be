//! Bad models, no WebGPU, no network: each gets one sentence and a way to recover.

use std::thread;
use std::time::{Duration, Instant};

use crate::browser::{ALERT, Browser, Gpu, PROMPT};
use crate::site::{Tiny, dist, entry_with_sums, list, serve};
use serde_json::json;

const WEIGHTS: &str = "models/tiny/model.safetensors";
const TOKENIZER: &str = "models/tiny/tokenizer.json";

#[test]
fn bad_models_are_named_and_the_text_stays() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let whole = tiny.weights();
    let browser = Browser::start("faults", Gpu::Software);
    let says = |sentence: &str| browser.wait(&format!("{ALERT}.includes({sentence:?})"));

    // Half a file, as a broken upload leaves it.
    server.put(WEIGHTS, whole[..whole.len() / 2].to_vec());
    browser.open(&server.url);
    says("The model cannot be used");
    browser.fill("#prompt", "Typed before the fault");
    browser.pictures("bad-model");

    // A file that is no model, none at all, a download that breaks off, another's tokenizer.
    server.put(WEIGHTS, b"<html>no model</html>".to_vec());
    browser.press("Try again");
    says("The model cannot be used");
    // A schedule, an objective or a version that nobody knows is no reason to guess.
    for (known, unknown, sentence) in [
        (r#"\"cosine2\""#, r#"\"cosine9\""#, "cosine9"),
        (r#"\"masked\""#, r#"\"hinted\""#, "the objective “hinted”"),
        (r#"\"version\":1"#, r#"\"version\":9"#, "format version 9"),
    ] {
        let mut changed = whole.clone();
        let at = whole.windows(known.len()).position(|part| part == known.as_bytes());
        let at = at.expect("the card names it");
        changed[at..at + known.len()].copy_from_slice(unknown.as_bytes());
        server.put(WEIGHTS, changed);
        browser.press("Try again");
        says(sentence);
    }
    server.put(WEIGHTS, None);
    browser.press("Try again");
    says("The server has no model.safetensors (it answered 404)");
    server.put(WEIGHTS, whole);
    server.cut(WEIGHTS);
    browser.press("Try again");
    says("The download of model.safetensors broke off");
    server.put(WEIGHTS, tiny.weights());
    server.put(TOKENIZER, b"{}".to_vec());
    browser.press("Try again");
    says("okenizer");

    // The way back: the server has mended it.
    server.put(TOKENIZER, tiny.tokenizer.to_json().into_bytes());
    browser.press("Try again");
    browser.wait_ready();
    assert_eq!(browser.text(ALERT), "");
    assert_eq!(browser.text(PROMPT), "Typed before the fault");

    // No list of models.
    server.put("models/models.json", None);
    browser.open("about:blank");
    browser.open(&server.url);
    says("the server has no list of models");
    assert_eq!(browser.text(PROMPT), "Typed before the fault");
}

#[test]
fn another_model_breaks_off_a_load() {
    const OTHER: &str = "models/other/model.safetensors";
    let tiny = Tiny::new();
    let server = serve(&tiny);
    server.put("models/models.json", list(&["other", "tiny"]));
    server.put("models/other/tokenizer.json", tiny.tokenizer.to_json().into_bytes());
    server.put(OTHER, tiny.weights());
    server.stall(OTHER);
    let browser = Browser::start("other", Gpu::Software);
    browser.open(&server.url);
    browser.wait("document.querySelector('.model select')?.value === 'other'");
    let begun = Instant::now();
    while server.asked(OTHER) == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the first model is not asked for");
        thread::sleep(Duration::from_millis(20));
    }
    browser.fill(".model select", "tiny");
    browser.wait_ready();
    assert!(server.given_up(OTHER), "the first model is not waited for");
    assert_eq!(browser.text(ALERT), "");
    browser.write_to_the_end();

    // The first is loaded anew when it is asked for, whatever had come of it.
    server.put(OTHER, tiny.weights());
    browser.fill(".model select", "other");
    browser.wait("document.querySelector('.primary')?.disabled === true");
    browser.wait_ready();
    assert_eq!(browser.text("document.querySelector('.model select').value"), "other");
    browser.write_to_the_end();
}

#[test]
fn a_second_visit_needs_no_network() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = Browser::start("offline", Gpu::Software);
    browser.open_ready(&server.url);
    browser.wait("!!navigator.serviceWorker.controller");
    browser.run(
        "for (;;) { \
             const cache = await caches.open('cinnabar-page-1'); \
             const kept = (await cache.keys()).map(request => new URL(request.url).pathname); \
             if (kept.some(path => path.endsWith('.wasm')) && kept.some(path => path.endsWith('models.json'))) return true; \
             await new Promise(resolve => setTimeout(resolve, 50)); \
         }",
        &[],
    );
    let asked = server.asked(WEIGHTS);
    server.go_away(true);
    browser.open("about:blank");
    browser.open_ready(&server.url);
    browser.fill("#prompt", "One day");
    browser.write_to_the_end();
    server.go_away(false);

    // With the network the kept model is still the one that is taken.
    browser.open("about:blank");
    browser.open_ready(&server.url);
    assert_eq!(server.asked(WEIGHTS), asked);
}

#[test]
fn without_webgpu_the_cpu_writes() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    // The engine's worker must not see WebGPU, either.
    let engine = std::fs::read_to_string(dist().join("engine.js")).expect("it is built");
    let hidden = "Object.defineProperty(WorkerNavigator.prototype, 'gpu', { value: undefined });";
    server.put("engine.js", format!("{hidden}\n{engine}").into_bytes());
    let browser = Browser::start("cpu", Gpu::None);
    browser.open_ready(&server.url);
    let note = browser.text("document.body.innerText");
    assert!(
        note.contains("no WebGPU") && note.contains("Firefox") && note.contains("ms"),
        "{note}"
    );
    browser.fill("#prompt", "One day");
    browser.write_to_the_end();
    let step = "[...document.querySelectorAll('.status dt')].find(d => d.textContent === 'Time per step').nextSibling.textContent";
    println!("without WebGPU: {} per step", browser.text(step));
    browser.pictures("cpu");
}

/// A server whose model is replaced while the page is open: between the requests for its list and
/// its files, and between those for both files.
#[test]
fn a_model_that_is_not_the_listed_one_is_refused_and_the_old_one_stays() {
    const OTHER: &str = "models/other/model.safetensors";
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let weights = tiny.weights();
    let entry = |id| entry_with_sums(id, &weights, &tiny);
    let entries = json!([entry("tiny"), entry("other")]);
    server.put("models/models.json", entries.to_string().into_bytes());
    server.put(WEIGHTS, weights.clone());
    let replaced = Tiny::patient();
    server.put(OTHER, replaced.weights());
    server.put("models/other/tokenizer.json", tiny.tokenizer.to_json().into_bytes());
    let browser = Browser::start("replaced", Gpu::Software);
    browser.open_ready(&server.url);
    let refused = "model.safetensors on the server is not the file that the list of models names";
    for _ in 0..2 {
        browser.fill(".model select", "other");
        browser.wait(&format!("{ALERT}.includes({refused:?})"));
        assert_eq!(browser.text("document.querySelector('.model select').value"), "tiny");
        browser.write_to_the_end();
    }

    // The right file is taken, also after a wrong one was refused.
    server.put(OTHER, weights.clone());
    browser.fill(".model select", "other");
    browser.wait("document.querySelector('.model select').value === 'other'");
    browser.wait_ready();
    browser.write_to_the_end();

    // A bit turned over in the browser's own storage.
    browser.run(
        "const cache = await caches.open('cinnabar-models-1'); \
         for (const request of await cache.keys()) { \
             const kept = await cache.match(request); \
             const bytes = new Uint8Array(await kept.arrayBuffer()); \
             bytes[bytes.length - 5] ^= 1; \
             await cache.put(request, new Response(bytes, { headers: kept.headers })); \
         } \
         return true;",
        &[],
    );
    let asked = server.asked(WEIGHTS);
    browser.open("about:blank");
    browser.open_ready(&server.url);
    assert_eq!(server.asked(WEIGHTS), asked + 1);
    assert_eq!(browser.text(ALERT), "");
    browser.write_to_the_end();
}

#[test]
fn a_full_storage_is_no_fault() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let full = "Cache.prototype.put = () => Promise.reject(new DOMException('', 'QuotaExceededError')); \
         if (self.Storage) Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError'); };";
    for script in ["engine.js", "offline.js"] {
        let text = std::fs::read_to_string(dist().join(script)).expect("it is built");
        server.put(script, format!("{full}\n{text}").into_bytes());
    }
    let browser = Browser::start("full", Gpu::Software);
    browser.open_ready(&server.url);
    browser.run(&format!("{full} return true;"), &[]);
    browser.fill("#prompt", "One day");
    browser.write_to_the_end();
    assert_eq!(browser.text(ALERT), "");
    // Nothing was kept, so the next visit downloads again, and all is well.
    let asked = server.asked(WEIGHTS);
    browser.open("about:blank");
    browser.open_ready(&server.url);
    assert_eq!(server.asked(WEIGHTS), asked + 1);
    browser.write_to_the_end();
}
