//! The page writes the same tokens as the native program, with the same predictions.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use device::Device;
use diffusion::sampler::{SampleOptions, Workspace};
use diffusion::{Schedule, default_sampler};
use kernels::Variants;
use model::Model;
use plot::{Frame, Trace};
use pollster::block_on;
use serde_json::Value;
use writer::{Length, Predictions, TOP, Writer};

use crate::browser::{Browser, Gpu};
use crate::site::{Tiny, root, serve};

/// Steps of the compared texts that come from everywhere at once.
const STEPS: usize = 12;
/// Tokens after the prompt.
const LENGTH: usize = 24;

/// Steps of a text: from left to right every token takes one.
fn steps(tiny: &Tiny) -> usize {
    if tiny.checkpoint.card.objective.shifts() { LENGTH } else { STEPS }
}
/// Greatest difference of log-probabilities, and of entropies in nats, between Chromium and the
/// native CPU device.
const TOLERANCE: f64 = 1e-3;

/// Builds the program as the tests are built, and returns where it lies. Named beside a test, it has
/// their features, and is there already where all tests were built.
pub(crate) fn trainer() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["build", "--workspace", "--bin", "trainer", "--test", "page"])
        .args(["--message-format", "json"])
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "the program does not build");
    let messages = String::from_utf8(output.stdout).expect("JSON");
    let executable = messages.lines().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let is_trainer = message["target"]["name"] == "trainer";
        message["executable"].as_str().filter(|_| is_trainer).map(PathBuf::from)
    });
    executable.expect("cargo says where it is")
}

/// What is compared: a prompt and how it is gone on from.
struct Text {
    prompt: &'static str,
    temperature: f32,
    seed: u64,
}

