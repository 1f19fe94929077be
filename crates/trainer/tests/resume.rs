//! Interrupted trainings: what is saved, and that going on changes nothing.

mod support;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use support::{Place, evaluations, fail, logged, succeed, tensors, version_0};

fn model(folder: &Path) -> Vec<u8> {
    tensors(&folder.join("model.safetensors"))
}

/// 30 steps in one go, and 15 with 15 more, end with the same bits.
fn halves_make_a_whole(device: &str, set: &[&str]) {
    let place = Place::new();
    let set: Vec<_> = set.iter().flat_map(|change| ["--set", change]).collect();
    let train = |run: &str, more: &[&str]| {
        let more = [more, &set].concat();
        succeed(&mut place.train_on(device, run, &more))
    };
    train("whole", &["--steps", "30"]);
    train("halves", &["--steps", "15"]);
    train("halves", &["--steps", "30", "--resume"]);
    let whole = place.latest("whole").expect("a checkpoint");
    let halves = place.latest("halves").expect("a checkpoint");
    assert_eq!((whole.0, halves.0), (30, 30));
    for name in ["model.safetensors", "optimizer.safetensors"] {
        let [whole, halves] = [&whole, &halves].map(|(_, path)| tensors(&path.join(name)));
        assert!(whole == halves, "{name} differs");
        assert!(!whole.is_empty());
    }
    // The log of the two parts is that of the whole, but for the evaluation between them.
    let whole = evaluations(&place.log("whole"));
    let mut halves = evaluations(&place.log("halves"));
    halves.retain(|(step, ..)| *step != 15);
    assert_eq!(whole.iter().map(|(step, ..)| *step).collect::<Vec<_>>(), [0, 0, 20, 20, 30, 30]);
    assert_eq!(whole, halves);
    assert_eq!(logged(&place.log("halves"), "start", "step"), [0, 15]);
}

#[test]
fn halves_make_a_whole_on_the_cpu() {
    halves_make_a_whole("cpu", &[]);
}

/// Of a corpus that passes by in windows, too.
#[test]
fn halves_make_a_whole_of_windows() {
    halves_make_a_whole("cpu", &["train.window=100", "train.story_starts=0.5"]);
}

#[test]
fn halves_make_a_whole_with_average_and_cautious_decay() {
    let set = [
        "average=0.1",
        "weight_decay=0.1",
        "decay_schedule=rate",
        "cautious_decay=true",
        "muon.weight_decay=0.1",
        "muon.coefficients=polar-express",
    ];
    let set = set.map(|change| format!("optimizer.{change}"));
    let set: Vec<_> = set.iter().map(String::as_str).collect();
    halves_make_a_whole("cpu", &set);
    halves_make_a_whole("gpu", &set);
}

#[test]
fn halves_make_a_whole_on_a_gpu() {
    halves_make_a_whole("gpu", &[]);
}

/// A run that changes its device twice comes to what one on the CPU comes to, but for rounding.
#[test]
fn a_run_goes_on_on_another_device() {
    let place = Place::new();
    succeed(&mut place.train("whole", &["--steps", "24"]));
    for (device, steps) in [("cpu", "8"), ("gpu", "16"), ("cpu", "24")] {
        let more: &[&str] =
            if steps == "8" { &["--steps", steps] } else { &["--steps", steps, "--resume"] };
        succeed(&mut place.train_on(device, "moved", more));
    }
    let last = |run: &str| evaluations(&place.log(run)).pop().expect("an evaluation");
    let (whole, moved) = (last("whole"), last("moved"));
    assert_eq!((whole.0, moved.0), (24, 24));
    assert!((whole.2 - moved.2).abs() < 1e-3, "{whole:?} and {moved:?}");
}

