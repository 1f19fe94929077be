//! The page writes the same tokens as the native program, with the same probabilities.

use std::time::Instant;

use device::{AdapterChoice, Device, Gpu as NativeGpu};
use diffusion::Schedule;
use diffusion::sampler::{Alternatives, Generation, SampleOptions, State, Workspace};
use kernels::Variants;
use model::Model;
use pollster::block_on;
use serde_json::Value;

use crate::browser::{Browser, Gpu};
use crate::site::{Tiny, serve};

/// Steps of the compared texts.
const STEPS: usize = 12;
/// Difference of logarithms of probabilities, and so of logits, and of entropies in nats, between
/// Chromium and the native CPU device.
const TOLERANCE: f64 = 1e-3;

/// A step of the native program, and the seconds that it took.
struct Step {
    state: State,
    thoughts: Vec<Alternatives>,
    seconds: f64,
}

/// The steps by which the native program writes `length` tokens after `prompt`.
fn native(
    device: &mut Device,
    tiny: &Tiny,
    prompt: &str,
    length: usize,
    options: &SampleOptions,
) -> Vec<Step> {
    let checkpoint = tiny.shipped();
    let model = Model::load(device, &checkpoint).expect("it fits");
    let config = checkpoint.config;
    let workspace = Workspace::new(device, &config, 1, config.block_size).expect("it fits");
    let prompt = tiny.tokenizer.encode_prompt(prompt).expect("a good prompt");
    let mut tokens: Vec<Option<u32>> =
        prompt.ids.iter().zip(&prompt.gaps).map(|(&id, &gap)| (!gap).then_some(id)).collect();
    tokens.resize((tokens.len() + length).min(config.block_size), None);
    let variants = Variants::default();
    let mut generation = Generation::new(device, &variants, &model, &workspace, &[tokens], options)
        .expect("possible");
    let mut steps = Vec::new();
    loop {
        let started = Instant::now();
        let Some((state, thoughts)) =
            block_on(generation.step_watched(device)).expect("the device does not fail")
        else {
            return steps;
        };
        steps.push(Step { state, thoughts, seconds: started.elapsed().as_secs_f64() });
    }
}

/// The page's events of this kind.
fn events(browser: &Browser, kind: &str) -> Vec<Value> {
    let all = browser
        .eval(&format!("window.events.map(JSON.parse).filter(e => e.{kind}).map(e => e.{kind})"));
    serde_json::from_value(all).expect("a list")
}

fn options(temperature: f32, seed: u64) -> SampleOptions {
    SampleOptions {
        schedule: Schedule::Cosine2,
        steps: Some(STEPS),
        temperature,
        seed,
        ..SampleOptions::default()
    }
}

/// Compares what the page's model thought in a step with what the native one thought: tokens
/// exactly where they do not nearly tie, probabilities and entropies as stated. Returns the largest
/// difference.
fn compare(name: &str, page: &Value, native: &[Alternatives]) -> f64 {
    let floats = |key: &str| -> Vec<f64> {
        serde_json::from_value(page["thoughts"][key].clone()).expect("numbers")
    };
    let (probabilities, entropy) = (floats("probabilities"), floats("entropy"));
    let mut worst = 0.0f64;
    for (position, alternatives) in native.iter().enumerate() {
        let best = &probabilities[position * 5..position * 5 + 5];
        for (page, &(_, native)) in best.iter().zip(&alternatives.best) {
            worst = worst.max((page.ln() - f64::from(native).ln()).abs());
        }
        worst = worst.max((entropy[position] - f64::from(alternatives.entropy)).abs());
        assert!(worst <= TOLERANCE, "{name}, position {position}: off by {worst}");
    }
    worst
}

#[test]
fn page_and_native_program_write_the_same() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    for gpu in [Gpu::Software, Gpu::None] {
        let browser = Browser::start("same", gpu);
        for (temperature, seed) in [(0.0, 1), (0.8, 5)] {
            let name = format!("{gpu:?}, temperature {temperature}");
            let link = format!(
                "{}#prompt=Once+upon+a+time&length=24&steps={STEPS}&temperature={temperature}&seed={seed}&stop=0",
                server.url
            );
            browser.open("about:blank");
            // A shared address writes by itself.
            browser.open(&link);
            browser.wait_finished();
            let options = SampleOptions {
                end_token: tiny.tokenizer.end_of_text_id(),
                may_end: false,
                ..options(temperature, seed)
            };
            let expected = native(&mut Device::cpu(), &tiny, "Once upon a time", 24, &options);
            let trace = browser.trace();
            let ids: Vec<&[u32]> = trace.frames[1..].iter().map(|frame| &*frame.ids).collect();
            let native: Vec<&[u32]> = expected.iter().map(|step| &*step.state.ids).collect();
            assert_eq!(ids, native, "{name}");
            let steps = events(&browser, "Stepped");
            assert_eq!(steps.len(), STEPS, "{name}");
            let worst = steps
                .iter()
                .zip(&expected)
                .map(|(page, native)| compare(&name, page, &native.thoughts))
                .fold(0.0, f64::max);
            println!("{name}: {STEPS} steps agree, log-probabilities within {worst:.1e}");
        }
    }
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// Prints what a denoising step takes in Chromium and natively, with the same shaders; natively on
/// the driver that the variable `VK_DRIVER_FILES` names: SwiftShader is Chromium's own.
#[test]
fn a_step_in_chromium_beside_a_native_one() {
    let tiny = Tiny::for_timing();
    let server = serve(&tiny);
    let native = || {
        let gpu = block_on(NativeGpu::open(&AdapterChoice::Any)).expect("a GPU or its software");
        let mut device = Device::Gpu(Box::new(gpu));
        let steps = native(&mut device, &tiny, "Once upon a time", 96, &options(0.7, 1));
        // The first step also makes the program.
        let seconds = median(steps[1..].iter().map(|step| step.seconds).collect());
        (seconds * 1e3, device.to_string())
    };
    let (before, name) = native();
    let page = {
        let browser = Browser::start("speed", Gpu::Software);
        browser.open(&format!(
            "{}#prompt=Once+upon+a+time&length=96&steps={STEPS}&temperature=0.7&seed=1&stop=0",
            server.url
        ));
        browser.wait("!!document.querySelector('.pace select')");
        browser.fill(".pace select", "0");
        browser.wait_finished();
        let steps = events(&browser, "Stepped");
        median(steps[1..].iter().map(|step| step["ms"].as_f64().expect("ms")).collect())
    };
    let (after, _) = native();
    println!(
        "a denoising step: {page:.1} ms in Chromium; natively {before:.1} ms before and {after:.1} ms \
         after on {name}: {:.2} times",
        page / before.midpoint(after)
    );
    assert!(page > 0.0);
}
