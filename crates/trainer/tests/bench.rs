//! `bench`: it measures, and prints figures that are numbers.

mod support;

use support::{fail, succeed, trainer};

/// A model that is measured in no time.
const SMALL: [&str; 6] =
    ["n_embd=16", "n_layer=1", "block_size=16", "batch_size=4", "vocab_size=64", "timesteps=5"];

#[test]
fn everything_is_measured() {
    let settings = SMALL.iter().flat_map(|change| ["--set", change]);
    let mut command = trainer();
    command.args(["bench", "--config", "tiny", "--device", "cpu", "--set", "sample_tokens=8"]);
    command.args(["--repeats", "1", "--denoising-steps", "2"]).args(settings);
    let printed = succeed(&mut command);
    for part in ["matrix product", "attention", "training step", "generation of the whole block"] {
        assert!(printed.contains(part), "`{part}` is not in:\n{printed}");
    }
    assert!(printed.contains("4 sequences of 16 tokens"), "{printed}");
    for bad in ["NaN", "inf"] {
        assert!(!printed.contains(bad), "{printed}");
    }
}

#[test]
fn nothing_can_be_measured_in_no_runs() {
    for flag in ["--repeats", "--denoising-steps"] {
        let output = trainer().args(["bench", flag, "0"]).output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("0 is not in 1..=10000"), "{said}");
    }
    fail(trainer().args(["bench", "--config", "huge"]), &["cannot read the configuration `huge`"]);
}
