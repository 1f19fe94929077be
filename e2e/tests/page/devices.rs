//! A GPU that is taken away, too small, full, or not given: each gets one sentence and a way to recover,
//! and nothing is lost.
//!
//! The faults are met where a browser makes them: what the engine's worker sees of WebGPU is changed
//! before the engine starts. What follows from them (invalid buffers, refused commands) is Chromium's
//! own.

use crate::browser::{ALERT, Browser, Gpu, PROMPT};
use crate::server::Server;
use crate::site::{Tiny, dist, list_with_check, serve};

const BUTTONS: &str =
    "[...document.querySelectorAll('[role=alert] button')].map(b => b.textContent).join()";

/// Runs a script in the worker of the engine, before it starts.
pub(crate) fn before_the_engine(server: &Server, script: &str) {
    let engine = std::fs::read_to_string(dist().join("engine.js")).expect("it is built");
    server.put("engine.js", format!("{script}\n{engine}").into_bytes());
}

/// Lets the engine write on the CPU after a fault, with what was typed before.
fn go_on_with_the_cpu(browser: &Browser) {
    browser.press("Continue on the CPU");
    browser.wait_ready();
    assert_eq!(browser.text(ALERT), "");
    assert_eq!(browser.text(PROMPT), "Typed before");
    assert!(browser.text("document.querySelector('.status').innerText").contains("CPU"));
    browser.write_to_the_end();
}

/// What the machine computes the model with.
const RUNS_ON: &str = "document.querySelector('.status').innerText";

/// A GPU whose square roots are wrong.
const WRONG: &str = "const make = GPUDevice.prototype.createShaderModule; \
    GPUDevice.prototype.createShaderModule = function (module) { \
        const code = module.code.replaceAll(' sqrt(', ' exp('); \
        return make.call(this, { ...module, code }); \
    };\n";

#[test]
fn a_gpu_that_computes_wrongly_is_named_and_the_cpu_goes_on() {
    let mut tiny = Tiny::new();
    tiny.checkpoint.card.check = Some(tiny.check());
    let server = serve(&tiny);
    let browser = Browser::start("gpu-wrong", Gpu::Software);
    // A right one is believed.
    browser.open_ready(&server.url);
    assert!(browser.text(RUNS_ON).contains("WebGPU"), "{}", browser.text(RUNS_ON));
    assert_eq!(browser.eval("!document.querySelector('.slow')"), true);

    // The same model on a wrong one: the CPU writes, as it always does.
    before_the_engine(&server, WRONG);
    browser.open_ready(&server.url);
    let said = browser.text("document.querySelector('.slow').innerText");
    assert!(said.contains("computes it wrongly"), "{said}");
    assert!(browser.text(RUNS_ON).contains("CPU"));
    browser.pictures("wrong-gpu");
    browser.fill("#prompt", "One day");
    browser.write_to_the_end();

    // A check that is wrong itself, in the list, is no reason to leave a right GPU.
    tiny.checkpoint.card.check = None;
    let mut check = tiny.check();
    check.expected[0].2 -= 1.0;
    let server = serve(&tiny);
    server.put("models/models.json", list_with_check(&check));
    browser.open_ready(&server.url);
    assert!(browser.text(RUNS_ON).contains("WebGPU"), "{}", browser.text(RUNS_ON));
    assert!(browser.log().contains("another one than was checked"));
}

/// Lets the test take the device away from the engine.
pub(crate) const LOSE: &str = "const request = GPUAdapter.prototype.requestDevice; \
    GPUAdapter.prototype.requestDevice = async function (...all) { \
        const device = await request.apply(this, all); \
        new BroadcastChannel('lose the device').onmessage = () => device.destroy(); \
        return device; \
    };\n";

#[test]
fn a_lost_device_is_no_lost_text() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    before_the_engine(&server, LOSE);
    let browser = Browser::start("lost", Gpu::Software);
    browser.open_ready(&server.url);
    browser.fill("#prompt", "One day");
    browser.press("Write");
    browser.wait_step(4);
    browser.eval("new BroadcastChannel('lose the device').postMessage(1) ?? true");
    browser.wait(&format!("{ALERT}.includes('The browser took the GPU away')"));
    let step = browser.step();
    let story = browser.story();
    browser.pictures("device-lost");
    assert_eq!(browser.text(PROMPT), "One day");

    // The way back: a new device goes on with the same text.
    browser.press("Try again");
    browser.wait_ready();
    assert_eq!(browser.story(), story);
    browser.press("Continue");
    browser.wait_step(step + 1);
    browser.wait_finished();

    // Or the CPU does.
    browser.press("Write");
    browser.wait_step(2);
    browser.eval("new BroadcastChannel('lose the device').postMessage(1) ?? true");
    browser.wait(&format!("{ALERT}.includes('The browser took the GPU away')"));
    browser.press("Continue on the CPU");
    browser.wait_ready();
    assert!(browser.text("document.querySelector('.status').innerText").contains("CPU"));
    browser.press("Continue");
    browser.wait_finished();
}

