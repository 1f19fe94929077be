//! The engine's trainings in a real browser: the same learning curve as the program's, back and forth
//! between both, storage, and faults. A worker is asked directly, in place of the page.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::{Value, json};

use crate::agree::trainer;
use crate::browser::{Browser, Gpu};
use crate::server::Server;
use crate::site::{Tiny, root, serve};

/// A worker whose events are kept in `window.said`.
const ENGINE: &str = "window.said = []; \
    window.worker = new Worker(document.documentElement.dataset.trainer, { type: 'module' }); \
    worker.onmessage = ({ data }) => said.push(JSON.parse(data)); \
    window.ask = (command, files = []) => \
        worker.postMessage([JSON.stringify({ Train: command }), ...files]); \
    window.heard = name => said.map(event => event.Training).filter(Boolean) \
        .map(event => event === name ? true : event[name]).filter(Boolean); \
    window.records = kind => heard('Records').flat().filter(record => record.event === kind);";

/// A network so small that a browser trains it in seconds.
const SMALL: [&str; 9] = [
    "model.n_embd=32",
    "model.n_head=1",
    "model.n_layer=1",
    "model.block_size=32",
    "data.vocab_size=320",
    "train.batch_size=8",
    "train.eval_batches=2",
    "train.sample_tokens=16",
    "diffusion.timesteps=10",
];

/// Loss that it falls below, from ln 320 = 5.77, in the tab as natively.
const LOSS: f64 = 4.3;

/// Greatest difference of losses after up to 60 steps, in nats, between the CPU in the tab, whose
/// instructions round otherwise, WebGPU in software, and the native CPU device. Found: 8e-8.
const TOLERANCE: f64 = 1e-5;

pub(crate) fn changes(steps: u32) -> Vec<String> {
    let more = [
        format!("train.steps={steps}"),
        "train.eval_every=20".to_owned(),
        "train.checkpoint_every=20".to_owned(),
        "train.sample_every=20".to_owned(),
        "schedule.warmup=5".to_owned(),
    ];
    SMALL.iter().map(|&change| change.to_owned()).chain(more).collect()
}

/// A browser with an engine that listens.
fn open(name: &str, gpu: Gpu, server: &Server) -> Browser {
    let browser = Browser::start(name, gpu);
    browser.open(&server.url);
    start_engine(&browser);
    browser
}

fn start_engine(browser: &Browser) {
    browser.wait("document.documentElement?.dataset.engine !== undefined");
    browser.execute(ENGINE, &[]);
    browser.wait("said.some(event => event.Hello)");
}

fn ask(browser: &Browser, command: &Value) {
    browser.execute("ask(arguments[0]);", &[command.clone()]);
}

/// Asks with files, which are given as bytes.
fn ask_with(browser: &Browser, command: &Value, files: &[(&str, Vec<u8>)]) {
    let files: Vec<Value> =
        files.iter().map(|(name, bytes)| json!([name, BASE64.encode(bytes)])).collect();
    browser.run(
        "const files = await Promise.all(given[1].map(async ([name, data]) => \
             new File([Uint8Array.from(atob(data), c => c.charCodeAt(0))], name))); \
         ask(given[0], files);",
        &[command.clone(), files.into()],
    );
}

fn prepare(server: &Server, text: &Value, steps: u32, compute: &str) -> Value {
    let plan = json!({ "text": text, "preset": "pocket", "changes": changes(steps) });
    json!({ "Prepare": { "plan": plan, "compute": compute, "base": server.url } })
}

fn first_stories() -> Value {
    json!({ "Grammar": { "level": "First", "stories": 200, "seed": 1 } })
}

/// The sentence of the last fault of the training.
fn fault(browser: &Browser) -> String {
    browser.wait("heard('Fault').length > 0");
    browser.text("heard('Fault').at(-1).message")
}

fn no_fault(browser: &Browser) {
    assert_eq!(browser.eval("said.filter(e => e.Fault || e.Training?.Fault)"), json!([]));
}

fn train(browser: &Browser) {
    browser.wait("heard('Ready').length > 0 || heard('Fault').length > 0");
    no_fault(browser);
    ask(browser, &json!("Go"));
    while browser.number("heard('Complete').length") == 0.0 {
        // However slow the machine: it is alive as long as steps are done.
        let steps = browser.number("heard('Stepped').length");
        browser.wait(&format!(
            "heard('Stepped').length > {steps} || heard('Complete').length > 0 || heard('Fault').length > 0"
        ));
        no_fault(browser);
    }
}

