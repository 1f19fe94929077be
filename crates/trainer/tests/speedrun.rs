//! `speedrun`: a record, how it is verified, and what is no record.

mod support;

use std::fs;
use std::process::Command;

use corpus::cache::sha256;
use support::{Place, fail, succeed, trainer};

/// A track to so many bits per byte on this place's corpus.
fn track(place: &Place, name: &str, corpus: &str, bits_per_byte: f64) -> String {
    let path = place.path(name);
    let text = format!(
        "title = \"A test\"\ncorpus = \"{corpus}\"\nmade_by = \"cargo test\"\ndevice = \"cpu\"\nseconds = 600.0\nbits_per_byte = {bits_per_byte:.1}\nbatches = 1\nsettings = [\"train.eval_batches=2\", \"train.eval_every=10\"]\n"
    );
    fs::write(&path, text).expect("a track");
    path.to_string_lossy().into_owned()
}

fn corpus(place: &Place) -> String {
    sha256(&fs::read(place.path("stories.txt")).expect("a corpus"))
}

fn speedrun(place: &Place, track: &str, more: &[&str]) -> Command {
    let mut command = trainer();
    command.args(["speedrun", track, "--data"]).arg(place.path("stories.txt")).args(more);
    command
}

#[test]
fn a_record_is_verified_and_a_changed_one_is_not() {
    let place = Place::new();
    let track = track(&place, "track.toml", &corpus(&place), 7.0);
    let (config, out) = (place.path("test.toml"), place.path("run"));
    let (config, out) = (config.to_string_lossy(), out.to_string_lossy());
    let said = succeed(&mut speedrun(
        &place,
        &track,
        &[
            "--config",
            &config,
            "--out",
            &out,
            "--set",
            "steps=100",
            "--set",
            "parts=2",
            "--set",
            "accumulation=2",
        ],
    ));
    assert!(said.contains("A test: ") && said.contains(" bits per byte after "), "{said}");
    let record = place.path("run/record.json");
    let text = fs::read_to_string(&record).expect("a record");
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let (steps, tokens) = (value["steps"].as_u64(), value["tokens"].as_u64());
    assert!(steps.is_some_and(|steps| steps < 100), "it ends at the target: {steps:?}");
    assert!(tokens > steps && value["flop"].as_f64() > Some(0.0));

    let verify = || speedrun(&place, &track, &["--verify", &out]);
    assert!(succeed(&mut verify()).starts_with("verified: A test: "));
    let seconds = format!("\"seconds\": {}", value["seconds"]);
    let bits = format!("\"bits_per_byte\": {}", value["bits_per_byte"]);
    for (from, to, sentence) in [
        (seconds.as_str(), "\"seconds\": 0.001", "are not those of its log"),
        (&bits, "\"bits_per_byte\": 0.5", "the record claims 0.5000 bits per byte"),
        ("A test", "Another", "the record is one of the track \"Another\""),
        ("\"version\": 1", "\"version\": 2", "use a newer release"),
    ] {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        fs::write(&record, text.replace(from, to)).expect("a record");
        fail(&mut verify(), &[sentence]);
    }
    fs::write(&record, &text).expect("a record");
    let log = place.path("run/log.jsonl");
    let lines = fs::read_to_string(&log).expect("a log");
    fs::write(&log, lines.replacen("\"loss\":", "\"loss\": ", 1)).expect("a log");
    fail(&mut verify(), &["the log of the run is not that of the record"]);
}

#[test]
fn what_is_no_record_gets_a_sentence() {
    let place = Place::new();
    let config = place.path("test.toml");
    let config = config.to_string_lossy();
    let attempt = |track: &str, run: &str, more: &[&str]| {
        let out = place.path(run);
        let out = out.to_string_lossy();
        let flags = ["--config", &config, "--out", &out, "--set", "steps=10"];
        fail(&mut speedrun(&place, track, &flags), more);
    };
    let other = track(&place, "other.toml", "00", 7.0);
    attempt(&other, "other", &["is not the corpus of the track", "make it by `cargo test`"]);
    let far = track(&place, "far.toml", &corpus(&place), 0.1);
    attempt(&far, "far", &["the run ended after 10 steps with", "before it came to 0.1"]);
    assert!(!place.path("far/record.json").exists());
    // What its own evaluations come to is not yet what the track asks for.
    let low = track(&place, "low.toml", &corpus(&place), 0.1);
    let out = place.path("low");
    let flags = ["--config", &config, "--out", &out.to_string_lossy(), "--stop-at", "7.5"];
    fail(&mut speedrun(&place, &low, &flags), &["and the target is 0.1", "a lower `--stop-at`"]);
    assert!(!place.path("low/record.json").exists());
    attempt("no.toml", "none", &["cannot read the track no.toml"]);
    let near = track(&place, "near.toml", &corpus(&place), 7.0);
    fail(&mut speedrun(&place, &near, &["--verify", "nowhere"]), &["record.json"]);
}
