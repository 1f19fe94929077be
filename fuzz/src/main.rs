//! Broken inputs for everything that reads files or addresses of others, in one process.
//!
//! Each input is a function of a seed and of its number, so that a fault can be repeated. An input
//! must be read, or refused in one sentence; a panic, a hang, and weights that are not those that were
//! written end the program with an error. Memory is bounded by who starts it, `cargo xtask soak`.

#[path = "../../xtask/src/soak/mutate.rs"]
mod mutate;
#[path = "../../xtask/src/soak/random.rs"]
mod random;

mod hub;
mod seeds;
mod targets;

use std::panic::{self, AssertUnwindSafe};
use std::process::{ExitCode, abort};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mutate::break_up;
use random::Random;
use targets::{Target, Verdict};

/// Longest time for an input.
const LONGEST: Duration = Duration::from_secs(20);

/// Numbers of the command line.
struct Options {
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
    let mut options = Options { inputs: 10_000, first: 0, seed: 1 };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let value = args.next().and_then(|value| value.parse().ok());
        let value = value.ok_or_else(|| format!("`{arg}` needs a whole number"))?;
        match arg.as_str() {
            "--inputs" => options.inputs = value,
            "--first" => options.first = value,
            "--seed" => options.seed = value,
            _ => return Err("usage: fuzz [--inputs N] [--first N] [--seed N]".to_owned()),
        }
    }
    Ok(options)
}

fn run(options: &Options) -> Result<(), String> {
    let targets = targets::all();
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
    let mut random = Random::new(seed.wrapping_mul(0x1_0000_0001).wrapping_add(number));
    // The generator's first numbers of neighbouring seeds are alike.
    for _ in 0..4 {
        random.below(2);
    }
    let at = random.below(targets.iter().map(|target| target.share).sum());
    let mut passed = 0;
    let at = targets.iter().position(|target| {
        passed += target.share;
        at < passed
    });
    let at = at.expect("shares add up");
    let target = &targets[at];
    let whole = &target.seeds[random.below(target.seeds.len())];
    let from = target.weights.filter(|_| random.below(2) == 0).unwrap_or(0);
    let broken = break_up(whole, from, &mut random);
    let verdict = panic::catch_unwind(AssertUnwindSafe(|| (target.read)(&broken)));
    let fault = match verdict {
        Ok(Verdict::Used) => {
            counts[at].used += 1;
            return Ok(());
        }
        Ok(Verdict::Refused(reason)) if is_sentence(&reason, &broken) => {
            counts[at].refused += 1;
            return Ok(());
        }
        Ok(Verdict::Refused(reason)) => format!("not one sentence: {reason:?}"),
        Ok(Verdict::Wrong(reason)) => reason,
        Err(_) => "a panic".to_owned(),
    };
    let kept = std::env::temp_dir().join(format!("cinnabar-fuzz-{}-{number}", target.name));
    std::fs::write(&kept, &broken).map_err(|error| error.to_string())?;
    Err(format!(
        "{}, seed {seed}, input {number}, kept as {}: {fault}",
        target.name,
        kept.display()
    ))
}

/// Whether a reason is fit for people: not the form of a Rust value, and one line, but for line breaks
/// that the input itself brings as escapes, which the program shows as such.
fn is_sentence(reason: &str, input: &[u8]) -> bool {
    let rust = ["unwrap()", "Some(", "Err(", "ParquetError", "panicked at"];
    let line = reason.lines().count() == 1 || input.contains(&b'\\');
    !reason.is_empty() && line && !rust.iter().any(|form| reason.contains(form))
}