/// Step and validation loss of each evaluation.
fn evaluations(records: &[Value]) -> Vec<(u64, f64)> {
    let of_validation = records
        .iter()
        .filter(|record| record["event"] == "evaluation" && record["split"] == "validation");
    let step = |record: &Value| record["step"].as_u64().expect("a number");
    let loss = |record: &Value| record["loss"].as_f64().expect("a number");
    of_validation.map(|record| (step(record), loss(record))).collect()
}

fn evaluations_of(browser: &Browser) -> Vec<(u64, f64)> {
    let records = browser.eval("records('evaluation')");
    evaluations(records.as_array().expect("a list"))
}

/// A file that the training is taken along as.
fn take(browser: &Browser, form: &str) -> Vec<u8> {
    browser.execute("said.length = 0;", &[]);
    ask(browser, &json!({ "Take": form }));
    browser.wait("heard('File').length > 0");
    browser.execute(
        "const [{ name, url }] = heard('File'); \
         Object.assign(document.createElement('a'), { href: url, download: name }).click();",
        &[],
    );
    let bytes = fs::read(browser.saved(&browser.text("heard('File')[0].name")));
    let bytes = bytes.expect("it was saved");
    assert_eq!(browser.number("heard('File')[0].bytes"), bytes.len() as f64);
    bytes
}

/// Unpacks an archive of files that are stored as they are.
fn unpack(archive: &[u8], place: &Path) {
    let number = |at: usize, bytes: usize| {
        archive[at..at + bytes].iter().rev().fold(0, |n, &byte| n << 8 | usize::from(byte))
    };
    let mut at = 0;
    while number(at, 4) == 0x0403_4b50 {
        let (size, name, extra) = (number(at + 18, 4), number(at + 26, 2), number(at + 28, 2));
        let path = String::from_utf8_lossy(&archive[at + 30..at + 30 + name]).into_owned();
        let data = at + 30 + name + extra;
        let path = place.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("target is ours");
        fs::write(path, &archive[data..data + size]).expect("target is ours");
        at = data + size;
    }
}

/// Runs the program, which trains on the CPU.
pub(crate) fn native(trainer: &Path, arguments: &[&str], out: &Path, steps: u32) {
    let mut command = Command::new(trainer);
    command.arg("train").args(arguments).args(["--device", "cpu", "--out"]).arg(out);
    for change in changes(steps) {
        command.args(["--set", &change]);
    }
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn native_evaluations(run: &Path) -> Vec<(u64, f64)> {
    let log = fs::read_to_string(run.join("log.jsonl")).expect("a log");
    let records: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).expect("a record")).collect();
    evaluations(&records)
}

pub(crate) fn place(name: &str) -> PathBuf {
    let place = root().join("target/trains").join(name);
    if place.exists() {
        fs::remove_dir_all(&place).expect("target is ours");
    }
    fs::create_dir_all(&place).expect("target is ours");
    place
}

fn assert_close(tab: &[(u64, f64)], native: &[(u64, f64)]) {
    assert_eq!(tab.len(), native.len(), "{tab:?} {native:?}");
    let mut worst = 0.0f64;
    for (tab, native) in tab.iter().zip(native) {
        assert_eq!(tab.0, native.0);
        worst = worst.max((tab.1 - native.1).abs());
    }
    println!("losses differ by up to {worst:.1e} nats");
    assert!(worst <= TOLERANCE, "{tab:?} {native:?}");
}

/// The corpus that [`first_stories`] means.
pub(crate) fn stories() -> String {
    corpus::grammar::Grammar::first().corpus(1, 200)
}

#[test]
fn a_training_in_the_tab_is_the_program_s() {
    let (place, trainer) = (place("same"), trainer());
    let corpus = place.join("stories.txt");
    fs::write(&corpus, stories()).expect("target is ours");
    let (corpus, run) = (corpus.to_str().expect("text"), place.join("native"));
    native(&trainer, &["--config", "pocket", "--data", corpus], &run, 60);
    let expected = native_evaluations(&run);
    assert!(expected.last().is_some_and(|(_, loss)| *loss < LOSS), "{expected:?}");

    let tiny = Tiny::new();
    let server = serve(&tiny);
    for (name, gpu, compute) in
        [("trains cpu", Gpu::None, "Cpu"), ("trains gpu", Gpu::Software, "Gpu")]
    {
        let browser = open(name, gpu, &server);
        ask(&browser, &prepare(&server, &first_stories(), 60, compute));
        train(&browser);
        println!("{compute}: a step takes {:.1} ms", browser.number("heard('Ready')[0].step_ms"));
        let on_cpu = browser.eval("heard('Ready')[0].on_cpu");
        assert_eq!(on_cpu, if compute == "Cpu" { json!("Chosen") } else { Value::Null });
        assert_close(&evaluations_of(&browser), &expected);
        assert_eq!(browser.number("records('sample').length"), 3.0);
        assert_eq!(browser.number("heard('Stepped').at(-1).step"), 60.0);

        // The tokenizer that is trained in the tab is the program's, byte for byte.
        unpack(&take(&browser, "Checkpoint"), &place.join(compute));
        let tab = place.join(compute).join("pocket-first-stories");
        let tokenizer = |folder: &Path| {
            fs::read(folder.join("checkpoints/step-000060/tokenizer.json")).expect("a tokenizer")
        };
        assert!(tokenizer(&tab) == tokenizer(&run), "the tokenizers differ");
    }
}

