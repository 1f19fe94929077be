//! Where results go: pipes that close, disks that are full, signals, and files with odd names.
#![cfg(unix)]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::{Place, fail, logged, succeed, trainer};

/// `command` with its standard output (1) or standard error (2) sent elsewhere by a shell.
fn redirected(command: &Command, redirection: &str) -> Command {
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("set -o pipefail; \"$0\" \"$@\" {redirection}")]);
    shell.arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    shell
}

fn wait_for(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing happened for a minute");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn signal(name: &str, id: u32) {
    let sent = Command::new("kill").args([name, &id.to_string()]).status().expect("kill");
    assert!(sent.success());
}

/// A place with a trained model in `run` and a trace of it.
fn trained() -> Place {
    let place = Place::new();
    succeed(&mut place.train("run", &["--steps", "2"]));
    succeed(sample(&place).args(["--trace", "t.json"]));
    place
}

fn sample(place: &Place) -> Command {
    let mut command = trainer();
    command.current_dir(place.path("")).args(["sample", "--device", "cpu", "--checkpoint", "run"]);
    command.args(["--gen-len", "6", "--steps", "3"]);
    command
}

fn render(place: &Place, more: &[&str]) -> Command {
    let mut command = trainer();
    command.current_dir(place.path("")).args(["render", "t.json", "--size", "320x180"]);
    command.args(["--fps", "5"]).args(more);
    command
}

/// Names in a folder, hidden ones included.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let mut names: Vec<_> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Whether a video can be played to its end.
fn plays(file: &Path) -> bool {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-i"]).arg(format!("file:{}", file.display()));
    let output = ffmpeg.args(["-f", "null", "-"]).output().expect("ffmpeg");
    output.status.success() && output.stderr.is_empty()
}

#[test]
fn a_closed_pipe_ends_a_training_and_saves_it() {
    let place = Place::new();
    let long = ["--steps", "1000000", "--set", "checkpoint_every=1000000"];
    let train = place.train("run", &[&long[..], &["--set", "eval_every=5"]].concat());
    succeed(&mut redirected(&train, "| head -5 >/dev/null"));
    assert!(place.latest("run").is_some());
    assert_eq!(logged(&place.log("run"), "end", "reason"), ["interrupted"]);
}

#[test]
fn a_full_standard_output_is_said_once_and_does_no_harm() {
    let place = Place::new();
    let train = place.train("run", &["--steps", "10", "--set", "eval_every=1"]);
    let output = redirected(&train, ">/dev/full").output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches("cannot write to standard output").count(), 1, "{said}");
    assert_eq!(place.latest("run").map(|(step, _)| step), Some(10));
    // The text is what `sample` is for: without it, it has failed.
    fail(
        &mut redirected(&sample(&place), "2>&1 >/dev/full | grep error >&2; exit 1"),
        &["standard output"],
    );
}

#[test]
fn nobody_has_to_listen() {
    let place = trained();
    let mut tokenizer = trainer();
    tokenizer.current_dir(place.path("")).args(["tokenizer", "--input", "stories.txt"]);
    tokenizer.args(["--vocab-size", "300", "--output", "made.json"]);
    succeed(&mut redirected(&tokenizer, "| true"));
    for command in [&mut sample(&place), &mut render(&place, &["--png", "p.png"])] {
        succeed(&mut redirected(command, "2>/dev/full"));
        succeed(&mut redirected(command, "| true"));
    }
    assert!(place.path("p.png").is_file());
    fail(
        &mut redirected(
            &render(&place, &["--png", "no/p.png"]),
            "2>/dev/full; echo failed >&2; exit 1",
        ),
        &["failed"],
    );
}

#[test]
fn two_signals_at_once_are_one_wish() {
    let place = Place::new();
    let long = ["--steps", "1000000", "--set", "checkpoint_every=1000000"];
    for (run, names) in
        [("a", ["-TERM", "-TERM"]), ("b", ["-TERM", "-HUP"]), ("c", ["-INT", "-TERM"])]
    {
        let mut child = place.train(run, &long).stdout(Stdio::null()).spawn().expect("it starts");
        let log = place.log(run);
        wait_for(|| fs::read_to_string(&log).is_ok_and(|text| text.contains("\"step\"")));
        wait_for(|| logged_steps(&log) > 0);
        for name in names {
            signal(name, child.id());
        }
        assert!(child.wait().expect("it ends").success(), "{names:?}");
        assert!(place.latest(run).is_some(), "{names:?}");
    }
}

fn logged_steps(log: &Path) -> usize {
    fs::read_to_string(log).unwrap_or_default().matches("\"event\":\"step\"").count()
}

