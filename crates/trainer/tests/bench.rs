//! `bench`: it measures, and prints figures that are numbers.

mod support;

use std::fs;
use std::process::Command;

use serde_json::Value;
use support::{fail, succeed, trainer};

/// A model that is measured in no time.
const SMALL: [&str; 6] =
    ["n_embd=16", "n_layer=1", "block_size=16", "batch_size=4", "vocab_size=64", "timesteps=5"];

/// `bench` of that model on the CPU, with these flags behind it.
fn bench(flags: &[&str]) -> Command {
    let settings = SMALL.iter().flat_map(|change| ["--set", change]);
    let mut command = trainer();
    command.args(["bench", "--config", "tiny", "--device", "cpu", "--set", "sample_tokens=8"]);
    command.args(["--repeats", "1"]).args(settings).args(flags);
    command
}

/// What it prints, and what it writes as JSON.
fn figures(flags: &[&str]) -> (String, Value) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("figures.json");
    let printed = succeed(bench(flags).arg("--json").arg(&file));
    for bad in ["NaN", "inf"] {
        assert!(!printed.contains(bad), "{printed}");
    }
    let json = fs::read(&file).expect("the figures");
    (printed, serde_json::from_slice(&json).expect("JSON"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn everything_is_measured() {
    let folder = tempfile::tempdir().expect("a folder");
    let picture = folder.path().join("step.svg");
    let shown = picture.to_str().expect("a path");
    let (printed, json) = figures(&["--denoising-steps", "2", "--picture", shown]);
    for part in [
        "peaks",
        "matrix product",
        "attention",
        "training step",
        "generation of the whole block",
        "achieved",
    ] {
        assert!(printed.contains(part), "`{part}` is not in:\n{printed}");
    }
    assert!(printed.contains("4 sequences of 16 tokens"), "{printed}");
    let parts = ["products", "attention", "passes"].map(|part| json[part].as_array().map(Vec::len));
    assert_eq!(parts, [Some(7), Some(2), Some(2)], "{json}");

    // A roofline: no kernel has more arithmetic or traffic than the peaks allow in its floor.
    let (flop_peak, byte_peak) =
        (number(&json["flop_per_second"]), number(&json["bytes_per_second"]));
    let kernels = json["step"]["kernels"].as_array().expect("kernels");
    assert!(kernels.len() > 10, "{json}");
    for kernel in kernels {
        let floor = number(&kernel["floor_seconds"]);
        let least = (number(&kernel["flop"]) / flop_peak).max(number(&kernel["bytes"]) / byte_peak);
        assert!(floor >= least * (1.0 - 1e-9), "{kernel}");
    }
    let all: f64 = kernels.iter().map(|kernel| number(&kernel["flop"])).sum();
    assert!((all - number(&json["step"]["flop"])).abs() <= 1e-9 * all, "{json}");
    let svg = fs::read_to_string(&picture).expect("the picture");
    assert!(svg.contains("other kernels") && svg.contains("Floor"), "{svg}");
}

#[test]
fn one_part_can_be_measured_alone() {
    let (printed, json) = figures(&["--only", "attention"]);
    assert!(printed.contains("attention") && !printed.contains("training step"), "{printed}");
    assert!(json.get("step").is_none() && json.get("products").is_none(), "{json}");
    let picture = ["--only", "attention", "--picture", "step.svg"];
    fail(&mut bench(&picture), &["`--picture`", "`--only` leaves out"]);
    fail(&mut bench(&["--only", "step", "scale"]), &["flags of `bench` alone"]);
}

#[test]
fn a_step_grows_with_its_sizes() {
    let (printed, json) = figures(&["scale"]);
    assert!(printed.contains("time grows as n_embd^"), "{printed}");
    let sizes: Vec<_> =
        json["exponents"].as_array().expect("a list").iter().map(|size| &size["size"]).collect();
    assert_eq!(sizes, ["batch_size", "block_size", "n_embd", "n_layer"]);
    let points = json["points"].as_array().expect("points");
    let memory = |size: &str| -> Vec<f64> {
        let of = points.iter().filter(|point| point["size"] == size);
        of.map(|point| number(&point["memory"])).collect()
    };
    for size in ["batch_size", "block_size", "n_embd", "n_layer"] {
        let memory = memory(size);
        assert!(memory.len() >= 3 && memory.is_sorted(), "{size}: {memory:?}");
    }
}

#[test]
fn every_sampler_is_measured() {
    let (_, json) = figures(&["generate", "--steps", "2,5"]);
    let rows = json["generations"].as_array().expect("rows");
    let passes = |sampler: &str| -> Vec<u64> {
        let of = rows.iter().filter(|row| row["sampler"] == sampler);
        of.map(|row| row["passes"].as_u64().expect("a number")).collect()
    };
    assert_eq!((passes("maskgit"), passes("left-to-right")), (vec![2, 5], vec![15]), "{json}");
    assert_eq!(passes("threshold").len(), 1, "{json}");

    // One that writes from left to right does so with and without a cache.
    let left =
        ["generate", "--set", "objective=autoregressive", "--set", "timestep_embedding=false"];
    let (printed, json) = figures(&left);
    let cache: Vec<_> =
        json["generations"].as_array().expect("rows").iter().map(|row| &row["cache"]).collect();
    assert_eq!(cache, [false, true], "{printed}");
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
