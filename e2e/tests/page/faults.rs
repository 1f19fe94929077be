//! Bad models, other models, no WebGPU: every one gets a sentence and a way back.

use crate::browser::{Browser, Gpu};
use crate::site::{Tiny, serve};

const ALERT: &str = "document.querySelector('[role=alert]')?.textContent ?? ''";

#[tokio::test]
async fn bad_models_are_named_and_the_text_stays() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let whole = tiny.weights();
    server.put("models/tiny/model.safetensors", whole[..whole.len() / 2].to_vec());
    let browser = Browser::start("faults", Gpu::Software).await;
    browser.open(&server.url).await;
    browser.wait(&format!("({ALERT}).includes('safetensors')")).await;
    browser.fill("#prompt", "Typed before the fault").await;
    browser.pictures("bad-model").await;

    // The way back: the server has mended it.
    server.put("models/tiny/model.safetensors", whole);
    browser.press("Try again").await;
    browser.wait("document.querySelector('.primary').disabled === false").await;
    assert_eq!(
        browser.text("document.querySelector('#prompt').value").await,
        "Typed before the fault"
    );

    // A second visit takes the model from the browser's cache.
    let before = server.asked("models/tiny/model.safetensors");
    browser.open("about:blank").await;
    browser.open_ready(&server.url).await;
    assert_eq!(server.asked("models/tiny/model.safetensors"), before);
    assert_eq!(
        browser.text("document.querySelector('#prompt').value").await,
        "Typed before the fault"
    );
    browser.close().await;
}

#[tokio::test]
async fn a_model_can_be_dropped() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = Browser::start("drop", Gpu::Software).await;
    browser.open_ready(&server.url).await;
    let drop = |names: &str| {
        format!(
            "const data = new DataTransfer(); \
             for (const name of {names}) {{ \
                 const answer = await fetch('models/tiny/' + name); \
                 data.items.add(new File([await answer.blob()], name)); \
             }} \
             const zone = document.querySelector('.zone'); \
             zone.dispatchEvent(new DragEvent('dragover', {{ dataTransfer: data, bubbles: true, cancelable: true }})); \
             zone.dispatchEvent(new DragEvent('drop', {{ dataTransfer: data, bubbles: true, cancelable: true }})); \
             return true;"
        )
    };
    browser.run(&drop("['model.safetensors']")).await;
    browser.wait(&format!("({ALERT}).includes('no tokenizer.json')")).await;
    browser.run(&drop("['model.safetensors', 'tokenizer.json']")).await;
    browser.wait("document.querySelector('.primary').disabled === false").await;
    assert_eq!(browser.text(ALERT).await, "");
    browser.fill("#prompt", "One day").await;
    browser.write_to_the_end().await;
    browser.close().await;
}

#[tokio::test]
async fn without_webgpu_the_cpu_writes() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = Browser::start("cpu", Gpu::None).await;
    browser.open_ready(&server.url).await;
    assert!(browser.text("document.body.innerText").await.contains("no WebGPU"));
    browser.fill("#prompt", "One day").await;
    browser.write_to_the_end().await;
    let step = "[...document.querySelectorAll('.status dt')].find(d => d.textContent === 'Time per step').nextSibling.textContent";
    println!("without WebGPU: {} per step", browser.text(step).await);
    browser.pictures("cpu").await;
    browser.close().await;
}
