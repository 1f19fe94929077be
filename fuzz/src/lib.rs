//! Readers of foreign bytes, sound inputs for each, and what they must do with broken ones: read them, or
//! refuse them in one sentence; never panic, hang, or use weights that are not those that were written.
//!
//! Two programs look for inputs with which they do not. `fuzz`, which `cargo xtask soak` starts, breaks sound
//! inputs at random. With libFuzzer (feature `libfuzzer`, `fuzz_targets/`) the code that an input reaches decides which
//! inputs are broken further:
//!
//! ```sh
//! cargo install cargo-fuzz
//! cargo run -p fuzz -- --corpus fuzz/corpus    # the sound inputs, to begin with
//! cargo fuzz run --dev --sanitizer none --features libfuzzer parquet -- -max_total_time=60
//! ```
//!
//! With `--sanitizer none` a stable toolchain will do.

#[path = "../../xtask/src/soak/mutate.rs"]
mod mutate;
#[path = "../../xtask/src/soak/random.rs"]
mod random;

mod hub;
#[cfg(feature = "libfuzzer")]
pub mod libfuzzer;
mod seeds;
mod targets;

use mutate::break_up;
use random::Random;
pub use targets::{Read, Target, Verdict, all};

/// The broken input of a number: for which of the targets, and its bytes.
///
/// # Panics
/// There are no targets.
#[must_use]
pub fn broken_input(targets: &[Target], seed: u64, number: u64) -> (usize, Vec<u8>) {
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
    (at, break_up(whole, from, &mut random))
}

/// Gives a reader an input; whether it was used.
///
/// # Errors
/// What should not have been read, and a refusal that is not one sentence.
pub fn try_input(target: &Target, input: &[u8]) -> Result<bool, String> {
    match (target.read)(input) {
        Verdict::Used => Ok(true),
        Verdict::Refused(reason) if is_sentence(&reason, input) => Ok(false),
        Verdict::Refused(reason) => Err(format!("not one sentence: {reason:?}")),
        Verdict::Wrong(reason) => Err(reason),
    }
}

/// Whether a reason is fit for people: not the form of a Rust value, and one line, but for what the input
/// itself brings: such a form, and line breaks as escapes, which the program shows as such.
fn is_sentence(reason: &str, input: &[u8]) -> bool {
    let rust = ["unwrap()", "Some(", "Err(", "ParquetError", "panicked at"];
    let brought = |form: &str| input.windows(form.len()).any(|part| part == form.as_bytes());
    let line = reason.lines().count() == 1 || input.contains(&b'\\');
    !reason.is_empty() && line && !rust.iter().any(|form| reason.contains(form) && !brought(form))
}
