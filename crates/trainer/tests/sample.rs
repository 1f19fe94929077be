//! `sample`: texts, pictures and traces of a small network with random weights, and what bad input
//! gets.

mod support;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use corpus::tokenizer::{Tokenizer, TrainOptions};
use model::{Card, Check, Checkpoint, Config, Init, Precision, Schedule};
use support::{fail, patched, strange_cards, succeed, trainer};

const BLOCK: usize = 32;
const TIMESTEPS: usize = 10;
const STORY: &str = "Tom had a ball. Lily saw the ball and was happy. They played all day.";

/// A folder with a shipped model in `model/`.
struct Shipped {
    folder: tempfile::TempDir,
}

fn tokenizer(vocab_size: u32) -> Tokenizer {
    let options = TrainOptions { vocab_size, ..TrainOptions::default() };
    Tokenizer::train([STORY, STORY].into_iter(), &options, |_| ()).expect("a tokenizer")
}

impl Shipped {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().expect("a folder") };
        fs::create_dir(place.path("model")).expect("a folder");
        let tokenizer = tokenizer(290);
        fs::write(place.path("model/tokenizer.json"), tokenizer.to_json()).expect("a tokenizer");
        let checkpoint = place.checkpoint();
        place.store(&checkpoint);
        place
    }

    fn checkpoint(&self) -> Checkpoint {
        let tokenizer = tokenizer(290);
        let config = Config {
            n_layer: 1,
            n_head: 2,
            n_embd: 16,
            block_size: BLOCK,
            timesteps: TIMESTEPS,
            mask_id: tokenizer.mask_id(),
            ..Config::reference(tokenizer.vocab_size() as usize)
        };
        let init = Init { std: 0.5, zero_projections: false, seed: 3 };
        let card =
            Card { name: Some("toy".to_owned()), schedule: Schedule::Cosine2, ..Card::default() };
        Checkpoint { config, card, values: model::initial_values(&config, &init) }
    }

    fn store(&self, checkpoint: &Checkpoint) {
        let bytes = checkpoint.to_safetensors(Precision::F32).expect("a safetensors file");
        fs::write(self.path("model/model.safetensors"), bytes).expect("a model");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `trainer sample` with this model on the CPU.
    fn sample(&self, more: &[&str]) -> Command {
        let mut command = trainer();
        command.arg("sample").arg("--checkpoint").arg(self.path("model"));
        command.args(["--device", "cpu"]).args(more);
        command
    }

    fn trace(&self, more: &[&str]) -> plot::Trace {
        let path = self.path("trace.json");
        succeed(self.sample(more).arg("--trace").arg(&path));
        plot::Trace::from_json(&fs::read_to_string(path).expect("a trace")).expect("a whole trace")
    }
}

#[test]
fn the_same_seed_writes_the_same_text() {
    let place = Shipped::new();
    let write = |more: &[&str]| succeed(&mut place.sample(more));
    let first = write(&["--prompt", "Tom had", "--seed", "1"]);
    assert!(first.starts_with("Tom had"), "{first}");
    assert_eq!(first, write(&["--prompt", "Tom had", "--seed", "1"]));
    assert_ne!(first, write(&["--prompt", "Tom had", "--seed", "2"]));
    // The likeliest tokens do not depend on the seed, when their order does not.
    let greedy = |choice, seed| {
        let order = ["--choice-temperature", choice, "--seed", seed];
        write(&[&["--temperature", "0", "--steps", "4"][..], &order].concat())
    };
    assert_eq!(greedy("0", "1"), greedy("0", "2"));
    assert_ne!(greedy("1", "1"), greedy("1", "2"));
}

#[test]
fn a_gpu_that_computes_something_else_is_not_believed() {
    let place = Shipped::new();
    let mut model = place.checkpoint();
    // What no device computes of this model: as if this one were wrong.
    let tokens = vec![Some(9), None, None];
    model.card.check = Some(Check { tokens, expected: vec![(1, 5, -0.001)] });
    place.store(&model);
    succeed(&mut place.sample(&["--gen-len", "4"]));
    let mut command = trainer();
    command.arg("sample").arg("--checkpoint").arg(place.path("model"));
    command.args(["--gen-len", "4", "--device", "gpu"]);
    fail(&mut command, &["computes wrongly", "`--device cpu`"]);
}

#[test]
fn figures_go_to_standard_error() {
    let place = Shipped::new();
    let output = place.sample(&["--gen-len", "8", "--steps", "5"]).output().expect("a text");
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    for part in ["5 passes of ", " ms, 8 tokens in ", " tokens/s on CPU"] {
        assert!(err.contains(part), "{err}");
    }
}

#[test]
fn gaps_are_filled_where_they_stand() {
    let place = Shipped::new();
    let text = succeed(&mut place.sample(&[
        "--prompt",
        "Tom [MASK:3] ball.[MASK] Lily was happy.",
        "--stop-at-end=false",
    ]));
    assert!(text.starts_with("Tom") && text.ends_with(" Lily was happy.\n"), "{text}");
    assert!(text.contains(" ball.") && !text.contains("[MASK]"), "{text}");
}

