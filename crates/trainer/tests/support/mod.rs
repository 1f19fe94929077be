//! What the tests of the program share: a corpus, settings of a network that trains in
//! milliseconds, and a folder to work in.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with a corpus and settings, removed at the end.
pub struct Place {
    folder: tempfile::TempDir,
}

/// Vocabulary that the settings ask for.
pub const VOCABULARY: usize = 300;
/// Tokens of a sequence.
pub const BLOCK: usize = 16;

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let place = Self { folder };
        fs::write(place.path("stories.txt"), corpus()).expect("a corpus");
        fs::write(place.path("test.toml"), settings()).expect("settings");
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `trainer train` on the corpus of this place with its settings, to its folder `run`, on the
    /// CPU.
    pub fn train(&self, run: &str, more: &[&str]) -> Command {
        self.train_on("cpu", run, more)
    }

    /// The same on another device.
    pub fn train_on(&self, device: &str, run: &str, more: &[&str]) -> Command {
        let mut command = trainer();
        command.arg("train").arg("--config").arg(self.path("test.toml"));
        command.arg("--data").arg(self.path("stories.txt"));
        command.arg("--out").arg(self.path(run)).args(["--device", device]).args(more);
        command
    }

    /// The log of a run.
    pub fn log(&self, run: &str) -> PathBuf {
        self.path(run).join("log.jsonl")
    }

    /// The newest checkpoint of a run and its step.
    pub fn latest(&self, run: &str) -> Option<(u32, PathBuf)> {
        let entries = fs::read_dir(self.path(run).join("checkpoints")).ok()?;
        let found = entries.flatten().filter_map(|entry| {
            let step = entry.file_name().to_str()?.strip_prefix("step-")?.parse().ok()?;
            Some((step, entry.path()))
        });
        found.max()
    }
}

/// The program under test.
pub fn trainer() -> Command {
    Command::new(env!("CARGO_BIN_EXE_trainer"))
}

/// Runs a command that must succeed and returns what it printed.
#[track_caller]
pub fn succeed(command: &mut Command) -> String {
    let output = command.output().expect("the program starts");
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{out}\n{err}");
    out
}

/// Runs a command that must fail; its message must be one line with every one of `parts`.
#[track_caller]
pub fn fail(command: &mut Command, parts: &[&str]) {
    let output = command.output().expect("the program starts");
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(!output.status.success(), "{command:?} succeeded\n{out}\n{err}");
    assert!(!err.contains("panicked"), "{command:?}\n{err}");
    assert_eq!(err.trim().lines().count(), 1, "not one sentence:\n{err}");
    for part in parts {
        assert!(err.contains(part), "{command:?}: `{part}` is not in: {err}");
    }
}

/// A member of every object of a file of JSON lines whose `event` is `event`.
pub fn logged(path: &Path, event: &str, member: &str) -> Vec<serde_json::Value> {
    let log = fs::read_to_string(path).expect("a log");
    let objects = log.lines().map(|line| {
        serde_json::from_str::<serde_json::Value>(line).expect("a JSON object on each line")
    });
    objects.filter(|object| object["event"] == event).map(|object| object[member].clone()).collect()
}

/// `bytes` with one text in place of another as long, in its only place.
#[track_caller]
pub fn patched(bytes: &[u8], (from, to): (&str, &str)) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<_> =
        (0..bytes.len()).filter(|&at| bytes[at..].starts_with(from.as_bytes())).collect();
    let [at] = places[..] else { panic!("`{from}` stands at {places:?}") };
    let mut changed = bytes.to_vec();
    changed[at..at + to.len()].copy_from_slice(to.as_bytes());
    changed
}

/// Changes of a model file's card that no command may accept, each with a part of its sentence.
pub fn strange_cards() -> [((&'static str, &'static str), &'static str); 3] {
    [
        ((r#"\"version\":1"#, r#"\"version\":9"#), "format version 9"),
        ((r#"\"masked\""#, r#"\"hinted\""#), "the objective `hinted`"),
        ((r#"\"cosine2\""#, r#"\"square2\""#), "unknown noise schedule `square2`"),
    ]
}

/// Step, split and loss of every evaluation in a log.
pub fn evaluations(log: &Path) -> Vec<(u64, String, f64)> {
    let [steps, splits, losses] =
        ["step", "split", "loss"].map(|member| logged(log, "evaluation", member));
    let numbers = steps.iter().zip(&splits).zip(&losses).map(|((step, split), loss)| {
        let split = split.as_str().expect("a name").to_owned();
        (step.as_u64().expect("a step"), split, loss.as_f64().expect("a loss"))
    });
    numbers.collect()
}

/// A checkpoint's folder in format version 0, the corpus of its run, and the log of that run after
/// 8 steps.
pub fn version_0() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../run/tests/fixtures/version-0")
}

/// The tensors of a safetensors file: what follows the header, in which names and the order of
/// the metadata may differ.
pub fn tensors(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).expect("a file");
    let header = u64::from_le_bytes(*bytes.first_chunk().expect("a header"));
    bytes[8 + header as usize..].to_vec()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Short stories with much repetition.
fn corpus() -> String {
    let (names, things) = (["Tom", "Lily", "Ben", "Anna", "Max"], ["ball", "cat", "tree", "cake"]);
    let mut stories = String::new();
    for i in 0..200 {
        let (name, thing) = (names[i % 5], things[i / 5 % 4]);
        let friend = names[(i / 7 + 1 + i) % 5];
        stories += &format!(
            "{name} had a {thing}. {friend} saw the {thing} and was happy. \"May I play?\" said {friend}. They played all day.\n\n"
        );
    }
    stories
}

fn settings() -> String {
    format!(
        r#"
[model]
n_layer = 1
n_head = 2
n_embd = 16
block_size = {BLOCK}
init_std = 0.02
zero_projections = false
[data]
vocab_size = {VOCABULARY}
min_frequency = 2
byte_alphabet = true
validation_share = 0.1
[diffusion]
timesteps = 10
schedule = "cosine2"
stratified = true
[optimizer]
name = "muon"
lr = 1e-2
beta1 = 0.9
beta2 = 0.95
eps = 1e-8
weight_decay = 0.01
clip = 1.0
[optimizer.muon]
lr = 0.02
momentum = 0.95
weight_decay = 0.0
[schedule]
shape = "constant"
warmup = 5
decay_share = 0.0
floor = 1.0
[train]
steps = 40
batch_size = 8
accumulation = 1
seed = 7
log_every = 5
eval_every = 20
eval_batches = 2
checkpoint_every = 20
keep = 2
sample_every = 40
sample_tokens = 8
"#
    )
}
