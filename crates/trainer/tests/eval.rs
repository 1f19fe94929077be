//! `eval` and `export`: metrics of a small trained network, alone and side by side, and what bad
//! input gets.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use support::{Place, fail, patched, strange_cards, succeed, trainer};

/// `trainer eval` of a run of `place` on its corpus.
fn eval(place: &Place, checkpoints: &[&Path], more: &[&str]) -> Command {
    let mut command = trainer();
    command.arg("eval");
    for checkpoint in checkpoints {
        command.arg("--checkpoint").arg(checkpoint);
    }
    command.args(["--device", "cpu", "--batches", "4"]);
    if !more.contains(&"--text") {
        command.arg("--data").arg(place.path("stories.txt"));
    }
    command.args(more);
    command
}

fn number(report: &Value, key: &str) -> f64 {
    report[key].as_f64().unwrap_or_else(|| panic!("`{key}` is no number in {report}"))
}

#[test]
fn training_shows_in_every_metric() {
    let place = Place::new();
    succeed(&mut place.train("new", &["--steps", "1", "--set", "optimizer.lr=1e-9"]));
    succeed(&mut place.train("trained", &["--steps", "300"]));
    let (new, trained) = (place.path("new"), place.path("trained"));
    let picture = place.path("entropy.png");
    let picture = picture.to_str().expect("a path in UTF-8");
    let corpus = place.path("stories.txt");
    let corpus = corpus.to_str().expect("a path in UTF-8");
    let more = ["--json", "--plot", picture, "--train-data", corpus];
    let printed = succeed(&mut eval(&place, &[&new, &trained], &more));
    let reports: Value = serde_json::from_str(&printed).expect("JSON");
    let (new, trained) = (&reports[0], &reports[1]);

    // A new network guesses among 300 tokens.
    let guessing = 300f64.ln();
    assert!((number(new, "masked_loss") / guessing - 1.0).abs() < 0.02, "{new}");
    assert!((number(new, "masked_perplexity") - number(new, "masked_loss").exp()).abs() < 1e-9);
    for (key, factor) in [("masked_loss", 0.7), ("bits_per_byte", 0.7)] {
        let (before, after) = (number(new, key), number(trained, key));
        assert!(after < factor * before, "{key}: {before}, then {after}");
    }
    assert!(number(trained, "accuracy") > 0.08 + number(new, "accuracy"), "{trained}");
    assert!(number(trained, "bits_per_byte_error") < 0.5 * number(trained, "bits_per_byte"));
    let entropies: Vec<f64> = trained["entropy_per_timestep"]
        .as_array()
        .expect("entropies")
        .iter()
        .filter_map(Value::as_f64)
        .collect();
    assert_eq!(entropies.len(), 10);
    // With everything masked there is less to go by than with hardly anything.
    assert!(entropies[9] > entropies[0], "{entropies:?}");
    for key in ["change_rate", "distinct_1", "distinct_2", "distinct_3", "overlap_13"] {
        assert!((0.0..=1.0).contains(&number(trained, key)), "{key} in {trained}");
    }
    let png = fs::read(picture).expect("a picture");
    assert!(png.starts_with(b"\x89PNG"));
}

#[test]
fn models_stand_side_by_side_on_any_text() {
    let place = Place::new();
    succeed(&mut place.train("one", &["--steps", "20"]));
    succeed(&mut place.train("two", &["--steps", "40"]));
    let text = place.path("other.txt");
    fs::write(&text, "Anna had a cake. Ben saw the cake and was happy. ".repeat(20)).expect("text");
    let text = text.to_str().expect("a path in UTF-8");
    let models = [&*place.path("one"), &*place.path("two")];
    let printed = succeed(&mut eval(&place, &models, &["--text", text]));
    let line =
        |label: &str| printed.lines().find(|line| line.starts_with(label)).map(str::to_owned);
    let names = line("model").expect("names");
    assert!(names.contains("one") && names.contains("two"), "{names}");
    for label in ["masked perplexity", "token change rate", "distinct-2", "bits per byte"] {
        assert!(line(label).is_some(), "`{label}` is not in:\n{printed}");
    }
    assert_eq!(printed.matches("entropy per timestep, ").count(), 2, "{printed}");
    // The same masks each time: the same numbers.
    assert_eq!(printed, succeed(&mut eval(&place, &models, &["--text", text])));

    // Other masks, other losses; without a name those of the training, here `cosine2`.
    let loss = |schedule: &str, more: &[&str]| {
        let more = [&["--text", text, "--json"], more].concat();
        let printed = succeed(&mut eval(&place, &[&place.path("two")], &more));
        let reports: Value = serde_json::from_str(&printed).expect("JSON");
        assert_eq!(reports[0]["schedule"], schedule);
        number(&reports[0], "masked_loss")
    };
    let trained = loss("cosine2", &[]);
    assert_eq!(loss("cosine2", &["--schedule", "cosine2"]), trained);
    assert_ne!(loss("linear", &["--schedule", "linear"]), trained);
    assert_ne!(loss("cosine", &["--schedule", "cosine"]), trained);
    let output = eval(&place, &models, &["--schedule", "steep"]).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("cosine, cosine2, linear"), "{said}");
}