#[test]
fn a_gpu_that_is_too_small_is_named_at_the_load() {
    let server = serve(&Tiny::new());
    let browser = Browser::start("small", Gpu::Software);
    let limits = [
        ("maxStorageBufferBindingSize", 8_192),
        ("maxBufferSize", 65_536),
        ("maxComputeInvocationsPerWorkgroup", 128),
    ];
    for (limit, value) in limits {
        let script = format!(
            "Object.defineProperty(GPUSupportedLimits.prototype, '{limit}', {{ get: () => {value} }});"
        );
        before_the_engine(&server, &script);
        browser.open("about:blank");
        browser.open(&server.url);
        browser.fill("#prompt", "Typed before");
        browser.wait(&format!("{ALERT}.includes('too small for this model')"));
        let alert = browser.text(ALERT);
        assert!(alert.contains(limit) && alert.contains(&format!("it has {value}.")), "{alert}");
        // It is as small at the next try.
        assert_eq!(browser.text(BUTTONS), "Continue on the CPU,Dismiss");
        if limit == "maxBufferSize" {
            browser.pictures("gpu-too-small");
        }
        go_on_with_the_cpu(&browser);
    }
}

/// Refuses the device until the test allows it.
const REFUSE: &str = "const request = GPUAdapter.prototype.requestDevice; \
    GPUAdapter.prototype.requestDevice = async function (...all) { \
        const allowed = await (await fetch('allowed')).text(); \
        if (allowed !== 'yes') throw new DOMException('not now', 'OperationError'); \
        return request.apply(this, all); \
    };";

#[test]
fn a_gpu_that_is_not_opened_can_be_tried_again() {
    let server = serve(&Tiny::new());
    before_the_engine(&server, REFUSE);
    server.put("allowed", b"no".to_vec());
    let browser = Browser::start("refused", Gpu::Software);
    browser.open(&server.url);
    browser.fill("#prompt", "Typed before");
    browser.wait(&format!("{ALERT}.includes('did not open it for this page')"));
    assert_eq!(browser.text(BUTTONS), "Try again,Continue on the CPU,Dismiss");
    go_on_with_the_cpu(&browser);

    server.put("allowed", b"yes".to_vec());
    browser.press("Use the GPU");
    browser.wait_ready();
    assert!(browser.text("document.querySelector('.status').innerText").contains("WebGPU"));
    assert_eq!(browser.text(PROMPT), "Typed before");
    browser.write_to_the_end();
}

/// While the test says so, buffers are made as by a GPU without memory: invalid, and the device
/// tells of it a little later.
const FULL: &str = "const create = GPUDevice.prototype.createBuffer; \
    let full = false; \
    new BroadcastChannel('full').onmessage = ({ data }) => { full = data; }; \
    GPUDevice.prototype.createBuffer = function (descriptor) { \
        if (!full) return create.call(this, descriptor); \
        this.pushErrorScope('validation'); \
        const buffer = create.call(this, { size: descriptor.size, usage: 0 }); \
        this.popErrorScope(); \
        const error = new GPUOutOfMemoryError('not enough memory left'); \
        const event = new GPUUncapturedErrorEvent('uncapturederror', { error }); \
        setTimeout(() => this.dispatchEvent(event)); \
        return buffer; \
    };";

#[test]
fn a_full_gpu_is_no_lost_text() {
    let server = serve(&Tiny::new());
    before_the_engine(&server, FULL);
    let browser = Browser::start("gpu-full", Gpu::Software);
    let full = |full: bool| {
        browser.eval(&format!("new BroadcastChannel('full').postMessage({full}) ?? true"));
    };
    let says = || browser.wait(&format!("{ALERT}.includes('The GPU is out of memory')"));
    browser.open_ready(&server.url);

    // In the middle of a text.
    browser.fill("#prompt", "Typed before");
    browser.press("Write");
    browser.fill(".pace select", "6");
    browser.wait_step(4);
    full(true);
    says();
    assert_eq!(browser.text(BUTTONS), "Try again,Continue on the CPU,Dismiss");
    let (step, story) = (browser.step(), browser.story());
    browser.pictures("gpu-full");

    // While the model is loaded, as long as there is no memory.
    before_the_engine(&server, &FULL.replace("full = false", "full = true"));
    browser.press("Try again");
    says();
    before_the_engine(&server, FULL);
    browser.press("Try again");
    browser.wait_ready();
    assert_eq!((browser.story(), browser.text(PROMPT)), (story, "Typed before".to_owned()));
    browser.press("Continue");
    browser.wait_step(step + 1);
    browser.wait_finished();

    // At the beginning of another text.
    full(true);
    browser.press("Write");
    says();
    go_on_with_the_cpu(&browser);
}

/// Every answer of the GPU comes late, as from a software implementation with a large model.
const LATE: &str = "const map = GPUBuffer.prototype.mapAsync; \
    GPUBuffer.prototype.mapAsync = async function (...all) { \
        await new Promise(resolve => setTimeout(resolve, 900)); \
        return map.apply(this, all); \
    };";

#[test]
fn a_slow_gpu_is_left_for_the_cpu() {
    let server = serve(&Tiny::new());
    before_the_engine(&server, LATE);
    let browser = Browser::start("late", Gpu::Software);
    browser.open_ready(&server.url);
    let note = browser.text("document.querySelector('.slow').innerText");
    assert!(note.contains("which is quicker here") && note.contains("against "), "{note}");
    assert!(browser.text("document.querySelector('.status').innerText").contains("CPU"));
    browser.pictures("quicker");
    browser.fill("#prompt", "One day");
    browser.write_to_the_end();

    // Who wants the GPU gets it.
    browser.press("Use the GPU");
    browser.wait_ready();
    assert!(browser.text("document.querySelector('.status').innerText").contains("WebGPU"));
}