#[test]
fn a_run_goes_back_and_forth() {
    let (place, trainer) = (place("forth"), trainer());
    let corpus = place.join("stories.txt");
    fs::write(&corpus, stories()).expect("target is ours");
    let (corpus, whole) = (corpus.to_str().expect("text"), place.join("whole"));
    native(&trainer, &["--config", "pocket", "--data", corpus], &whole, 60);
    let expected = native_evaluations(&whole);
    assert_eq!(expected.iter().map(|(step, _)| *step).collect::<Vec<_>>(), [0, 20, 40, 60]);

    // A third in the tab, the rest natively, from the archive alone.
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = open("back and forth", Gpu::None, &server);
    ask(&browser, &prepare(&server, &first_stories(), 60, "Cpu"));
    browser.wait("heard('Ready').length > 0");
    for step in 1..=21 {
        ask(&browser, &json!("Step"));
        browser.wait(&format!("heard('Paused').length === {step}"));
    }
    assert_eq!(browser.number("heard('Stepped').at(-1).step"), 21.0);
    unpack(&take(&browser, "Checkpoint"), &place);
    let run = place.join("pocket-first-stories");
    native(&trainer, &["--resume"], &run, 60);
    assert_close(&native_evaluations(&run), &expected);

    // Two thirds natively, the rest in the tab, which tells all that was logged before.
    let checkpoint = whole.join("checkpoints/step-000040");
    let names = [
        "model.safetensors",
        "optimizer.safetensors",
        "state.json",
        "tokenizer.json",
        "settings.toml",
        "log.jsonl",
    ];
    let read =
        |name: &&'static str| (*name, fs::read(checkpoint.join(name)).expect("a checkpoint"));
    let files: Vec<_> = names.iter().map(read).collect();
    let open =
        |text: Value| json!({ "Open": { "text": text, "compute": "Cpu", "base": server.url } });
    browser.execute("said.length = 0;", &[]);
    ask_with(&browser, &open(Value::Null), &files);
    assert!(fault(&browser).starts_with("The text that the checkpoint was trained on is not"));
    let other = json!({ "Grammar": { "level": "First", "stories": 100, "seed": 1 } });
    browser.execute("said.length = 0;", &[]);
    ask_with(&browser, &open(other), &files);
    assert!(fault(&browser).starts_with("This is not the text that the checkpoint"));
    browser.execute("said.length = 0;", &[]);
    ask_with(&browser, &open(first_stories()), &files);
    browser.wait("heard('Ready').length > 0 || heard('Fault').length > 0");
    assert_eq!(browser.number("heard('Ready')[0].step"), 40.0);
    assert_eq!(evaluations_of(&browser), expected[..3]);
    train(&browser);
    assert_close(&evaluations_of(&browser), &expected);
}

#[test]
fn a_training_is_kept_in_the_browser() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = open("kept", Gpu::None, &server);
    ask(&browser, &json!("Look"));
    browser.wait("said.some(event => event.Training?.Kept === null)");
    ask(&browser, &prepare(&server, &first_stories(), 200, "Cpu"));
    browser.wait("heard('Ready').length > 0");
    ask(&browser, &json!("Go"));
    browser.wait("heard('Stored').length > 0");
    ask(&browser, &json!("Pause"));
    browser.wait("heard('Paused').length > 0");
    let before = browser.eval("records('evaluation')");
    let stored = browser.eval("heard('Stored').at(-1)");

    // Another page finds it, and goes on where it was.
    browser.open(&server.url);
    start_engine(&browser);
    ask(&browser, &json!("Look"));
    browser.wait("heard('Kept').length > 0");
    assert_eq!(browser.eval("heard('Kept')[0]"), stored);
    ask(&browser, &json!({ "Restore": { "compute": "Cpu" } }));
    browser.wait("heard('Ready').length > 0 || heard('Fault').length > 0");
    no_fault(&browser);
    assert_eq!(browser.eval("heard('Ready')[0].step"), stored["step"]);
    assert_eq!(browser.eval("records('evaluation')"), before);

    // While it trains, a text is written with it, for which it waits; and the rate is changed.
    ask(&browser, &json!({ "Change": ["optimizer.lr=0.001"] }));
    browser.wait("heard('Ready').length > 1");
    let settings = browser.text("heard('Ready')[1].settings");
    assert!(settings.contains("lr = 0.001\n"), "{settings}");
    ask(&browser, &json!({ "Change": ["model.n_embd=64"] }));
    assert!(fault(&browser).contains("“model.n_embd”"));
    ask(&browser, &json!("Go"));
    ask(&browser, &json!("Write"));
    browser.wait("said.some(event => event.Loaded)");
    let name = browser.text("said.find(event => event.Loaded).Loaded.name");
    assert!(name.starts_with("pocket-first-stories, step "), "{name}");
    browser.execute(
        "worker.postMessage([JSON.stringify({ Start: { run: 1, request: arguments[0] } })]); \
         worker.postMessage([JSON.stringify({ Run: { interval_ms: 0 } })]);",
        &[json!({
            "prompt": "One day", "length": 16, "steps": 4,
            "sampler": browser.eval("said.find(event => event.Loaded).Loaded.defaults.sampler"),
            "temperature": 0.7, "top_k": null, "top_p": null, "seed": 1, "stop_at_end": false,
        })],
    );
    browser.wait("said.some(event => event.Finished)");
    let steps = browser.number("heard('Stepped').length");
    browser.wait(&format!("heard('Stepped').length > {steps}"));

    ask(&browser, &json!("Forget"));
    browser.wait("said.some(event => event.Training?.Kept === null)");
}