#[test]
fn an_interruption_leaves_nothing_half_written() {
    let place = Place::new();
    let folder = place.path("out");
    fs::create_dir(&folder).expect("a folder");
    let data = || {
        let mut command = trainer();
        command.current_dir(&folder).stderr(Stdio::null());
        command.args(["data", "--source", "grammar", "--num-stories", "100000000"]);
        command.args(["--output", "s.txt"]).spawn().expect("it starts")
    };
    for name in ["-INT", "-TERM", "-HUP"] {
        let mut child = data();
        wait_for(|| names(&folder).len() == 1);
        signal(name, child.id());
        assert!(!child.wait().expect("it ends").success());
        assert_eq!(names(&folder), [""; 0], "{name}");
    }
    // What could not be removed, the next command that writes this file removes.
    let mut child = data();
    wait_for(|| names(&folder).len() == 1);
    child.kill().and_then(|()| child.wait()).expect("it was running");
    let left = folder.join(&names(&folder)[0]);
    let old = std::time::SystemTime::now() - Duration::from_secs(60);
    fs::File::options().write(true).open(left).and_then(|f| f.set_modified(old)).expect("a time");
    let mut command = trainer();
    command.current_dir(&folder).args(["data", "--source", "grammar", "--num-stories", "3"]);
    succeed(command.args(["--output", "s.txt"]));
    assert_eq!(names(&folder), ["s.txt"]);
}

#[test]
fn the_text_comes_before_what_can_fail() {
    let place = trained();
    // Known before the writing begins.
    fail(sample(&place).args(["--viz-gif", "no/such/folder.gif"]), &["its folder does not exist"]);
    fail(sample(&place).args(["--viz-gif", "a", "--trace", "./a"]), &["is to be written twice"]);
    // A full disk shows in the end.
    let output = sample(&place).args(["--viz-gif", "/dev/full"]).output().expect("it starts");
    assert!(!output.status.success() && !output.stdout.is_empty());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("cannot write /dev/full: the disk is full"), "{said}");
}

#[test]
fn videos_go_where_other_files_go() {
    let place = trained();
    for name in ["12:30/a.mp4", "a:b.mp4", "-d/a.mp4", "with space/ä 文.mp4"] {
        let path = place.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        succeed(&mut render(&place, &[&format!("--mp4={name}")]));
        assert!(plays(&path), "{name}");
    }
    fs::write(place.path("real"), "old").expect("a file");
    std::os::unix::fs::symlink("real", place.path("link.mp4")).expect("a link");
    succeed(&mut render(&place, &["--mp4", "link.mp4"]));
    assert!(fs::symlink_metadata(place.path("link.mp4")).expect("a link").is_symlink());
    assert!(plays(&place.path("real")));
    // Through a pipe.
    succeed(&mut redirected(&render(&place, &["--mp4", "-"]), ">piped.mp4"));
    succeed(&mut redirected(&render(&place, &["--mp4", "/dev/stdout"]), "| cat >piped2.mp4"));
    assert!(plays(&place.path("piped.mp4")) && plays(&place.path("piped2.mp4")));
    // A trace, too, may be piped.
    let mut piped = trainer();
    piped.current_dir(place.path("")).args(["render", "-", "--size", "320x180", "--png", "p.png"]);
    succeed(&mut redirected(&piped, "<t.json"));
    for kind in ["mp4", "gif", "png"] {
        let name = format!("no/a.{kind}");
        let sentence = format!("cannot write {name}: its folder does not exist; create it first");
        fail(&mut render(&place, &[&format!("--{kind}"), &name]), &[&sentence]);
    }
    fail(&mut render(&place, &["--png", "t.json"]), &["is read, so it cannot be written to"]);
    assert!(!names(&place.path("")).iter().any(|name| name.ends_with(".part")));
}

/// ffmpeg may say nothing and end with success where its disk is full; what it wrote says the truth.
#[test]
fn a_broken_video_does_not_replace_a_good_one() {
    use std::os::unix::fs::PermissionsExt;
    let place = trained();
    succeed(&mut render(&place, &["--mp4", "a.mp4"]));
    let good = fs::read(place.path("a.mp4")).expect("a video");
    let tools = place.path("tools");
    fs::create_dir(&tools).expect("a folder");
    let real = Command::new("sh").args(["-c", "command -v ffmpeg"]).output().expect("sh").stdout;
    let real = String::from_utf8(real).expect("a path").trim().to_owned();
    // Cuts off the end, as a full disk does.
    let script = format!(
        "#!/bin/sh\nPATH=/usr/bin:/bin\n{real} \"$@\" || exit\nfor last; do :; done\nfile=${{last#file:}}\ntruncate -s -9 \"$file\"\n"
    );
    let fake = tools.join("ffmpeg");
    fs::write(&fake, script).expect("a script");
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).expect("executable");
    fail(render(&place, &["--mp4", "a.mp4"]).env("PATH", &tools), &["could not write a.mp4"]);
    assert!(good == fs::read(place.path("a.mp4")).expect("a video"));
    assert!(!names(&place.path("")).iter().any(|name| name.ends_with(".part")));
}

/// A corpus may come through a pipe, and is then read once.
#[test]
fn inputs_may_be_pipes() {
    let place = Place::new();
    let mut command = trainer();
    command.current_dir(place.path("")).args(["train", "--config", "test.toml", "--data", "-"]);
    command.args(["--device", "cpu", "--steps", "2", "--out", "run"]);
    succeed(&mut redirected(&command, "<stories.txt"));
    assert_eq!(place.latest("run").map(|(step, _)| step), Some(2));
    // What a pipe brought cannot be read again.
    command.arg("--resume");
    fail(&mut redirected(&command, "<test.toml"), &["is not the text that the run began with"]);
}