#[test]
fn a_batch_begins_with_what_is_written_alone() {
    let place = Shipped::new();
    let prompt = ["--prompt", "Lily", "--gen-len", "6", "--stop-at-end=false"];
    let alone = succeed(&mut place.sample(&prompt));
    let batch = succeed(place.sample(&prompt).args(["--batch", "3"]));
    assert!(batch.starts_with(&format!("== 1\n{alone}== 2\nLily")), "{batch}");
    assert!(batch.contains("== 3\nLily"), "{batch}");
    let texts: std::collections::BTreeSet<_> =
        batch.split("== ").map(|t| &t[t.len().min(1)..]).collect();
    assert_eq!(texts.len(), 4, "three different texts (and nothing before the first): {batch}");
}

#[test]
fn a_trace_tells_every_step() {
    let place = Shipped::new();
    let all = ["--prompt", "Tom [MASK:5] day.", "--gen-len", "4", "--stop-at-end=false"];
    let trace = place.trace(&all);
    assert_eq!((trace.model.as_str(), trace.schedule.as_str()), ("toy", "cosine2"));
    assert_eq!((trace.sampler.as_str(), trace.prompt.as_str()), ("maskgit", all[1]));
    assert_eq!(trace.generated(), 9);
    let steps: Vec<_> = trace.frames.iter().map(|frame| frame.step).collect();
    assert_eq!(steps, (0..=TIMESTEPS as u32).collect::<Vec<_>>());
    // a_t of cosine2, 9 positions: trunc(9 (1 - cos²(π/20 t))) for t = 10, 9, ... 0.
    let masks: Vec<_> = (0..trace.frames.len()).map(|frame| trace.masks(frame)).collect();
    assert_eq!(masks, [9, 8, 8, 7, 5, 4, 3, 1, 0, 0, 0]);
    let text = succeed(&mut place.sample(&all));
    assert_eq!(trace.text(TIMESTEPS) + "\n", text);

    // There is no terminal to animate it in.
    assert_eq!(succeed(place.sample(&all).arg("--no-animate")), text);

    let sparse = place.trace(&["--gen-len", "4", "--trace-every", "4"]);
    let steps: Vec<_> = sparse.frames.iter().map(|frame| frame.step).collect();
    assert_eq!(steps, [0, 4, 8, 10]);
    let seed = place.trace(&["--gen-len", "4", "--sampler", "seed", "--steps", "5"]);
    assert_eq!((seed.sampler.as_str(), seed.frames.len()), ("seed", 5 + 2));
}

#[test]
fn parts_of_samplers_combine() {
    let place = Shipped::new();
    let all = ["--prompt", "Tom [MASK:5] day.", "--gen-len", "4", "--stop-at-end=false"];
    let trace = |more: &[&str]| place.trace(&[&all[..], more].concat());
    let flags = ["--order", "margin", "--commit", "one", "--layout", "apart", "--correct", "none"];
    let one = trace(&flags);
    assert_eq!(one.sampler, "margin+one+apart+none");
    let masks: Vec<_> = (0..one.frames.len()).map(|frame| one.masks(frame)).collect();
    assert_eq!(masks, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0], "a token a step");
    // What is sure enough at once ends early, and figures say so.
    let sampler = ["--sampler", "threshold:0.0000001"];
    let early = trace(&sampler);
    assert_eq!((early.frames.len(), early.masks(1)), (2, 0));
    let output = place.sample(&all).args(sampler).output().expect("a text");
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(err.starts_with("1 pass of "), "{err}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(early.text(1) + "\n", text);
    // Sparse traces have the last state, too.
    let sparse = trace(&["--sampler", "threshold:0.0000001", "--trace-every", "4"]);
    assert_eq!((sparse.frames.len(), sparse.masks(1)), (2, 0));
}

#[test]
fn the_card_says_how_texts_read_best() {
    let place = Shipped::new();
    let mut checkpoint = place.checkpoint();
    let flags = ["--sampler", "entropy+bound:3", "--temperature", "0.3", "--top-p", "0.9"];
    let expected = place.trace(&flags);
    let sampling = model::Sampling {
        sampler: "entropy+bound:3".to_owned(),
        steps: None,
        temperature: 0.3,
        choice_temperature: 1.0,
        top_k: None,
        top_p: Some(0.9),
    };
    checkpoint.card.sampling = Some(sampling.clone());
    place.store(&checkpoint);
    assert_eq!(place.trace(&[]), expected);
    let flags = ["--sampler", "maskgit", "--temperature", "1.0", "--top-p", "1"];
    let other = place.trace(&flags);
    assert_eq!((other.sampler.as_str(), other.temperature), ("maskgit", 1.0));

    let sampler = "magic".to_owned();
    checkpoint.card.sampling = Some(model::Sampling { sampler, ..sampling });
    place.store(&checkpoint);
    fail(&mut place.sample(&[]), &["the model's card", "`magic` is not a sampler"]);
}

