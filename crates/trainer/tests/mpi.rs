//! Several processes that MPI started share each step of a training.
#![cfg(feature = "mpi")]

mod support;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use support::{Place, succeed, tensors};

const SHARED: [&str; 6] = ["--set", "parts=4", "--set", "accumulation=4", "--set", "batch_size=4"];

/// `mpirun` of a training in `processes`.
fn train(place: &Place, processes: &str, run: &str, more: &[&str]) -> Command {
    let program = place.train(run, &[&SHARED[..], more].concat());
    let mut command = Command::new("mpirun");
    // Open MPI wants to be asked twice, and more processes than cores.
    command.envs([("OMPI_ALLOW_RUN_AS_ROOT", "1"), ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")]);
    command.env("OMPI_MCA_rmaps_base_oversubscribe", "1");
    command.args(["-n", processes]).arg(program.get_program()).args(program.get_args());
    command.arg("--mpi");
    command
}

#[test]
fn processes_make_the_bits_of_one() {
    let place = Place::new();
    succeed(place.train("one", &SHARED).args(["--steps", "12"]));
    let (_, one) = place.latest("one").expect("a checkpoint");
    for processes in ["1", "2", "4"] {
        succeed(&mut train(&place, processes, processes, &["--steps", "12"]));
        let (step, path) = place.latest(processes).expect("a checkpoint");
        assert_eq!(step, 12);
        for name in ["model.safetensors", "optimizer.safetensors"] {
            let same = tensors(&path.join(name)) == tensors(&one.join(name));
            assert!(same, "{name} of {processes} processes");
        }
    }
    // On with another number of them.
    succeed(&mut train(&place, "4", "1", &["--steps", "20", "--resume"]));
    succeed(place.train("one", &SHARED).args(["--steps", "20", "--resume"]));
    let [(_, one), (_, four)] = ["one", "1"].map(|run| place.latest(run).expect("a checkpoint"));
    let weights = |path: &std::path::Path| tensors(&path.join("model.safetensors"));
    assert!(weights(&one) == weights(&four));
}

/// Rounds of threads and of processes end alike.
#[test]
fn processes_end_rounds_as_threads_do() {
    let place = Place::new();
    let mut rounds = vec!["--steps", "12"];
    for change in ["outer.round=3", "eval_every=6", "sample_every=12", "checkpoint_every=12"] {
        rounds.extend(["--set", change]);
    }
    succeed(place.train("threads", &SHARED).args(&rounds).args(["--ranks", "2"]));
    succeed(&mut train(&place, "2", "processes", &rounds));
    let ends = ["threads", "processes"].map(|run| place.latest(run).expect("a checkpoint").1);
    for name in ["model.safetensors", "optimizer.safetensors"] {
        let [threads, processes] = ends.each_ref().map(|path| tensors(&path.join(name)));
        assert!(threads == processes, "{name}");
    }
}

#[test]
fn what_cannot_be_shared_is_said_once() {
    let place = Place::new();
    for (processes, more, sentence) in [
        ("3", &[][..], "3 processes cannot share a step evenly"),
        ("4", &["--set", "parts=2"], "train.parts is 2, which 4 devices cannot share evenly"),
    ] {
        let output = train(&place, processes, "run", more).output().expect("mpirun starts");
        assert!(!output.status.success());
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(err.matches(sentence).count(), 1, "{err}");
    }
}

#[test]
fn one_that_is_killed_ends_all() {
    let place = Place::new();
    let mut command = train(&place, "2", "killed", &["--steps", "1000000"]);
    let mut all = command
        .args(["--set", "checkpoint_every=5"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("mpirun starts");
    let begun = Instant::now();
    let patience = |what: &str| {
        assert!(begun.elapsed() < Duration::from_secs(300), "{what}");
        thread::sleep(Duration::from_millis(50));
    };
    while place.latest("killed").is_none() {
        patience("no checkpoint");
    }
    let children = format!("/proc/{0}/task/{0}/children", all.id());
    let children = fs::read_to_string(children).expect("what the kernel knows of mpirun");
    let last = children.split_whitespace().next_back().expect("a process");
    succeed(Command::new("kill").args(["-9", last]));
    let status = loop {
        match all.try_wait().expect("mpirun is a child") {
            Some(status) => break status,
            None => patience("the others go on"),
        }
    };
    assert!(!status.success());
    // What was saved is whole.
    let (step, _) = place.latest("killed").expect("a checkpoint");
    let steps = (step + 3).to_string();
    succeed(&mut train(&place, "2", "killed", &["--steps", &steps, "--resume"]));
}
