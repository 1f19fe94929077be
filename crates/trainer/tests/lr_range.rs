//! `lr-range`: rates that a training bears, their picture, and bad input.

mod support;

use std::fs;
use std::process::Command;

use support::{Place, fail, succeed, trainer};

fn lr_range(place: &Place, more: &[&str]) -> Command {
    let mut command = trainer();
    command.arg("lr-range").arg("--config").arg(place.path("test.toml"));
    command.arg("--data").arg(place.path("stories.txt")).args(["--device", "cpu"]);
    command.arg("--plot").arg(place.path("range.png")).args(more);
    command
}

#[test]
fn rates_are_found() {
    let place = Place::new();
    // Far too high in the end: 0.01 and 0.02 in the settings.
    let said = succeed(&mut lr_range(&place, &["--steps", "60", "--highest", "1000"]));
    for part in ["the loss is lowest", "it has risen to", "optimizer.muon.lr=", "wrote "] {
        assert!(said.contains(part), "`{part}`: {said}");
    }
    assert!(fs::read(place.path("range.png")).expect("a picture").starts_with(b"\x89PNG"));
    // Too low to harm.
    let said = succeed(&mut lr_range(&place, &["--steps", "20", "--highest", "0.5"]));
    assert!(said.contains("it does not rise up to optimizer.lr=5.00e-3"), "{said}");
    assert!(!place.path("runs").exists(), "nothing but the picture is kept");
}

#[test]
fn bad_input_gets_one_sentence() {
    let place = Place::new();
    let path = |name: &str| place.path(name).display().to_string();
    fail(&mut lr_range(&place, &["--set", "stesp=1"]), &["did you mean `train.steps`"]);
    let tokenizer = ["--tokenizer", &path("no.json")];
    fail(&mut lr_range(&place, &tokenizer), &["cannot read the tokenizer", "no.json"]);
    let mut command = trainer();
    command.args(["lr-range", "--config", "tiny", "--data", &path("stories.txt")]);
    fail(command.args(["--plot", &path("stories.txt")]), &["is read"]);
}