#[test]
fn bad_input_gets_one_sentence() {
    let place = Place::new();
    succeed(&mut place.train("run", &["--steps", "2"]));
    let run = place.path("run");
    let (_, latest) = place.latest("run").expect("a checkpoint");
    let missing = place.path("missing");
    fail(&mut eval(&place, &[&missing], &[]), &["missing", "does not exist"]);
    let empty = place.path("empty");
    fs::create_dir(&empty).expect("a folder");
    fail(&mut eval(&place, &[&empty], &[]), &["empty", "holds no checkpoint"]);

    let text = place.path("other.txt");
    for (bytes, parts) in [
        (&b""[..], &["other.txt", "corpus is empty"][..]),
        (b"Tom.", &["held-out text has", "tokens"]),
        (b"Tom had a ball.\xff", &["other.txt", "UTF-8"]),
    ] {
        fs::write(&text, bytes).expect("text");
        let text = text.to_str().expect("a path in UTF-8");
        fail(&mut eval(&place, &[&run], &["--text", text]), parts);
    }

    succeed(&mut place.train("other", &["--steps", "1", "--set", "vocab_size=280"]));
    let other = place.path("other").join("tokenizer.json");
    let other = other.to_str().expect("a path in UTF-8");
    fail(
        &mut eval(&place, &[&run], &["--tokenizer", other]),
        &["the tokenizer has 280 tokens and the model 300"],
    );

    let path = latest.join("model.safetensors");
    let whole = fs::read(&path).expect("a model");
    let mut model = model::Checkpoint::from_safetensors(&whole).expect("a checkpoint");
    fs::write(&path, &whole[..whole.len() - 1]).expect("a model");
    fail(&mut eval(&place, &[&run], &[]), &["not a complete safetensors file"]);
    for (change, part) in strange_cards() {
        fs::write(&path, patched(&whole, change)).expect("a model");
        let sentence = ["model.safetensors", part];
        fail(&mut eval(&place, &[&run], &[]), &sentence);
        let mut export = trainer();
        export.arg("export").arg("--checkpoint").arg(&run).arg("--out").arg(place.path("shipped"));
        fail(&mut export, &sentence);
        let init = run.to_str().expect("a path in UTF-8");
        fail(&mut place.train("tuned", &["--init", init]), &sentence);
        for nothing in ["shipped", "tuned"] {
            assert!(!place.path(nothing).exists(), "{nothing} was written");
        }
    }
    model.values[0] = f32::INFINITY;
    let broken = model.to_safetensors(model::Precision::F16).expect("a safetensors file");
    fs::write(&path, broken).expect("a model");
    fail(&mut eval(&place, &[&run], &[]), &["`token_emb.weight`", "not a number"]);
}

#[test]
fn an_exported_model_is_small_and_equal() {
    let place = Place::new();
    succeed(&mut place.train("run", &["--steps", "100"]));
    let shipped = place.path("models/tiny-tales");
    let list = place.path("models/models.json");
    fs::create_dir(place.path("models")).expect("a folder");
    fs::write(&list, "{}").expect("no list");
    let export = || {
        let mut export = trainer();
        export.arg("export").arg("--checkpoint").arg(place.path("run")).arg("--out").arg(&shipped);
        export
    };
    fail(&mut export(), &["models.json is not a list of models"]);
    assert!(!shipped.exists(), "nothing is written before that");
    let told = "\"about\": \"Short.\", \"licence\": \"MIT\"";
    let old = format!(
        "[{{\"id\": \"other\", \"name\": \"Other\", \"about\": \"\", \"checkpoint\": \"o\", \"tokenizer\": \"t\", \
         \"check\": {{\"tokens\": [1], \"expected\": []}}}}, \
         {{\"id\": \"tiny-tales\", \"name\": \"Tales\", {told}, \"checkpoint\": \"\", \"tokenizer\": \"\"}}]"
    );
    fs::write(&list, &old).expect("a list");
    let mut export = export();
    export.args(["--sampler", "threshold", "--temperature", "0.5"]);
    let printed = succeed(&mut export);
    assert!(printed.contains("`tiny-tales`"), "{printed}");
    for name in ["tokenizer.json", "settings.toml", "log.jsonl", "loss.png", "loss.svg"] {
        assert!(shipped.join(name).is_file(), "{name} is missing");
    }
    // The page's list has the model's files and objective, and what people wrote.
    let parsed = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let mut expected = parsed(&old);
    let sum = |name| corpus::cache::sha256(&fs::read(shipped.join(name)).expect("a file"));
    for (member, value) in [
        ("objective", Value::from("masked")),
        ("checkpoint", "tiny-tales/model.safetensors".into()),
        ("tokenizer", "tiny-tales/tokenizer.json".into()),
        (
            "sha256",
            json!({"checkpoint": sum("model.safetensors"), "tokenizer": sum("tokenizer.json")}),
        ),
        ("examples", json!([])),
    ] {
        expected[1][member] = value;
    }
    expected[0]["examples"] = json!([]);
    assert_eq!(parsed(&fs::read_to_string(&list).expect("a list")), expected);
    let (_, latest) = place.latest("run").expect("a checkpoint");
    let size = |folder: &Path| {
        fs::metadata(folder.join("model.safetensors")).expect("a model").len() as f64
    };
    assert!(size(&shipped) < 0.7 * size(&latest));

    // The best checkpoint is shipped; half precision hardly changes its loss.
    let models = [&*shipped, &*place.path("run")];
    let printed = succeed(&mut eval(&place, &models, &["--json"]));
    let reports: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(reports[0]["name"], "tiny-tales");
    let losses = [0, 1].map(|i| number(&reports[i], "masked_loss"));
    assert!((losses[0] / losses[1] - 1.0).abs() < 2e-3, "{losses:?}");
    let mut export = trainer();
    export.arg("export").arg("--checkpoint").arg(place.path("none")).arg("--out").arg(&shipped);
    fail(&mut export, &["none", "does not exist"]);
}
