//! A run is its inputs: what a resume knows, what it may change, and what it refuses. And no command
//! writes over what it did not make.

mod support;

use std::fs;
use std::path::Path;

use support::{Place, fail, logged, succeed, trainer};

/// `train --resume` with nothing but the folder.
fn resume(place: &Place, run: &str, more: &[&str]) -> std::process::Command {
    let mut command = trainer();
    command.args(["train", "--resume", "--out"]).arg(place.path(run)).args(more);
    // Where the usual corpus lies, too, which is not the run's.
    command.current_dir(place.path(""));
    command
}

/// The number of files below a folder and what is in them.
fn content(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(content(&path));
        } else {
            found.push((path.clone(), fs::read(path).expect("a file")));
        }
    }
    found.sort();
    found
}

#[test]
fn a_resume_needs_no_flag_that_the_run_knows() {
    let place = Place::new();
    fs::create_dir(place.path("data")).expect("a folder");
    fs::write(place.path("data/stories.txt"), "Another text.\n\n".repeat(300)).expect("a text");
    succeed(&mut place.train("run", &["--steps", "10"]));
    let printed = succeed(&mut resume(&place, "run", &["--steps", "20"]));
    assert!(printed.contains("changed     train.steps from 10 to 20"), "{printed}");
    assert!(!printed.contains("device from"), "{printed}");
    assert_eq!(logged(&place.log("run"), "start", "device").len(), 2);
    let tokens = logged(&place.log("run"), "start", "train_tokens");
    assert_eq!(tokens[0], tokens[1]);
    let devices = logged(&place.log("run"), "start", "device");
    assert_eq!(devices[0], devices[1], "the run computes on the CPU");
}

#[test]
fn another_corpus_is_refused_and_a_moved_one_is_found_again() {
    let place = Place::new();
    succeed(&mut place.train("run", &["--steps", "2"]));
    let stories = place.path("stories.txt");
    let text = fs::read_to_string(&stories).expect("a corpus");
    fs::write(&stories, text.replacen("Tom", "Tim", 1)).expect("a corpus");
    let more = ["--steps", "4"];
    fail(&mut resume(&place, "run", &more), &["stories.txt is not the text", "--data"]);
    fs::remove_file(&stories).expect("a corpus");
    fail(&mut resume(&place, "run", &more), &["stories.txt any more", "--data"]);
    fs::write(place.path("moved.txt"), text).expect("a corpus");
    succeed(&mut resume(&place, "run", &["--steps", "4", "--data", "moved.txt"]));
    // From now on it is known there.
    succeed(&mut resume(&place, "run", &["--steps", "6"]));
}

#[test]
fn a_run_that_brings_its_corpus_is_resumed_wherever_it_lies() {
    let place = Place::new();
    succeed(&mut place.train("run", &["--steps", "2"]));
    fs::rename(place.path("stories.txt"), place.path("run/stories.txt")).expect("a corpus");
    let inputs = place.path("run/run.json");
    let mut json: serde_json::Value =
        serde_json::from_slice(&fs::read(&inputs).expect("inputs")).expect("JSON");
    json["corpus"]["path"] = "stories.txt".into();
    fs::write(&inputs, json.to_string()).expect("inputs");
    fs::rename(place.path("run"), place.path("moved")).expect("a folder");
    succeed(&mut resume(&place, "moved", &["--steps", "4"]));
    fs::write(place.path("moved/stories.txt"), "Another text.\n\n".repeat(300)).expect("a text");
    fail(&mut resume(&place, "moved", &["--steps", "6"]), &["is not the text", "--data"]);
}

#[test]
fn what_is_asked_of_a_resume_is_done_or_refused() {
    let place = Place::new();
    succeed(&mut place.train("run", &["--steps", "5"]));
    let before = content(&place.path("run"));
    for (more, parts) in [
        (&["--set", "data.vocab_size=280"][..], &["`data.vocab_size` is 300"][..]),
        (&["--seed", "8"], &["`train.seed` is 7", "cannot change to 8"]),
        (&["--set", "diffusion.timesteps=11"], &["`diffusion.timesteps`"]),
        (&["--set", "optimizer.name=adamw"], &["`optimizer.name`"]),
        (&["--steps", "3"], &["has done 5 steps, more than the 3 asked for"]),
        (&["--config", "no/such/file.toml"], &["cannot read the configuration"]),
        (&["--config", "small"], &["settings of the run in", "cannot change"]),
    ] {
        fail(&mut resume(&place, "run", more), parts);
        assert!(before == content(&place.path("run")), "{more:?} changed the run");
    }
    // An edit of its settings is a wish, too.
    let path = place.path("run/settings.toml");
    let settings = fs::read_to_string(&path).expect("settings");
    fs::write(&path, settings.replace("weight_decay = 0.01", "weight_decay = 0.25")).expect("them");
    let printed = succeed(&mut resume(&place, "run", &["--steps", "6"]));
    assert!(printed.contains("optimizer.weight_decay from 0.01 to 0.25"), "{printed}");
    assert!(fs::read_to_string(&path).expect("settings").contains("weight_decay = 0.25"));
    fs::write(&path, settings.replace("n_embd = 16", "n_embd = 32")).expect("settings");
    fail(&mut resume(&place, "run", &["--steps", "8"]), &["`model.n_embd` is 16"]);
}

