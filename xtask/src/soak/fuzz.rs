//! Inputs with bytes lost, doubled or changed.

use super::mutate::break_up;
use super::random::Random;
use super::{Place, latest};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Longest time that the program may take for an input.
const LONGEST: Duration = Duration::from_secs(60);

/// Address space that it may take, in KiB.
const MEMORY: u32 = 4_000_000;

/// A file to break, and the commands that read it.
struct Target {
    name: &'static str,
    file: PathBuf,
    command: Vec<&'static str>,
    /// Bytes from here on are weights, none of which may change unnoticed.
    weights: Option<usize>,
}

/// What came of the inputs of one target.
#[derive(Default)]
struct Count {
    used: u64,
    refused: u64,
}

pub(super) fn run(place: &Place, inputs: u64, seed: u64) -> Result<()> {
    println!("\n== fuzz: {inputs} broken inputs, seed {seed}");
    let targets = targets(place)?;
    // Else a program that refuses everything would look sound.
    for target in &targets {
        ensure!(try_it(place, target)?, "the {} is refused as it was written", target.name);
    }
    let mut random = Random::new(seed);
    let mut counts: Vec<Count> = targets.iter().map(|_| Count::default()).collect();
    for input in 0..inputs {
        let at = random.below(targets.len());
        let target = &targets[at];
        let whole = fs::read(&target.file)?;
        let from = target.weights.filter(|_| random.below(2) == 0).unwrap_or(0);
        let broken = break_up(&whole, from, &mut random);
        fs::write(&target.file, &broken)?;
        let used = try_it(place, target).with_context(|| {
            format!("input {input}, kept as {} ({})", target.file.display(), target.name)
        })?;
        let harmless = from == 0 || broken == whole;
        ensure!(
            !used || harmless,
            "input {input}: changed weights were used; they are kept as {}",
            target.file.display()
        );
        fs::write(&target.file, whole)?;
        if used {
            counts[at].used += 1;
        } else {
            counts[at].refused += 1;
        }
    }
    println!("{:<14}{:>8}{:>10}", "input", "used", "refused");
    for (target, Count { used, refused }) in targets.iter().zip(counts) {
        println!("{:<14}{used:>8}{refused:>10}", target.name);
    }
    println!("no panic, no hang, nothing beyond {} MB, no changed weight used", MEMORY / 1_000);
    Ok(())
}

/// Makes a model, a run and a trace to break.
fn targets(place: &Place) -> Result<Vec<Target>> {
    let made = place.train("fuzz", 4).stdout(Stdio::null()).status()?;
    ensure!(made.success(), "the training failed");
    let checkpoint = latest(&place.path("fuzz")).context("a checkpoint")?;
    fs::create_dir(place.path("model"))?;
    for name in ["model.safetensors", "tokenizer.json"] {
        fs::copy(checkpoint.join(name), place.path("model").join(name))?;
    }
    const SAMPLE: [&str; 9] =
        ["sample", "--device", "cpu", "--checkpoint", "model", "--gen-len", "4", "--steps", "2"];
    let sample = || SAMPLE.to_vec();
    let mut trace = place.trainer();
    trace.args(SAMPLE).args(["--trace", "t.json"]).stdout(Stdio::null()).stderr(Stdio::null());
    ensure!(trace.status()?.success(), "no trace was written");
    fs::copy(place.path("fuzz/settings.toml"), place.path("settings.toml"))?;
    let resume = || vec!["train", "--resume", "--out", "fuzz"];
    let weights = |file: &PathBuf| -> Result<usize> {
        let header = u64::from_le_bytes(*fs::read(file)?.first_chunk().context("a header")?);
        Ok(8 + header as usize)
    };
    let model = place.path("model/model.safetensors");
    let moments = checkpoint.join("optimizer.safetensors");
    let target = |name, file, command| Target { name, file, command, weights: None };
    Ok(vec![
        Target { weights: Some(weights(&model)?), ..target("checkpoint", model, sample()) },
        Target { weights: Some(weights(&moments)?), ..target("optimizer", moments, resume()) },
        target("tokenizer", place.path("model/tokenizer.json"), sample()),
        target("state", checkpoint.join("state.json"), resume()),
        target("log", checkpoint.join("log.jsonl"), resume()),
        target("run", place.path("fuzz/run.json"), resume()),
        target(
            "settings",
            place.path("settings.toml"),
            vec!["train", "--explain", "--device", "cpu", "--config", "settings.toml"],
        ),
        target(
            "trace",
            place.path("t.json"),
            vec!["render", "t.json", "--size", "320x180", "--png", "p.png"],
        ),
    ])
}

/// A program that may not take more than [`MEMORY`].
pub(super) fn bounded(program: &Path) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"")]).arg(program);
    // Threads take address space, and many cores many threads.
    shell.env("RUST_BACKTRACE", "0").env("RAYON_NUM_THREADS", "2").env_remove("RUST_LOG");
    shell
}

/// Runs the program on an input and says whether it used it.
fn try_it(place: &Place, target: &Target) -> Result<bool> {
    let mut shell = bounded(&place.program);
    shell.args(&target.command).current_dir(&place.folder);
    let mut child = shell.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let begun = Instant::now();
    while child.try_wait()?.is_none() {
        if begun.elapsed() > LONGEST {
            child.kill()?;
            bail!("the program did not come to an end in {LONGEST:?}");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!said.contains("panicked"), "the program panicked: {said}");
    match output.status.code() {
        Some(0) => Ok(true),
        Some(1) => {
            let errors = said.lines().filter(|line| line.starts_with("error: ")).count();
            ensure!(errors == 1, "not one sentence: {said}");
            Ok(false)
        }
        _ => bail!("the program ended with {}: {said}", output.status),
    }
}
