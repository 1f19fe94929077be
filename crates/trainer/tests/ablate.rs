//! `ablate`: a matrix of runs that is killed in the middle and goes on, its report, and bad input.

mod support;

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use support::{Place, fail, succeed, trainer};

/// Two objectives with two seeds.
fn file(place: &Place) -> String {
    format!(
        r#"
title = "Spans"
about = "Are spans better?"
base = "{}"
set = ["steps=40", "keep=1"]
seeds = [1, 2]
batches = 1
[[axis]]
name = "stories"
values = [{{ name = "90 stories", stories = 90 }}]
[[axis]]
name = "objective"
values = [{{ name = "masked" }}, {{ name = "span", set = ["objective=span"] }}]
[judge]
texts = 6
given = 4
steps = [2, 4]
temperatures = [0.5, 1.0]
"#,
        place.path("test.toml").display()
    )
}

fn ablate(place: &Place, out: &str) -> Command {
    let mut command = trainer();
    command.arg("ablate").arg(place.path("spans.toml"));
    command.arg("--data").arg(place.path("stories.txt")).arg("--out").arg(place.path(out));
    command.args(["--device", "cpu"]);
    command
}

/// `runs.csv` of a report without the column of seconds.
fn numbers(place: &Place, report: &str) -> Vec<Vec<String>> {
    let csv = fs::read_to_string(place.path(report).join("runs.csv")).expect("a table");
    let rows = csv.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let seconds = csv.split(',').position(|name| name == "seconds").expect("a column");
    rows.map(|mut row| {
        row.remove(seconds);
        row
    })
    .collect()
}

#[test]
fn a_killed_ablation_goes_on_and_comes_to_the_same() {
    let place = Place::new();
    fs::write(place.path("spans.toml"), file(&place)).expect("a file");
    let said = succeed(ablate(&place, "whole").arg("--report").arg(place.path("report")));
    for part in ["run 1 of 4  90 stories, masked, seed 1", "run 4 of 4", " left", "done: "] {
        assert!(said.contains(part), "`{part}`: {said}");
    }

    let mut killed = ablate(&place, "killed").stdout(Stdio::null()).spawn().expect("it starts");
    let second = place.path("killed/runs/90-stories-masked-seed2/checkpoints/step-000020");
    let begun = Instant::now();
    while !second.exists() {
        assert!(begun.elapsed() < Duration::from_secs(300), "it does not come to its second run");
        thread::sleep(Duration::from_millis(2));
    }
    killed.kill().expect("it runs");
    killed.wait().expect("it ends");
    let first = place.path("killed/results/90-stories-masked-seed1.json");
    let written =
        |path| -> SystemTime { fs::metadata(path).expect("kept").modified().expect("a time") };
    let before = written(&first);
    let said = succeed(&mut ablate(&place, "killed"));
    assert!(!said.contains("run 1 of 4") && said.contains("run 2 of 4"), "{said}");
    assert!(said.contains("step 20 of 40") || said.contains("run 3 of 4"), "{said}");
    assert_eq!(written(&first), before, "what is done stays");
    let rows = numbers(&place, "report");
    assert_eq!(rows, numbers(&place, "killed/report"));
    assert_eq!(rows.len(), 5);
    assert_eq!(rows[3][..3], ["90 stories", "span", "1"]);
    // The runs are folders as `train` makes them.
    let run = place.path("killed/runs/90-stories-span-seed1");
    assert!(run.join("loss.png").is_file() && run.join("settings.toml").is_file());

    let text = fs::read_to_string(place.path("report/README.md")).expect("a report");
    for part in [
        "# Spans",
        "Are spans better?",
        "| 90 stories | span |",
        "180 stories to train on, 20 held out",
        "![Held-out text, bits per byte (band: all seeds), tokens](bits-by-tokens-90-stories.svg)",
        "| 90 stories, masked, 2 steps, T = 0.5 | 12 |",
        "| held-out stories |",
        "told from real text, AUC",
        "## Samples",
    ] {
        assert!(text.contains(part), "`{part}`: {text}");
    }
    assert!(!text.contains(&place.path("").display().to_string()), "a path of this machine");
    for name in ["bits-by-step-90-stories", "bits-by-time-90-stories", "judge-passes"] {
        let png = fs::read(place.path("report").join(format!("{name}.png"))).expect("a picture");
        assert!(png.starts_with(b"\x89PNG"));
        assert!(text.contains(&format!("({name}.svg)")), "{name}");
    }
    let curves = fs::read_to_string(place.path("report/curves.csv")).expect("a table");
    assert_eq!(curves.lines().count(), 1 + 4 * 3, "steps 0, 20 and 40 of four runs");

    // A reader says more of the same runs, and nothing is trained again.
    let causal = ["--set", "objective=autoregressive", "--set", "timestep_embedding=false"];
    succeed(&mut place.train("causal", &causal));
    let said = succeed(ablate(&place, "whole").arg("--reader").arg(place.path("causal")));
    assert!(!said.contains("run "), "{said}");
    let text = fs::read_to_string(place.path("whole/report/README.md")).expect("a report");
    assert!(text.contains("nats per byte under the reader") && text.contains("judge-reader.svg"));

    // What would make other runs of these is refused.
    let change = |from: &str, to: &str| {
        let text = file(&place);
        assert!(text.contains(from));
        fs::write(place.path("spans.toml"), text.replace(from, to)).expect("a file");
    };
    change("keep=1", "keep=1\", \"optimizer.lr=0.5");
    fail(&mut ablate(&place, "whole"), &["with other settings", "choose another `--out`"]);
    change("Spans", "Phrases");
    fail(&mut ablate(&place, "whole"), &["holds another ablation", "choose another `--out`"]);
}

#[test]
fn bad_input_gets_one_sentence() {
    let place = Place::new();
    fail(&mut ablate(&place, "out"), &["spans.toml", "cannot use the ablation"]);
    let with = |from: &str, to: &str| {
        fs::write(place.path("spans.toml"), file(&place).replace(from, to)).expect("a file");
        ablate(&place, "out")
    };
    fail(&mut with("stories = 90", "stories = 900"), &["asks for 900 stories", "has 180"]);
    fs::remove_dir_all(place.path("out")).expect("the folder of that");
    fail(&mut with("given = 4", "given = 16"), &["`judge.given` is 16", "give fewer"]);
    fail(&mut with("objective=span", "objective=hint"), &["90 stories, span", "hint"]);
    assert!(!place.path("out").exists(), "nothing is begun");
    fs::create_dir(place.path("out")).expect("a folder");
    fs::write(place.path("out/letter.txt"), "Dear Tom").expect("a file");
    fail(&mut with("stories = 90", "stories = 9"), &["is no folder of an ablation", "--out"]);
}
