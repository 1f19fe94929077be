//! `judge`: texts beside real ones, as table and JSON, and what bad input gets.

mod support;

use std::fs;

use serde_json::Value;
use support::{Place, fail, succeed, trainer};

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

/// Stories that models of [`Place`] have words for, with different ends.
fn stories(count: usize) -> Vec<String> {
    let (names, things) = (["Tom", "Lily", "Ben", "Anna", "Max"], ["ball", "cat", "tree", "cake"]);
    let story = |n: usize| {
        let (name, thing) = (names[n % 5], things[n / 5 % 4]);
        let end = [format!("{name} played all day."), format!("{name} saw the {thing}.")];
        format!("{name} had a {thing}. \"May I play?\" said {name}. They played. {}", end[n % 2])
    };
    (0..count).map(story).collect()
}

#[test]
fn models_write_and_read() {
    let place = Place::new();
    let path = |name: &str| place.path(name).display().to_string();
    fs::write(place.path("real.txt"), stories(20).join("<|endoftext|>\n")).expect("a file");
    let noise: Vec<String> = (0..12).map(|n| format!("zq{n}x kvw jjq {n} pfh.")).collect();
    fs::write(place.path("noise.txt"), noise.join("<|endoftext|>\n")).expect("a file");
    let block = ["--set", "block_size=32"];
    succeed(&mut place.train("masked", &block));
    let causal = ["--set", "objective=autoregressive", "--set", "timestep_embedding=false"];
    let causal = [block, [causal[0], causal[1]], [causal[2], causal[3]]].concat();
    succeed(&mut place.train("causal", &causal));

    let [masked, causal, real] = ["masked", "causal", "real.txt"].map(path);
    let beside = |real: &str, more: &[&str]| {
        let mut command = trainer();
        command.args(["judge", "--real", real, "--device", "cpu"]).args(more);
        command
    };
    let judge = |more: &[&str]| beside(&real, more);
    let picture = path("curve.png");
    let flags = [
        ["--checkpoint", &masked],
        ["--temperature", "0.5,1"],
        ["--sampler", "maskgit,threshold"],
        ["--steps", "4"],
        ["--num-texts", "10"],
        ["--length", "14"],
        ["--given", "4"],
        ["--cloze", "5"],
        ["--seed", "3"],
        ["--reader", &causal],
        ["--plot", &picture],
    ];
    let json: Value =
        serde_json::from_str(&succeed(judge(&flags.concat()).args([&path("noise.txt"), "--json"])))
            .expect("JSON");
    let of = |column: usize, member: &str| json[column][member].clone();
    assert_eq!(json.as_array().map(Vec::len), Some(6), "a file, four ways to write, real text");
    assert_eq!((of(0, "name"), of(5, "name")), ("noise".into(), "real".into()));
    assert_eq!((of(1, "model"), of(1, "sampler")), ("masked".into(), "maskgit".into()));
    assert_eq!((of(1, "steps"), of(3, "steps")), (4.into(), Value::Null));
    assert_eq!(of(1, "name"), "maskgit, 4 steps, T = 0.5");
    assert_eq!((of(2, "temperature"), of(3, "temperature")), (1.0.into(), 0.5.into()));
    assert_eq!((of(1, "passes"), of(1, "texts")), (4.0.into(), 10.into()));
    assert_eq!(of(0, "passes"), Value::Null);
    let known = of(1, "endings")["mean"].as_f64().expect("a share");
    assert!((0.0..=1.0).contains(&known));
    let nats = |column: usize| of(column, "nats_per_byte")["mean"].as_f64().expect("nats");
    assert!(nats(0) > 2.0 * nats(5), "noise is more surprising than stories: {json}");
    assert!(of(5, "entropy").as_f64().is_some_and(|nats| nats > 1.0));
    assert!(fs::read(place.path("curve.png")).expect("a picture").starts_with(b"\x89PNG"));

    // Without a reader the picture is over passes; the table names what varies.
    let checkpoints = ["--checkpoint", &masked, "--checkpoint", &causal, "--plot", &picture];
    let rest = ["--num-texts", "5", "--cloze", "4", "--given", "3"];
    let table = succeed(&mut judge(&[&checkpoints[..], &rest].concat()));
    for label in ["passes of the network", "last sentences known, %", "he or she for nobody"] {
        assert!(table.contains(label), "{table}");
    }
    assert!(!table.contains("reader"), "{table}");

    fail(
        &mut judge(&["--checkpoint", &causal, "--reader", &masked]),
        &["cannot read with", "`masked`", "objective=autoregressive"],
    );
    fail(&mut judge(&["--checkpoint", &masked, "--length", "33"]), &["holds 32 tokens"]);
    fail(&mut judge(&["--checkpoint", &masked, "--given", "32"]), &["nothing to write"]);
    fail(&mut judge(&["--checkpoint", &causal, "--sampler", "maskgit"]), &["left-to-right"]);
    fail(judge(&[]).args([&path("noise.txt"), "--plot", &picture]), &["nothing to draw"]);
    // Stories that all end alike are no question.
    fs::write(place.path("alike.txt"), "Tom ran far. He sat down here.\n\n".repeat(9))
        .expect("a file");
    let alike = path("alike.txt");
    fail(&mut beside(&alike, &["--checkpoint", &masked, "--given", "2"]), &["--cloze 0"]);
}
