//! Many texts in one visit, and an engine that ends at any moment.

use serde_json::{Value, json};

use crate::browser::{ALERT, Browser, Gpu, PROMPT};
use crate::server::Server;
use crate::site::{Tiny, dist, serve};

/// Runs a script in the engine's worker, before it starts; without one the engine is as it was built.
fn engine_with(server: &Server, script: &str) {
    let engine = std::fs::read_to_string(dist().join("engine.js")).expect("it is built");
    server.put("engine.js", format!("{script}\n{engine}").into_bytes());
}

/// Tells whoever asks how many bytes the WebAssembly of this thread has.
const MEASURED: &str = "for (const name of ['instantiate', 'instantiateStreaming']) { \
        const make = WebAssembly[name]; \
        WebAssembly[name] = async (...all) => { \
            const made = await make.apply(WebAssembly, all); \
            const memory = (made.instance ?? made).exports.memory; \
            const who = self.document ? 'page' : 'engine'; \
            const channel = new BroadcastChannel('memory of the ' + who); \
            channel.onmessage = ({ data }) => data === 'how much?' && channel.postMessage(memory.buffer.byteLength); \
            return made; \
        }; \
    }";

/// Bytes that page and engine hold.
#[derive(Debug)]
struct Held {
    /// WebAssembly of the page.
    page: f64,
    /// WebAssembly of the engine.
    engine: f64,
    /// JavaScript of the page, without garbage.
    script: f64,
    /// Buffers of the device.
    device: f64,
}

fn held(browser: &Browser) -> Held {
    let memory = |who: &str| {
        let asked = browser.run(
            "const channel = new BroadcastChannel('memory of the ' + given[0]); \
             const told = new Promise(told => { channel.onmessage = ({ data }) => told(data); }); \
             channel.postMessage('how much?'); \
             const bytes = await told; \
             channel.close(); \
             return bytes;",
            &[json!(who)],
        );
        asked.as_f64().expect("a number")
    };
    browser.devtools("HeapProfiler.collectGarbage", &json!({}));
    let script = browser.devtools("Runtime.getHeapUsage", &json!({}))["usedSize"].clone();
    Held {
        page: memory("page"),
        engine: memory("engine"),
        script: script.as_f64().expect("a number"),
        device: browser.number("window.deviceBytes"),
    }
}

/// Writes texts with these seeds, one after the other.
const WRITE: &str = "const wait = () => new Promise(wake => setTimeout(wake, 5)); \
    for (let seed = given[0]; seed < given[1]; seed++) { \
        const field = document.querySelector('#seed'); \
        field.value = seed; \
        for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, { bubbles: true })); \
        window.events.length = 0; \
        [...document.querySelectorAll('button')].find(b => b.textContent.trim() === 'Write').click(); \
        while (!window.events.some(event => String(event).startsWith('{\"Finished\"'))) await wait(); \
        const steps = window.events.filter(event => String(event).startsWith('{\"Stepped\"')); \
        window.deviceBytes = JSON.parse(steps.at(-1)).Stepped.memory; \
    } \
    window.events.length = 0; \
    return document.querySelectorAll('.token').length;";

#[test]
fn a_hundred_texts_take_no_more_memory_than_one() {
    let server = serve(&Tiny::new());
    engine_with(&server, MEASURED);
    let browser = Browser::start("hundred", Gpu::Software);
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": MEASURED }));
    browser.open_ready(&server.url);
    browser.fill("#prompt", "One day");
    browser.fill(".settings [type=range]", "16");
    browser.eval(
        "(steps => { steps.value = 5; steps.dispatchEvent(new Event('input', { bubbles: true })); return true; })\
         (document.querySelectorAll('.settings [type=range]')[2])",
    );
    browser.press("Write");
    browser.fill(".pace select", "60");
    browser.wait_finished();
    let write = |from: u32, to: u32| {
        let tokens = browser.run(WRITE, &[json!(from), json!(to)]);
        assert!(tokens.as_u64() > Some(16), "{tokens}");
        held(&browser)
    };
    let first = write(0, 10);
    // In tens: the browser gives a script two minutes.
    for tens in 1..9 {
        write(10 * tens, 10 * tens + 10);
    }
    let last = write(90, 100);
    println!("after 10 texts {first:?}\nafter 100     {last:?}");
    assert_eq!(last.device, first.device, "bytes of the device");
    assert_eq!(last.engine, first.engine, "bytes of the engine");
    // The page keeps the states of each text, to go back to: of this length some kilobytes.
    const KEPT: f64 = 90.0 * 40e3;
    assert!(last.page - first.page <= KEPT, "bytes of the page");
    assert!(last.script - first.script <= 1e6, "bytes of the page's JavaScript");
    assert_eq!(browser.text(ALERT), "");
}