#[test]
fn a_full_storage_is_said_and_nothing_is_lost() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = open("quota", Gpu::None, &server);
    ask(&browser, &prepare(&server, &first_stories(), 200, "Cpu"));
    browser.wait("heard('Ready').length > 0");
    ask(&browser, &json!("Pause"));
    browser.wait("heard('Stored').length > 0");
    let full = json!({ "origin": server.url, "quotaSize": 1 });
    browser.devtools("Storage.overrideQuotaForOrigin", &full);
    // Chromium notices within half a minute.
    let mut pauses = 1;
    while browser.number("heard('NotStored').length") == 0.0 {
        ask(&browser, &json!("Pause"));
        pauses += 1;
        browser.wait(&format!("heard('Paused').length === {pauses}"));
    }
    let sentence = browser.text("heard('NotStored')[0]");
    assert!(sentence.contains("storage for this page is full"), "{sentence}");
    ask(&browser, &json!("Step"));
    browser.wait("heard('Stepped').length === 1");
    no_fault(&browser);
    // What was stored before is still there.
    ask(&browser, &json!("Look"));
    browser.wait("heard('Kept').length > 0");
    assert_eq!(browser.number("heard('Kept')[0].step"), 0.0);
}

#[test]
fn a_training_that_diverges_waits() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = open("diverges", Gpu::None, &server);
    let mut command = prepare(&server, &first_stories(), 60, "Cpu");
    let changes = command["Prepare"]["plan"]["changes"].as_array_mut().expect("a list");
    changes.push(json!("optimizer.lr=1e30"));
    ask(&browser, &command);
    browser.wait("heard('Ready').length > 0");
    ask(&browser, &json!("Go"));
    let sentence = fault(&browser);
    assert!(sentence.ends_with("go on from what was stored with a lower rate."), "{sentence}");
    browser.wait("heard('Paused').length === 1");
}

#[test]
fn texts_of_all_kinds_are_read() {
    let tiny = Tiny::new();
    let server = serve(&tiny);
    let browser = open("texts", Gpu::None, &server);
    let own = json!({ "Own": { "name": "mine" } });
    for (text, files, stories) in [
        (json!("Sample"), vec![], 100.0),
        (json!({ "Grammar": { "level": "Full", "stories": 60, "seed": 1 } }), vec![], 60.0),
        (
            own.clone(),
            vec![
                ("a.txt", "A cat 🐈 ran. ".repeat(200).into_bytes()),
                ("b.txt", "A hen 🐔 sat".repeat(200).into_bytes()),
            ],
            2.0,
        ),
    ] {
        browser.execute("said.length = 0;", &[]);
        ask_with(&browser, &prepare(&server, &text, 20, "Cpu"), &files);
        browser.wait("heard('Ready').length > 0 || heard('Fault').length > 0");
        no_fault(&browser);
        assert!(browser.number("heard('Corpus')[0].stories") >= stories, "{text}");
        assert_eq!(browser.number("heard('Corpus')[0].unknown"), 0.0, "{text}");
    }
    browser.execute("said.length = 0;", &[]);
    let short = [("short.txt", b"Once.\n\nTwice.".to_vec())];
    ask_with(&browser, &prepare(&server, &own, 20, "Cpu"), &short);
    assert!(fault(&browser).starts_with("The training corpus has "), "{}", fault(&browser));
}
