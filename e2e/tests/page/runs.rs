//! Loading, writing, moving in time, branching, sharing.

use device::Device;
use diffusion::Schedule;
use diffusion::sampler::{Generation, SampleOptions, Workspace};
use kernels::Forms;
use model::Model;

use crate::browser::{Browser, Gpu};
use crate::site::{Tiny, serve};

/// The ids of the finished text, as the native program writes it.
fn native(tiny: &Tiny, prompt: &str, options: &SampleOptions, length: usize) -> Vec<u32> {
    let checkpoint = tiny.shipped();
    let mut device = Device::cpu();
    let model = Model::load(&mut device, &checkpoint).expect("it fits");
    let config = checkpoint.config;
    let workspace = Workspace::new(&mut device, &config, 1, config.block_size).expect("it fits");
    let prompt = tiny.tokenizer.encode_prompt(prompt).expect("a good prompt");
    let mut tokens: Vec<Option<u32>> =
        prompt.ids.iter().zip(&prompt.gaps).map(|(&id, &gap)| (!gap).then_some(id)).collect();
    tokens.resize((tokens.len() + length).min(config.block_size), None);
    let mut generation =
        Generation::new(&mut device, &Forms::default(), &model, &workspace, &[tokens], options)
            .expect("possible");
    generation.run(&mut device).expect("the CPU does not fail");
    pollster::block_on(generation.read_state(&device)).expect("the CPU does not fail").ids
}

/// The ids of the last frame of the page's trace.
async fn ids_of_page(browser: &Browser, name: &str) -> Vec<u32> {
    browser.press("Save trace").await;
    let file = browser.saved("cinnabar-trace.json").await;
    let json = std::fs::read_to_string(&file).expect("just saved");
    std::fs::remove_file(&file).expect("just saved");
    let trace = plot::Trace::from_json(&json).unwrap_or_else(|error| panic!("{name}: {error}"));
    trace.frames.last().expect("checked").ids.clone()
}

fn options(temperature: f32, seed: u64) -> SampleOptions {
    SampleOptions {
        schedule: Schedule::Cosine2,
        steps: Some(12),
        temperature,
        seed,
        ..SampleOptions::default()
    }
}

#[tokio::test]
async fn page_and_native_program_write_the_same() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    for gpu in [Gpu::Software, Gpu::None] {
        let browser = Browser::start("same", gpu).await;
        for (temperature, seed) in [(0.0, 1), (0.8, 5)] {
            let link = format!(
                "{}#prompt=Once+upon+a+time&length=24&steps=12&temperature={temperature}&seed={seed}&stop=0",
                server.url
            );
            browser.open("about:blank").await;
            browser.open(&link).await;
            let name = format!("{gpu:?}, temperature {temperature}");
            // A shared address writes by itself.
            browser.wait("document.body.innerText.includes('Done after 12 steps')").await;
            assert_eq!(
                ids_of_page(&browser, &name).await,
                native(&tiny, "Once upon a time", &options(temperature, seed), 24),
                "{name}"
            );
        }
        browser.close().await;
    }
}

#[tokio::test]
async fn a_visit() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = Browser::start("visit", Gpu::Software).await;
    browser.open_ready(&server.url).await;
    browser.pictures("empty").await;

    // An example works at one click; pausing stops the steps.
    browser.fill(".pace select", "12").await;
    browser.click(".example").await;
    browser.wait("Number(document.querySelector('.step-now')?.textContent) >= 3").await;
    browser.press("Pause").await;
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    let paused = browser.step().await;
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    assert_eq!(browser.step().await, paused, "a pause stops");
    let middle = browser.story().await;
    assert!(middle.contains(&"_".to_owned()), "there are masks left: {middle:?}");
    browser.pictures("paused").await;

    // One step forward, one back: the same text again.
    browser.press("One step forward").await;
    browser
        .wait(&format!(
            "Number(document.querySelector('.step-now').textContent) === {}",
            paused + 1
        ))
        .await;
    assert_ne!(browser.story().await, middle);
    browser.press("One step back").await;
    assert_eq!(browser.story().await, middle);
    browser.press("One step forward").await;

    // On to the end; then the scrubber goes anywhere without the model.
    browser.press("Go on").await;
    browser.wait("document.body.innerText.includes('nothing is masked any more')").await;
    let end = browser.story().await;
    assert!(!end.contains(&"_".to_owned()), "{end:?}");
    browser.pictures("finished").await;
    browser.fill(".scrubber", &paused.to_string()).await;
    assert_eq!(browser.story().await, middle);
    browser.pictures("scrubbed").await;

    // Lines stand still while time moves.
    let lines = "[...document.querySelectorAll('.token')].map(t => [t.dataset.position, t.offsetTop, t.offsetLeft]).sort((a, b) => a[0] - b[0]).join()";
    let before = browser.text(lines).await;
    browser.fill(".scrubber", "0").await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(browser.text(lines).await, before);

    println!("longest main-thread task: {} ms", browser.number("window.longestTask ?? 0").await);
    browser.close().await;
}