#[test]
fn what_cannot_be_written_gets_a_sentence() {
    let place = Shipped::new();
    let long = "[MASK:33]";
    for (flags, parts) in [
        (&["--gen-len", "0"][..], &["there is nothing to write", "no tokens are requested"][..]),
        (&["--prompt", "Tom", "--gen-len", "0"], &["there is nothing to write", "[MASK:12]"]),
        (&["--prompt", long], &["the prompt has 33 tokens", "holds 32", "shorten"]),
        (&["--gen-len", "33"], &["33 more are requested", "at most 32"]),
        (&["--prompt", "[MASK:no]"], &["`[MASK:no]` is not a gap"]),
        (&["--steps", "11"], &["steps is 11", "between 1 and 10"]),
        (&["--steps", "0"], &["steps is 0", "between 1 and 10"]),
        (&["--temperature", "-1"], &["temperature is -1", "between 0"]),
        (&["--temperature", "nan"], &["temperature is NaN"]),
        (&["--top-k", "0"], &["top_k is 0"]),
        (&["--top-p", "1.5"], &["top_p is 1.5"]),
        (&["--adapter", "x"], &["--adapter", "--device cpu"]),
        (&["--commit", "threshold:2"], &["threshold is 2", "at most 1"]),
        (&["--sampler", "carry", "--layout", "blocks"], &["revise compares", "layout whole only"]),
        (&["--sampler", "threshold", "--steps", "5"], &["leave out --steps"]),
        (&["--correct", "targeted:0.1:99"], &["99 rounds", "1 to 8"]),
    ] {
        fail(&mut place.sample(flags), parts);
    }
}

#[test]
fn models_that_cannot_be_used_get_a_sentence() {
    let place = Shipped::new();
    let file = place.path("model/model.safetensors");
    let whole = fs::read(&file).expect("a model");
    for bytes in [&whole[..0], &whole[..100], &whole[..whole.len() - 1]] {
        fs::write(&file, bytes).expect("a model");
        fail(&mut place.sample(&[]), &["model.safetensors", "not a complete safetensors file"]);
    }

    let mut spoiled = place.checkpoint();
    spoiled.values.fill(f32::NAN);
    place.store(&spoiled);
    fail(&mut place.sample(&[]), &["token_emb.weight", "not a number", "earlier checkpoint"]);

    place.store(&place.checkpoint());
    let good = fs::read(&file).expect("a model");
    for (change, part) in strange_cards() {
        fs::write(&file, patched(&good, change)).expect("a model");
        fail(&mut place.sample(&[]), &["model.safetensors", part]);
    }

    fs::remove_file(&file).expect("a model");
    fail(&mut place.sample(&[]), &["holds no checkpoint"]);
    let nowhere = ["sample", "--checkpoint", "no/such/folder", "--device", "cpu"];
    fail(trainer().args(nowhere), &["no/such/folder does not exist"]);
}

#[test]
fn tokenizers_that_do_not_belong_to_the_model_get_a_sentence() {
    let place = Shipped::new();
    let file = place.path("model/tokenizer.json");
    fs::write(&file, tokenizer(280).to_json()).expect("a tokenizer");
    fail(&mut place.sample(&[]), &["has 280 tokens and the model 290"]);
    fs::write(&file, "{}").expect("a tokenizer");
    fail(&mut place.sample(&[]), &["tokenizer.json", "not a readable tokenizer.json"]);
    fs::remove_file(&file).expect("a tokenizer");
    fail(&mut place.sample(&[]), &["tokenizer.json", "cannot read the tokenizer"]);
}

#[test]
fn pictures() {
    let place = Shipped::new();
    let gif = place.path("story.gif");
    let flags = ["--gen-len", "8", "--steps", "3", "--gif-frame-ms", "50", "--theme", "light"];
    succeed(place.sample(&flags).arg("--viz-gif").arg(&gif));
    let bytes = fs::read(&gif).expect("a GIF");
    assert!(bytes.starts_with(b"GIF89a") && bytes.ends_with(b";"));
    // Width and height, little-endian.
    assert_eq!(bytes[6..10], [0x00, 0x05, 0xd0, 0x02], "1280 x 720");
    succeed(place.sample(&flags).arg("--square").arg("--viz-gif").arg(&gif));
    let bytes = fs::read(&gif).expect("a GIF");
    assert_eq!(bytes[6..10], [0x38, 0x04, 0x38, 0x04], "1080 x 1080");
}

#[test]
fn without_ffmpeg_there_are_still_gifs() {
    let place = Shipped::new();
    let (gif, video) = (place.path("story.gif"), place.path("story.mp4"));
    let flags = ["--gen-len", "8", "--steps", "3"];
    succeed(place.sample(&flags).env("PATH", "").arg("--viz-gif").arg(&gif));
    assert!(gif.exists());
    fail(place.sample(&flags).env("PATH", "").arg("--viz-video").arg(&video), &["ffmpeg", "GIF"]);
    assert!(!video.exists());
}

#[test]
fn outputs_that_cannot_be_written_get_a_sentence() {
    let place = Shipped::new();
    for flag in ["--trace", "--viz-gif"] {
        let nowhere = place.path("missing/file");
        fail(
            place.sample(&["--gen-len", "4", "--steps", "1"]).arg(flag).arg(nowhere),
            &["cannot write", "its folder does not exist"],
        );
    }
}