/// Ends the worker once it has sent a message with `what` so many times: nothing comes from it any more, and the
/// browser tells the page of an error, as it does when a worker has no memory left.
fn ending(what: &str, times: u32) -> String {
    format!(
        "const post = self.postMessage; let left = {times}; \
         self.postMessage = function (message, ...more) {{ \
             if (left === 0) return; \
             post.call(self, message, ...more); \
             if (String(message).includes({what:?}) && --left === 0) \
                 setTimeout(() => {{ throw new Error('this engine was ended'); }}); \
         }};"
    )
}

/// The engine ended, and the page says so; the next one is whole.
fn mend(browser: &Browser, server: &Server) {
    browser.wait(&format!("{ALERT}.includes('stopped unexpectedly')"));
    engine_with(server, "");
    browser.press("Try again");
    browser.wait_ready();
    assert_eq!(browser.text(ALERT), "");
}

#[test]
fn an_engine_that_ends_while_it_loads_is_replaced() {
    let server = serve(&Tiny::new());
    let browser = Browser::start("ended-loading", Gpu::Software);
    // One that does not even start.
    engine_with(&server, "throw new Error('this engine does not start');");
    browser.open("about:blank");
    browser.open(&server.url);
    mend(&browser, &server);
    // While the list of models is on its way, and in each stage of a load.
    for stage in ["Adapter", "Download", "Weights", "Shaders", "Hello"] {
        engine_with(&server, &ending(&format!("\"{stage}\""), 1));
        browser.open("about:blank");
        browser.open(&server.url);
        browser.fill("#prompt", "Typed before");
        mend(&browser, &server);
        assert_eq!(browser.text(PROMPT), "Typed before", "{stage}");
    }
    browser.write_to_the_end();
}

#[test]
fn an_engine_that_ends_while_it_writes_loses_no_text() {
    let server = serve(&Tiny::new());
    let browser = Browser::start("ended-writing", Gpu::Software);
    for (stage, times) in [("Started", 1), ("Stepped", 1), ("Stepped", 7)] {
        engine_with(&server, &ending(&format!("\"{stage}\""), times));
        browser.open("about:blank");
        browser.open_ready(&server.url);
        browser.fill("#prompt", "One day");
        browser.press("Write");
        browser.wait(&format!("{ALERT}.includes('stopped unexpectedly')"));
        let (step, story) = (browser.step(), browser.story());
        // What the model expected is on the page, and needs no engine.
        if step > 0 {
            browser.eval("document.querySelector('.token.written').click() ?? true");
            browser.wait("document.querySelectorAll('.card .alternative').length === 5");
        }
        mend(&browser, &server);
        assert_eq!((browser.step(), browser.story()), (step, story), "{stage} {times}");
        browser.press("Continue");
        browser.wait_finished();
        assert!(!browser.story().contains(&"_".to_owned()));
    }
}

#[test]
fn a_worker_that_ends_while_it_makes_a_gif_is_named_and_the_next_makes_it() {
    let server = serve(&Tiny::new());
    let browser = Browser::start("ended-gif", Gpu::Software);
    browser.open_ready(&server.url);
    browser.fill("#prompt", "One day");
    browser.write_to_the_end();
    let story = browser.story();
    browser.fill("#format", "gif");
    for (what, times) in [("Hello", 1), ("Painted", 1), ("Painted", 9)] {
        engine_with(&server, &ending(&format!("\"{what}\""), times));
        browser.press("Save video");
        browser.wait("document.body.innerText.includes('could not make the GIF')");
        assert_eq!(browser.story(), story, "{what} {times}");
    }
    engine_with(&server, "");
    browser.press("Save video");
    browser.saved("cinnabar.gif");
    // The engine is another worker, which has noticed nothing.
    browser.write_to_the_end();
    assert_eq!(browser.eval("document.querySelectorAll('.token').length > 0"), Value::Bool(true));
}
