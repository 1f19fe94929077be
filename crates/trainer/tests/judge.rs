//! `judge`: texts beside real ones, as table and JSON, and what bad input gets.

mod support;

use std::fs;

use serde_json::Value;
use support::{fail, succeed, trainer};

#[test]
fn texts_stand_beside_real_ones() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let real: Vec<String> =
        (0..30).map(|n| format!("Tom had {n} apples. He ate an apple and was happy.")).collect();
    fs::write(path("real.txt"), real.join("<|endoftext|>\n")).expect("a file");
    // As `sample --batch` prints them, with paragraphs.
    let bad: Vec<String> =
        (1..=20).map(|n| format!("== {n}\nTom Tom had a apple.\n\nHe was happpy.,\n")).collect();
    fs::write(path("bad.txt"), bad.concat()).expect("a file");
    let judge = |more: &[&str]| {
        let mut command = trainer();
        command.arg("judge").arg(path("bad.txt")).arg("--real").arg(path("real.txt")).args(more);
        command
    };
    let table = succeed(&mut judge(&[]));
    let cells = |label: &str| -> Vec<String> {
        let line = table.lines().find(|line| line.starts_with(label)).expect(label);
        line[48..]
            .split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .map(String::from)
            .collect()
    };
    assert_eq!(cells("texts"), ["20", "30"]);
    assert_eq!(cells("doubled words"), ["125.00", "0.00"]);
    assert_eq!(cells("a for an"), ["125.00", "0.00"]);
    assert_eq!(cells("doubled punctuation"), ["125.00", "0.00"]);
    assert_eq!(cells("unknown words"), ["-", "-"]);
    assert!(cells("told from real")[0].starts_with("1.000"), "{table}");

    let training = path("real.txt");
    let training = training.to_str().expect("UTF-8");
    let flags = ["--json", "--train-data", training, "--most", "10"];
    let json: Value = serde_json::from_str(&succeed(&mut judge(&flags))).expect("JSON");
    assert_eq!((&json[0]["texts"], &json[1]["name"]), (&10.into(), &"real".into()));
    assert_eq!(json[0]["faults"][5], 250.0, "`a` and `happpy`");
    assert_eq!(json[1]["faults"][5], 0.0);

    fail(trainer().args(["judge", "no.txt", "--real", "no.txt"]), &["cannot read no.txt"]);
    fs::write(path("bad.txt"), "").expect("a file");
    fail(&mut judge(&[]), &["bad.txt", "the corpus is empty"]);
}
