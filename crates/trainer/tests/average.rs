//! The running average of the weights: kept in checkpoints, taken by eval, sample, export and fine-tuning.

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::{Place, fail, succeed, trainer};

#[test]
fn averages_are_taken_unless_the_latest_weights_are_wanted() {
    let place = Place::new();
    let average = ["--steps", "60", "--set", "optimizer.average=0.1"];
    succeed(&mut place.train("averaged", &average));
    succeed(&mut place.train("plain", &["--steps", "60"]));
    let on_run = |command: &str, run: &str, more: &[&str]| {
        let mut program = trainer();
        program.arg(command).arg("--checkpoint").arg(place.path(run)).args(more);
        program
    };
    let data = place.path("stories.txt");
    let data = data.to_str().expect("a path in UTF-8");
    let eval = |run: &str, more: &[&str]| {
        let more =
            [&["--device", "cpu", "--batches", "4", "--json", "--data", data], more].concat();
        let printed = succeed(&mut on_run("eval", run, &more));
        serde_json::from_str::<Value>(&printed).expect("JSON")[0].clone()
    };
    let bits = |report: &Value| report["bits_per_byte"].as_f64().expect("a number");
    let (taken, latest) = (eval("averaged", &[]), eval("averaged", &["--weights", "latest"]));
    let plain = eval("plain", &[]);
    assert_eq!([&taken, &latest, &plain].map(|report| &report["averaged"]), [true, false, false]);
    // The average changes nothing of the training, and is another network.
    assert_eq!(bits(&latest), bits(&plain));
    assert_ne!(bits(&taken), bits(&latest));
    assert_eq!(bits(&taken), bits(&eval("averaged", &["--weights", "average"])));

    let sample = |more: &[&str]| {
        let more = [&["--device", "cpu", "--temperature", "1", "--gen-len", "12"], more].concat();
        succeed(&mut on_run("sample", "averaged", &more))
    };
    assert_eq!(sample(&[]), sample(&["--weights", "average"]));
    sample(&["--weights", "latest"]);

    let export = |name: &str, more: &[&str]| {
        let out = place.path(name);
        let printed = succeed(on_run("export", "averaged", more).arg("--out").arg(&out));
        (printed, fs::read(out.join("model.safetensors")).expect("a model"))
    };
    let (said, averaged) = export("shipped", &[]);
    assert!(said.contains("of step 60 (averaged)"), "{said}");
    let (said, last) = export("last", &["--weights", "latest"]);
    assert!(!said.contains("averaged") && averaged != last, "{said}");
    assert!((bits(&eval("shipped", &[])) - bits(&taken)).abs() < 2e-3);

    let none = ["has no averaged weights beside it", "leave out `--weights average`"];
    fail(&mut on_run("sample", "plain", &["--weights", "average"]), &none);
    let (_, latest) = place.latest("averaged").expect("a checkpoint");
    cut(&latest.join("optimizer.safetensors"));
    let damaged = ["do without by `--weights latest`", "not a complete safetensors file"];
    fail(&mut on_run("sample", "averaged", &[]), &damaged);
    sample(&["--weights", "latest"]);
}

/// Removes the last byte of a file.
fn cut(path: &Path) {
    let bytes = fs::read(path).expect("a file");
    fs::write(path, &bytes[..bytes.len() - 1]).expect("a shorter file");
}
