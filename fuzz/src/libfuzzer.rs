//! What every file in `fuzz_targets/` does.

pub use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

use crate::mutate::break_up;
use crate::random::Random;
use crate::{Target, all};

/// The reader of this name.
///
/// # Panics
/// There is none.
#[must_use]
pub fn target(name: &str) -> Target {
    all().into_iter().find(|target| target.name == name).expect("a reader of this name")
}

/// Gives a reader an input.
///
/// # Panics
/// It does with it what it must not; libFuzzer keeps the input.
pub fn check(target: &Target, input: &[u8]) {
    if let Err(fault) = crate::try_input(target, input) {
        panic!("{}: {fault}", target.name);
    }
}

/// Breaks the first `size` bytes of `data`, half of the time as `cargo xtask soak` does, else as libFuzzer; how many
/// bytes there are then.
pub fn mutate(data: &mut [u8], size: usize, most: usize, seed: u32) -> usize {
    let mut random = Random::new(seed.into());
    if size == 0 || random.below(2) == 0 {
        return fuzzer_mutate(data, size, most);
    }
    let broken = break_up(&data[..size], 0, &mut random);
    let kept = broken.len().min(most);
    data[..kept].copy_from_slice(&broken[..kept]);
    kept
}

/// The program that gives libFuzzer's inputs to the reader of a name.
#[macro_export]
macro_rules! harness {
    ($name:literal) => {
        $crate::libfuzzer::fuzz_target!(|input: &[u8]| {
            thread_local!(static TARGET: $crate::Target = $crate::libfuzzer::target($name));
            TARGET.with(|target| $crate::libfuzzer::check(target, input));
        });
        $crate::libfuzzer::fuzz_mutator!(|data: &mut [u8], size: usize, most: usize, seed: u32| {
            $crate::libfuzzer::mutate(data, size, most, seed)
        });
    };
}