impl Text {
    /// The trace of `trainer sample` with the model in `folder`.
    fn native(&self, trainer: &Path, folder: &Path, tiny: &Tiny) -> Trace {
        let file = folder.join("trace.json");
        let mut command = Command::new(trainer);
        command.args(["sample", "--device", "cpu", "--stop-at-end=false", "--checkpoint"]);
        command.arg(folder).args(["--prompt", self.prompt]);
        let mut numbers = vec![
            ("--gen-len", LENGTH.to_string()),
            ("--temperature", self.temperature.to_string()),
            ("--seed", self.seed.to_string()),
        ];
        if !tiny.checkpoint.card.objective.shifts() {
            numbers.push(("--steps", STEPS.to_string()));
        }
        command.args(numbers.iter().flat_map(|(flag, value)| [*flag, value]));
        let output = command.arg("--trace").arg(&file).output().expect("the program starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let json = std::fs::read_to_string(file).expect("a trace");
        Trace::from_json(&json).expect("a whole trace")
    }

    /// What the native model expects in each step: the program does not write it down.
    fn predictions(&self, tiny: &Tiny) -> Vec<Predictions> {
        let checkpoint = tiny.shipped();
        let mut device = Device::cpu();
        let config = checkpoint.config;
        let model = Model::load(&mut device, &checkpoint).expect("it fits");
        let workspace =
            Workspace::for_model(&mut device, &model, 1, config.block_size).expect("it fits");
        let defaults =
            writer::options(checkpoint.card.objective, Schedule::Cosine2, &tiny.tokenizer);
        let writer = Writer {
            model,
            variants: Variants::default(),
            workspace,
            tokenizer: tiny.tokenizer.clone(),
            defaults,
            name: "Tiny".to_owned(),
        };
        let choices = writer.choices(self.prompt, Length::Exactly(LENGTH));
        let positions = choices.expect("it fits").swap_remove(0);
        let options = SampleOptions {
            steps: Some(STEPS),
            temperature: self.temperature,
            seed: self.seed,
            may_end: false,
            ..writer.defaults.clone()
        };
        let run = writer.begin(&mut device, &positions, 1, &options, true);
        let mut run = block_on(run).expect("possible");
        let mut all = Vec::new();
        while let Some((_, predictions)) =
            block_on(run.step_with_predictions(&mut device)).expect("the CPU does not fail")
        {
            all.push(predictions);
        }
        all
    }

    /// The share link that writes it.
    fn link(&self, url: &str, tiny: &Tiny) -> String {
        let Self { prompt, temperature, seed } = self;
        let prompt = prompt.replace(' ', "+");
        let sampler = default_sampler(tiny.checkpoint.card.objective);
        format!(
            "{url}#prompt={prompt}&length={LENGTH}&steps={STEPS}&sampler={sampler}&temperature={temperature}&seed={seed}&stop=0"
        )
    }
}

/// Compares two frames: the same tokens, nearly the same confidence. Returns the largest difference
/// of the logarithms of confidences.
fn compare_frames(name: &str, page: &Frame, native: &Frame) -> f64 {
    assert_eq!((page.step, page.t, &page.ids), (native.step, native.t, &native.ids), "{name}");
    let mut worst = 0.0f64;
    for (position, (&page, &native)) in page.confidence.iter().zip(&native.confidence).enumerate() {
        // Both 0 at a mask.
        let off = if page == native { 0.0 } else { f64::from(page).ln() - f64::from(native).ln() };
        worst = worst.max(off.abs());
        assert!(worst <= TOLERANCE, "{name}, position {position}: confidence {page} for {native}");
    }
    worst
}

/// What the comparison of the predictions of a run has seen.
#[derive(Default)]
struct Compared {
    /// The largest difference.
    worst: f64,
    /// Positions that the model was asked about.
    asked: usize,
    /// Tokens that had to be the same.
    tokens: usize,
}

/// Compares what was expected of every position that the model was asked about: probabilities,
/// entropies, and the tokens wherever the next probability is not within the tolerance.
fn compare_predictions(
    name: &str,
    page: &Predictions,
    native: &Predictions,
    compared: &mut Compared,
) {
    assert_eq!(page.tokens.len(), native.tokens.len(), "{name}");
    let Compared { worst, asked, tokens } = compared;
    for (position, (&page_entropy, &entropy)) in
        page.entropy.iter().zip(&native.entropy).enumerate()
    {
        let page: Vec<(u32, f32)> = page.top(position).collect();
        let native: Vec<(u32, f32)> = native.top(position).collect();
        assert_eq!(page.len(), native.len(), "{name}, position {position}");
        if native.is_empty() {
            continue;
        }
        *asked += 1;
        let log = |&(_, p): &(u32, f32)| f64::from(p).ln();
        for (page, native) in page.iter().zip(&native) {
            *worst = worst.max((log(page) - log(native)).abs());
        }
        *worst = worst.max(f64::from(page_entropy - entropy).abs());
        assert!(*worst <= TOLERANCE, "{name}, position {position}: off by {worst}");
        // A token is told from its neighbors if their probabilities are not nearly the same; what
        // comes after the last one is not known.
        let apart = |i: usize| log(&native[i]) - log(&native[i + 1]) > 2.0 * TOLERANCE;
        for i in (0..TOP - 1).filter(|&i| apart(i) && (i == 0 || apart(i - 1))) {
            assert_eq!(page[i].0, native[i].0, "{name}, position {position}, token {i}");
            *tokens += 1;
        }
    }
}

#[test]
fn page_and_native_program_write_the_same() {
    let texts = [
        Text { prompt: "Once upon a time", temperature: 0.0, seed: 1 },
        // A space before what is written is not given.
        Text { prompt: "Once upon ", temperature: 0.8, seed: 5 },
        Text { prompt: "The [MASK:3] cat", temperature: 0.8, seed: 2 },
    ];
    agree("agree", &Tiny::new(), &texts);
}

/// Both with a cache of keys and values.
#[test]
fn they_write_the_same_from_left_to_right() {
    let texts = [
        Text { prompt: "Once upon a time", temperature: 0.0, seed: 1 },
        Text { prompt: "The cat", temperature: 0.8, seed: 2 },
    ];
    agree("agree-serial", &Tiny::serial(), &texts);
}

fn agree(name: &str, tiny: &Tiny, texts: &[Text]) {
    let (trainer, steps) = (trainer(), steps(tiny));
    let folder = root().join("target").join(name);
    std::fs::create_dir_all(&folder).expect("target is ours");
    std::fs::write(folder.join("model.safetensors"), tiny.weights()).expect("target is ours");
    std::fs::write(folder.join("tokenizer.json"), tiny.tokenizer.to_json()).expect("ours");
    let server = serve(tiny);
    let expected = texts
        .iter()
        .map(|text| (text, text.native(&trainer, &folder, tiny), text.predictions(tiny)));
    let expected: Vec<_> = expected.collect();
    for gpu in [Gpu::Software, Gpu::None] {
        let browser = Browser::start(name, gpu);
        for (text, native, predictions) in &expected {
            let name = format!("{gpu:?}, {:?}", text.prompt);
            browser.open("about:blank");
            // A shared address writes by itself.
            browser.open(&text.link(&server.url, tiny));
            browser.wait_finished();
            let page = browser.trace();
            assert_eq!(page.frames.len(), steps + 1, "{name}");
            // Everything but the numbers that are rounded on the way, and the model's name: the page
            // calls it as its list does, the program as its card.
            assert_eq!(page.model, "tiny", "{name}");
            assert_eq!(
                Trace { frames: vec![], model: native.model.clone(), ..page.clone() },
                Trace { frames: vec![], ..native.clone() }
            );
            let confidence = page.frames.iter().zip(&native.frames).map(|(page, native)| {
                compare_frames(&format!("{name}, step {}", native.step), page, native)
            });
            let confidence = confidence.fold(0.0, f64::max);
            let told = browser.eval(
                "window.events.map(JSON.parse).filter(e => e.Stepped).map(e => e.Stepped.predictions)",
            );
            let told: Vec<Predictions> = serde_json::from_value(told).expect("predictions");
            assert_eq!((told.len(), predictions.len()), (steps, steps), "{name}");
            let mut compared = Compared::default();
            for (page, native) in told.iter().zip(predictions) {
                compare_predictions(&name, page, native, &mut compared);
            }
            let Compared { worst, asked, tokens } = compared;
            // The last steps may ask about nothing: all is written.
            assert!(asked >= steps && tokens > 2 * asked, "{name}: {tokens} tokens of {asked}");
            println!(
                "{name}: {steps} steps agree, log-confidence within {confidence:.1e}, \
                 log-probabilities within {worst:.1e}"
            );
        }
    }
}
