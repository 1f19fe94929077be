//! Several devices that share each step of a training.

mod support;

use std::path::Path;

use support::{Place, evaluations, fail, logged, succeed, tensors};

const SHARED: [&str; 6] = ["--set", "parts=4", "--set", "accumulation=4", "--set", "batch_size=4"];

fn train(place: &Place, device: &str, run: &str, more: &[&str]) -> String {
    succeed(&mut place.train_on(device, run, &[&SHARED, more].concat()))
}

#[track_caller]
fn same(place: &Place, one: &str, other: &str) {
    let [(step, one_path), (last, other_path)] =
        [one, other].map(|run| place.latest(run).expect("a checkpoint"));
    assert_eq!(step, last, "{one} and {other}");
    for name in ["model.safetensors", "optimizer.safetensors"] {
        let [one, other] = [&one_path, &other_path].map(|path| tensors(&path.join(name)));
        assert!(one == other, "{name} of {one_path:?} and {other_path:?}");
    }
    assert_eq!(evaluations(&place.log(one)), evaluations(&place.log(other)));
    let losses = |run| logged(&place.log(run), "step", "loss");
    assert_eq!(losses(one), losses(other));
}

#[test]
fn the_number_of_devices_changes_nothing() {
    let place = Place::new();
    for device in ["cpu", "gpu"] {
        for ranks in ["1", "2", "4"] {
            let run = format!("{device}{ranks}");
            train(&place, device, &run, &["--steps", "12", "--ranks", ranks]);
            same(&place, &format!("{device}1"), &run);
        }
    }
}

#[test]
fn a_run_goes_on_with_another_number_of_devices() {
    let place = Place::new();
    train(&place, "cpu", "whole", &["--steps", "20"]);
    train(&place, "cpu", "changed", &["--steps", "10", "--ranks", "4"]);
    train(&place, "cpu", "changed", &["--steps", "20", "--ranks", "2", "--resume"]);
    let [(_, whole), (_, changed)] = ["whole", "changed"].map(|run| place.latest(run).unwrap());
    let weights = |path: &Path| tensors(&path.join("optimizer.safetensors"));
    assert!(weights(&whole) == weights(&changed));
}

const ROUNDS: [&str; 10] = [
    "--set",
    "outer.round=6",
    "--set",
    "eval_every=6",
    "--set",
    "sample_every=12",
    "--set",
    "checkpoint_every=12",
    "--ranks",
    "2",
];

#[test]
fn a_run_of_rounds_goes_on_where_it_was() {
    let place = Place::new();
    let rounds = |run: &str, more: &[&str]| train(&place, "cpu", run, &[&ROUNDS, more].concat());
    rounds("whole", &["--steps", "24"]);
    rounds("parted", &["--steps", "12"]);
    rounds("parted", &["--steps", "24", "--resume"]);
    same(&place, "whole", "parted");
    train(&place, "cpu", "plain", &["--steps", "24"]);
    let [(_, plain), (_, whole)] = ["plain", "whole"].map(|run| place.latest(run).unwrap());
    let weights = |path: &Path| tensors(&path.join("model.safetensors"));
    assert!(weights(&plain) != weights(&whole));
    let evaluations = evaluations(&place.log("whole"));
    let losses: Vec<_> = evaluations.iter().map(|(_, _, loss)| loss).collect();
    assert!(losses.last() < losses.first(), "{losses:?}");
}

#[test]
fn what_cannot_be_shared_is_said_in_one_sentence() {
    let place = Place::new();
    for (flags, parts) in [
        (
            vec!["--ranks", "2"],
            ["train.parts is 1, which 2 devices cannot share", "train.accumulation"],
        ),
        (
            [&SHARED[..], &["--ranks", "3"]].concat(),
            ["train.parts is 4, which 3 devices", "2, 4, 8"],
        ),
        (vec!["--set", "parts=3"], ["train.parts is 3", "1, 2, 4"]),
        (
            [&SHARED[..], &ROUNDS, &["--steps", "24", "--set", "eval_every=10"]].concat(),
            ["train.eval_every is 10", "a multiple of train.outer.round, 6"],
        ),
        (vec!["--set", "parts=2"], ["train.accumulation is 1", "train.parts, 2"]),
    ] {
        fail(&mut place.train("run", &flags), &parts);
        assert!(!place.path("run").exists(), "{flags:?} left a folder");
    }
}
