//! Broken inputs for everything that reads files or addresses of others, in one process.
//!
//! Each input is a function of a seed and of its number, so that a fault can be repeated. An input
//! must be read, or refused in one sentence; a panic, a hang, and weights that are not those that were
//! written end the program with an error. Memory is bounded by who starts it, `cargo xtask soak`.

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, abort};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fuzz::{Target, Verdict};

/// Longest time for an input.
const LONGEST: Duration = Duration::from_secs(20);

/// The command line.
struct Options {
    /// Where to write the sound inputs, instead of breaking them.
    corpus: Option<PathBuf>,
    inputs: u64,
    first: u64,
    seed: u64,
}

/// What came of the inputs of one target.
#[derive(Clone, Copy, Default)]
struct Count {
    used: u64,
    refused: u64,
}

fn main() -> ExitCode {
    match options().and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fuzz: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options, String> {
    let mut options = Options { corpus: None, inputs: 10_000, first: 0, seed: 1 };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        if arg == "--corpus" {
            options.corpus = Some(args.next().ok_or("`--corpus` needs a folder")?.into());
            continue;
        }
        let value = args.next().and_then(|value| value.parse().ok());
        let value = value.ok_or_else(|| format!("`{arg}` needs a whole number"))?;
        match arg.as_str() {
            "--inputs" => options.inputs = value,
            "--first" => options.first = value,
            "--seed" => options.seed = value,
            _ => {
                return Err(
                    "usage: fuzz [--corpus FOLDER] [--inputs N] [--first N] [--seed N]".to_owned()
                );
            }
        }
    }
    Ok(options)
}

fn run(options: &Options) -> Result<(), String> {
    let targets = fuzz::all();
    if let Some(folder) = &options.corpus {
        return write_corpus(&targets, folder);
    }
    // Else readers that refuse everything would look sound.
    for target in &targets {
        for seed in &target.seeds {
            match (target.read)(seed) {
                Verdict::Used => {}
                Verdict::Refused(reason) | Verdict::Wrong(reason) => {
                    return Err(format!("{}, as it was written: {reason}", target.name));
                }
            }
        }
    }
    let mut counts = vec![Count::default(); targets.len()];
    let now = AtomicU64::new(options.first);
    let ended = AtomicBool::new(false);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| watch(&now, &ended));
        let result = (options.first..options.first + options.inputs).try_for_each(|number| {
            now.store(number, Ordering::Relaxed);
            try_one(&targets, options.seed, number, &mut counts)
        });
        ended.store(true, Ordering::Relaxed);
        result
    })?;
    println!("{:<14}{:>10}{:>10}", "input", "used", "refused");
    for (target, Count { used, refused }) in targets.iter().zip(&counts) {
        println!("{:<14}{used:>10}{refused:>10}", target.name);
    }
    println!(
        "{} inputs in {:.0} s: no panic, no hang, no changed weight used",
        options.inputs,
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Writes the sound inputs of each reader into a folder of its name.
fn write_corpus(targets: &[Target], folder: &Path) -> Result<(), String> {
    let written = targets.iter().try_for_each(|target| {
        let folder = folder.join(target.name);
        fs::create_dir_all(&folder)?;
        let mut seeds = target.seeds.iter().enumerate();
        seeds.try_for_each(|(number, seed)| fs::write(folder.join(format!("sound-{number}")), seed))
    });
    written.map_err(|error| format!("cannot write into {}: {error}", folder.display()))
}

/// Ends the program when an input takes too long.
fn watch(now: &AtomicU64, ended: &AtomicBool) {
    let (mut number, mut since) = (u64::MAX, Instant::now());
    while !ended.load(Ordering::Relaxed) {
        let current = now.load(Ordering::Relaxed);
        if current != number {
            (number, since) = (current, Instant::now());
        } else if since.elapsed() > LONGEST {
            eprintln!(
                "fuzz: input {number} takes more than {LONGEST:?}; repeat it with `--first {number} --inputs 1`"
            );
            abort();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn try_one(targets: &[Target], seed: u64, number: u64, counts: &mut [Count]) -> Result<(), String> {
    let (at, broken) = fuzz::broken_input(targets, seed, number);
    let target = &targets[at];
    let tried = panic::catch_unwind(AssertUnwindSafe(|| fuzz::try_input(target, &broken)));
    let fault = match tried {
        Ok(Ok(used)) => {
            let count = if used { &mut counts[at].used } else { &mut counts[at].refused };
            *count += 1;
            return Ok(());
        }
        Ok(Err(fault)) => fault,
        Err(_) => "a panic".to_owned(),
    };
    let kept = std::env::temp_dir().join(format!("cinnabar-fuzz-{}-{number}", target.name));
    fs::write(&kept, &broken).map_err(|error| error.to_string())?;
    Err(format!(
        "{}, seed {seed}, input {number}, kept as {}: {fault}",
        target.name,
        kept.display()
    ))
}