#[test]
fn a_run_killed_before_its_first_checkpoint_goes_on_as_what_it_was() {
    let place = Place::new();
    let never = ["--steps", "1000000", "--set", "checkpoint_every=1000000", "--set", "n_layer=2"];
    let mut child = place.train("run", &never).spawn().expect("it starts");
    let mark = place.path("run/log.jsonl");
    let begun = std::time::Instant::now();
    while !mark.is_file() && begun.elapsed().as_secs() < 60 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().and_then(|()| child.wait()).expect("it was running");
    fail(&mut place.train("run", &[]), &["already holds a run", "--resume"]);
    fail(&mut resume(&place, "run", &["--set", "n_layer=1"]), &["`model.n_layer` is 2"]);
    succeed(&mut resume(&place, "run", &["--steps", "3"]));
    let kept = fs::read_to_string(place.path("run/settings.toml")).expect("settings");
    assert!(kept.contains("n_layer = 2") && kept.contains("steps = 3"), "{kept}");
}

#[test]
fn no_folder_is_written_to_that_is_no_run() {
    let place = Place::new();
    succeed(&mut place.train("run", &["--steps", "2"]));
    let shipped = place.path("shipped");
    let export = |from: &str, to: &str| {
        let mut command = trainer();
        command.arg("export").arg("--checkpoint").arg(place.path(from));
        command.arg("--out").arg(place.path(to));
        command
    };
    succeed(&mut export("run", "shipped"));
    let before = content(&shipped);
    fail(&mut place.train("shipped", &[]), &["which no training made", "--out"]);
    fail(&mut place.train("shipped", &["--resume"]), &["there is no run in"]);
    assert!(before == content(&shipped));
    // Once more onto itself is what it was made for, but not from itself.
    succeed(&mut export("run", "shipped"));
    fail(&mut export("shipped", "shipped"), &["is what is exported"]);

    let before = content(&place.path("run"));
    let checkpoint = "run/checkpoints/step-000002";
    let slip = place.path(checkpoint);
    fail(&mut place.train(checkpoint, &["--resume"]), &["is a checkpoint", "--out"]);
    fail(&mut place.train(checkpoint, &[]), &["which no training made"]);
    fail(&mut export("run", "run"), &["is the folder of a run or"]);
    fail(&mut export("run", checkpoint), &["is what is exported"]);
    fs::create_dir(place.path("mine")).expect("a folder");
    fs::write(place.path("mine/tokenizer.json"), "mine").expect("a file");
    fail(&mut export("run", "mine"), &["mine holds `tokenizer.json`", "--out"]);
    assert!(before == content(&place.path("run")), "{}", slip.display());

    // A start that fails leaves nothing, and an empty folder is nobody's.
    let without_corpus = |run: &str| {
        let mut command = trainer();
        command.current_dir(place.path("")).args(["train", "--config", "test.toml"]);
        command.args(["--data", "nope.txt", "--out", run]);
        command
    };
    fail(&mut without_corpus("left"), &["nope.txt"]);
    assert!(!place.path("left").exists());
    fs::create_dir(place.path("empty")).expect("a folder");
    fail(&mut without_corpus("empty"), &["nope.txt"]);
    assert_eq!(fs::read_dir(place.path("empty")).expect("a folder").count(), 0);
    succeed(&mut place.train("empty", &["--steps", "1"]));
}

#[test]
fn defaults_meet() {
    let place = Place::new();
    let here = |arguments: &[&str]| {
        let mut command = trainer();
        command.current_dir(place.path("")).args(arguments);
        command
    };
    let data = ["data", "--source", "grammar", "--num-stories", "40"];
    succeed(&mut here(&data));
    assert!(place.path("data/stories.txt").is_file());
    succeed(&mut here(&["tokenizer", "--vocab-size", "300"]));
    fail(&mut here(&data), &["there is a data/stories.txt already", "--output"]);
    fail(
        &mut here(&["tokenizer", "--input", "stories.txt", "--output", "./stories.txt"]),
        &["is read, so it cannot be written to"],
    );
}