/// What one adapter was measured to be fastest with, another may not be able to run.
#[test]
fn variants_of_another_adapter_do_no_harm() {
    let place = Place::new();
    succeed(&mut place.train("whole", &["--steps", "8"]));
    for (device, run) in [("cpu", "cpu"), ("gpu", "gpu")] {
        succeed(&mut place.train(run, &["--steps", "4"]));
        let (_, latest) = place.latest(run).expect("a checkpoint");
        let state = latest.join("state.json");
        let text = fs::read_to_string(&state).expect("a state");
        fs::write(&state, text.replace("\"tile\"", "\"subgroup\"")).expect("a state");
        succeed(&mut place.train_on(device, run, &["--steps", "8", "--resume"]));
        let last = |run: &str| evaluations(&place.log(run)).pop().expect("an evaluation");
        let (whole, moved) = (last("whole"), last(run));
        assert!((whole.2 - moved.2).abs() < 1e-3, "{device}: {whole:?} and {moved:?}");
    }
}

/// Checkpoints that the program wrote before their format had a number.
#[test]
fn old_checkpoints_are_resumed_used_and_exported() {
    let place = Place::new();
    let old = version_0();
    let kept = place.path("old/checkpoints/step-000004");
    fs::create_dir_all(&kept).expect("a folder");
    for entry in fs::read_dir(old.join("step-000004")).expect("a fixture").flatten() {
        fs::copy(entry.path(), kept.join(entry.file_name())).expect("a copy");
    }
    let stories = place.path("stories.txt");
    fs::copy(old.join("stories.txt"), &stories).expect("a copy");
    let run = place.path("old");
    for command in ["export", "sample", "eval"] {
        let mut trainer = support::trainer();
        trainer.arg(command).arg("--checkpoint").arg(&run);
        match command {
            "export" => trainer.arg("--out").arg(place.path("shipped")),
            "sample" => trainer.args(["--device", "cpu", "--gen-len", "4"]),
            _ => trainer.args(["--device", "cpu", "--batches", "1", "--data"]).arg(&stories),
        };
        succeed(&mut trainer);
    }
    // It has settings of its own, and does not say yet what it is trained on.
    let mut resume = support::trainer();
    resume.args(["train", "--resume", "--device", "cpu", "--steps", "8", "--out"]).arg(&run);
    fail(&mut resume, &["does not say what it is trained on", "--data"]);
    succeed(resume.arg("--data").arg(&stories));
    let then = evaluations(&old.join("eight-steps.jsonl"));
    let now = evaluations(&place.log("old"));
    assert_eq!(then.len(), now.len());
    for (then, now) in then.iter().zip(&now) {
        assert_eq!((then.0, &then.1), (now.0, &now.1));
        // The processor that wrote them may have rounded otherwise.
        assert!((then.2 - now.2).abs() < 1e-4, "{then:?} and {now:?}");
    }
}

/// The CPU has no subgroups, as most GPUs have none of the size that these variants need.
#[test]
fn a_run_goes_on_where_its_shader_variants_cannot_run() {
    let place = Place::new();
    succeed(&mut place.train("run", &["--steps", "2"]));
    let (_, checkpoint) = place.latest("run").expect("a checkpoint");
    let path = checkpoint.join("state.json");
    let state = fs::read_to_string(&path).expect("a state");
    assert!(state.contains("\"tile\""), "{state}");
    fs::write(&path, state.replace("\"tile\"", "\"subgroup\"")).expect("a changed state");
    let mut resumed = place.train("run", &["--steps", "4", "--resume"]);
    let output = resumed.env("RUST_LOG", "warn").output().expect("the program starts");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    assert!(error.contains("Subgroup") && error.contains("cannot run all of them"), "{error}");
    let (step, checkpoint) = place.latest("run").expect("a checkpoint");
    let state = fs::read_to_string(checkpoint.join("state.json")).expect("a state");
    assert!(step == 4 && !state.contains("subgroup"), "{state}");
}

#[test]
fn a_run_is_not_overwritten() {
    let place = Place::new();
    succeed(&mut place.train("run", &["--steps", "1"]));
    let before = model(&place.latest("run").expect("a checkpoint").1);
    fail(&mut place.train("run", &["--steps", "1"]), &["already holds a run", "--resume"]);
    assert!(before == model(&place.latest("run").expect("a checkpoint").1));
    fail(&mut place.train("none", &["--resume"]), &["there is no run in", "to resume"]);
}

#[test]
fn two_trainings_do_not_share_a_folder() {
    let place = Place::new();
    let mut first = place.train("run", &["--steps", "1000000"]).spawn().expect("it starts");
    wait_for(|| place.latest("run").is_some());
    fail(&mut place.train("run", &["--resume"]), &["another training is writing to"]);
    first.kill().and_then(|()| first.wait()).expect("it ends");
}

#[test]
#[cfg(unix)]
fn ctrl_c_saves_and_ends() {
    let place = Place::new();
    let child = place.train("run", &["--steps", "1000000", "--set", "checkpoint_every=999999"]);
    let mut child = { child }.spawn().expect("it starts");
    let log = place.path("run").join("log.jsonl");
    wait_for(|| log.is_file() && logged_step(&log) >= 10);
    let id = child.id().to_string();
    let sent = std::process::Command::new("kill").args(["-INT", &id]).status().expect("kill");
    assert!(sent.success());
    let status = child.wait().expect("it ends");
    assert!(status.success(), "{status}");
    let (step, _) = place.latest("run").expect("a checkpoint");
    assert_eq!(logged(&log, "end", "reason"), ["interrupted"]);
    assert_eq!(logged(&log, "end", "step"), [step]);
    succeed(&mut place.train("run", &["--resume", "--steps", &(step + 5).to_string()]));
    assert_eq!(place.latest("run").expect("a checkpoint").0, step + 5);
}

/// kill -9 at 15 moments: the newest checkpoint is whole every time, and no more than the steps
/// since it are lost; in the end the run has the bits of one that was never killed.
#[test]
fn a_killed_run_goes_on_from_its_newest_checkpoint() {
    const EVERY: u32 = 10;
    let place = Place::new();
    let often =
        ["--set", "checkpoint_every=10", "--set", "eval_every=1000", "--set", "log_every=1"];
    let log = place.log("run");
    let lines = |log: &Path| fs::read_to_string(log).map_or(0, |text| text.lines().count());
    let mut saved = 0;
    // From a generator of Lehmer's: the same moments in every run of the test, however fast the
    // machine is.
    let mut random = 20_241_124_u64;
    for _ in 0..15 {
        random = random * 48_271 % 0x7fff_ffff;
        let mut more = vec!["--steps", "1000000"];
        more.extend(often);
        if place.path("run").is_dir() {
            more.push("--resume");
        }
        let latest = place.latest("run").map(|(_, path)| path.join("log.jsonl"));
        // A checkpoint is written every 12 lines: 10 steps and 2 evaluations.
        let until = latest.as_deref().map_or(0, lines) + 1 + (random % 30) as usize;
        // The old log is longer, until the new part of the run begins it again.
        let _ = fs::remove_file(&log);
        let mut child = place.train("run", &more).spawn().expect("it starts");
        wait_for(|| lines(&log) >= until);
        child.kill().and_then(|()| child.wait()).expect("it was still running");
        let step = place.latest("run").map_or(0, |(step, _)| step);
        assert!(step >= saved, "step {step} after {saved}");
        let reached = logged_step(&log);
        assert!(reached <= step + EVERY, "{reached} steps were done, {step} are saved");
        saved = step;
    }
    assert!(saved > 0, "no part of the run reached a checkpoint");
    let steps = (saved + 5).to_string();
    let mut more = vec!["--steps", steps.as_str()];
    more.extend(often);
    succeed(&mut place.train("whole/run", &more));
    more.push("--resume");
    succeed(&mut place.train("run", &more));
    let [whole, killed] =
        ["whole/run", "run"].map(|run| place.latest(run).expect("a checkpoint").1);
    assert!(model(&whole) == model(&killed), "being killed changed the parameters");
}

/// The last step in a log, whose last line may be cut.
fn logged_step(log: &Path) -> u32 {
    let text = fs::read_to_string(log).unwrap_or_default();
    let mut steps = text.lines().filter_map(|line| {
        let object: serde_json::Value = serde_json::from_str(line).ok()?;
        (object["event"] == "step").then(|| object["step"].as_u64())?
    });
    steps.next_back().unwrap_or_default() as u32
}

#[track_caller]
fn wait_for(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing happened for a minute");
        std::thread::sleep(Duration::from_millis(5));
    }
}
