//! `train` from beginning to end: what it learns and what it leaves in the run's folder.

mod support;

use std::fs;

use support::{BLOCK, Place, VOCABULARY, evaluations, fail, logged, succeed};

#[test]
fn a_run_learns_and_leaves_everything() {
    let place = Place::new();
    let more = ["--steps", "200", "--set", "data.entropy=0.25"];
    let printed = succeed(&mut place.train("run", &more));
    let run = place.path("run");
    let log = run.join("log.jsonl");

    // A new network knows nothing: its first loss is that of a uniform guess, within 2%.
    let vocabulary = logged(&log, "start", "parameters").len();
    assert_eq!(vocabulary, 1);
    let losses: Vec<f64> =
        logged(&log, "evaluation", "loss").iter().filter_map(|loss| loss.as_f64()).collect();
    let uniform = (VOCABULARY as f64).ln();
    for loss in &losses[..2] {
        assert!((loss / uniform - 1.0).abs() < 0.02, "{loss}, ln V is {uniform}");
    }
    let last = losses.last().expect("evaluations");
    assert!(*last < 0.6 * uniform, "the loss fell only from {uniform} to {last}");
    // One evaluation of each split before the first step and after every 20.
    assert_eq!(losses.len(), 2 * 11);
    let steps: Vec<u64> = logged(&log, "step", "step").iter().filter_map(|s| s.as_u64()).collect();
    assert_eq!(steps, (1..=40).map(|i| 5 * i).collect::<Vec<_>>());
    assert_eq!(logged(&log, "sample", "step").len(), 5);
    assert_eq!(logged(&log, "end", "reason"), ["complete"]);
    assert!(printed.contains("sample: "), "{printed}");

    let bits: Vec<f64> =
        logged(&log, "evaluation", "bits_per_byte").iter().filter_map(|b| b.as_f64()).collect();
    assert_eq!(bits.len(), losses.len());
    assert!(bits[bits.len() - 1] < 0.6 * bits[1], "{bits:?}");
    assert_eq!(logged(&log, "start", "entropy"), [0.25]);
    let curve = fs::read_to_string(run.join("bits.svg")).expect("a curve");
    assert!(curve.contains("no model can do better"), "{curve}");

    for name in ["settings.toml", "tokenizer.json", "loss.png", "loss.svg", "bits.png", "bits.svg"]
    {
        assert!(run.join(name).is_file(), "{name} is missing");
    }
    let events = fs::read_dir(&run).expect("the run's folder").flatten();
    let events: Vec<_> =
        events.filter(|entry| entry.file_name().to_string_lossy().contains("tfevents")).collect();
    assert_eq!(events.len(), 1);

    // The newest two and the best are kept.
    let checkpoints = fs::read_dir(run.join("checkpoints")).expect("checkpoints").count();
    assert!((2..=3).contains(&checkpoints), "{checkpoints} checkpoints");
    let (step, latest) = place.latest("run").expect("a checkpoint");
    assert_eq!(step, 200);
    for name in [
        "model.safetensors",
        "optimizer.safetensors",
        "state.json",
        "tokenizer.json",
        "settings.toml",
        "log.jsonl",
    ] {
        assert!(latest.join(name).is_file(), "{name} is missing");
    }
    let bytes = fs::read(latest.join("model.safetensors")).expect("a model");
    let model = model::Checkpoint::from_safetensors(&bytes).expect("a checkpoint");
    assert_eq!((model.config.vocab_size, model.config.block_size), (VOCABULARY, BLOCK));
    let card = model::Card {
        objective: model::Objective::Masked,
        schedule: model::Schedule::Cosine2,
        name: Some("run".to_owned()),
        step: Some(200),
        end_of_text: Some(3),
        sampling: None,
        check: None,
    };
    assert_eq!(model.card, card);
}

#[test]
fn explain_prints_the_step_and_writes_nothing() {
    let place = Place::new();
    let printed = succeed(&mut place.train("run", &["--explain"]));
    for part in ["embed_forward", "MFLOP", "adamw", "launches", "device memory"] {
        assert!(printed.contains(part), "`{part}` is not in:\n{printed}");
    }
    // Every launch stands under the part of the step that it belongs to.
    let title = |line: &&str| {
        !line.is_empty() && !line.starts_with(' ') && !line.contains(char::is_numeric)
    };
    let mut lines = printed.lines().skip(1);
    assert_eq!(lines.next(), Some("batch"), "{printed}");
    let titles: Vec<&str> = lines.filter(|line| title(line) || line.contains(", block ")).collect();
    assert_eq!(
        titles,
        [
            "forward, embedding",
            "forward, block 0",
            "forward, output norm",
            "backward, output layer",
            "backward, block 0",
            "backward, embedding",
            "loss",
            "update"
        ],
        "{printed}"
    );
    let options = ["value_mixing", "embedding_shortcut", "skips", "head_gates"];
    let mut with = place.train("run", &["--explain", "--set", "n_layer=2"]);
    with.args(options.iter().flat_map(|option| ["--set".to_owned(), format!("{option}=true")]));
    let with = succeed(&mut with);
    for kernel in ["mix_forward", "mix_values", "mix_backward", "gate_forward", "gate_backward"] {
        assert!(with.contains(kernel) && !printed.contains(kernel), "{kernel}:\n{with}");
    }
    assert!(!place.path("run").exists());
}

/// Only the inputs of blocks are kept: the same losses from less memory.
#[test]
fn activations_can_be_recomputed() {
    let place = Place::new();
    let more = ["--set", "n_layer=4", "--set", "train.recompute=true"];
    let explain = |more: &[&str]| succeed(place.train("run", &["--explain"]).args(more));
    let [kept, recomputed] = [&more[..2], &more].map(explain);
    let launches = |printed: &str| printed.matches("attention_forward").count();
    assert_eq!((launches(&kept), launches(&recomputed)), (4, 7));
    assert!(recomputed.contains("which computes the others again"), "{recomputed}");
    assert!(!kept.contains("computes the others"), "{kept}");

    let losses = |name: &str, more: &[&str]| {
        succeed(place.train(name, &["--steps", "10"]).args(more));
        logged(&place.path(name).join("log.jsonl"), "step", "loss")
    };
    let expected = losses("kept", &more[..2]);
    assert!(!expected.is_empty());
    assert_eq!(losses("recomputed", &more), expected);
}

#[test]
fn settings_can_be_changed_and_are_kept() {
    let place = Place::new();
    let more = ["--steps", "2", "--set", "optimizer.lr=0.5", "--set", "n_embd=24", "--seed", "3"];
    succeed(&mut place.train("run", &more));
    let kept = fs::read_to_string(place.path("run").join("settings.toml")).expect("settings");
    for line in ["steps = 2", "lr = 0.5", "n_embd = 24", "seed = 3"] {
        assert!(kept.lines().any(|kept| kept == line), "`{line}` is not in:\n{kept}");
    }
    fail(
        &mut place.train("other", &["--set", "train.stesp=2"]),
        &["unknown key `train.stesp`", "`train.steps`"],
    );
    assert!(!place.path("other").exists());
}

/// Two passes of four sequences are a pass of eight: they draw the same batch.
#[test]
fn gradients_accumulate_over_passes() {
    let place = Place::new();
    let train = |run: &str, batch: &str, accumulation: &str| {
        let [batch, accumulation] = [("batch_size", batch), ("accumulation", accumulation)]
            .map(|(k, v)| format!("{k}={v}"));
        let more = ["--steps", "20", "--set", &batch, "--set", &accumulation];
        place.train(run, &more)
    };
    succeed(&mut train("one", "8", "1"));
    succeed(&mut train("two", "4", "2"));
    let (one, two) = (evaluations(&place.log("one")), evaluations(&place.log("two")));
    assert_eq!(one.len(), 4);
    // Evaluations have batches of their own, of `batch_size`: only the last losses of training can
    // be compared.
    let last = |run: &str| {
        logged(&place.log(run), "step", "loss").last().and_then(|loss| loss.as_f64()).expect("one")
    };
    assert!((last("one") - last("two")).abs() < 1e-4, "{} and {}", last("one"), last("two"));
    assert!(two[3].2 < two[1].2, "{two:?}");
    fail(&mut train("odd", "3", "2"), &["with accumulation, batch x length must be a multiple"]);
}

#[test]
fn a_given_tokenizer_is_used() {
    let place = Place::new();
    succeed(&mut place.train("first", &["--steps", "1", "--set", "vocab_size=280"]));
    let tokenizer = place.path("first").join("tokenizer.json");
    let given = tokenizer.to_str().expect("a path in UTF-8");
    succeed(&mut place.train("second", &["--steps", "1", "--tokenizer", given]));
    let kept = fs::read_to_string(place.path("second").join("settings.toml")).expect("settings");
    assert!(kept.lines().any(|line| line == "vocab_size = 280"), "{kept}");
}

/// Fine-tuning begins at the loss of the model that it starts from, with its sizes and tokenizer.
#[test]
fn a_run_starts_from_a_model() {
    let place = Place::new();
    succeed(&mut place.train("first", &["--steps", "60", "--set", "n_embd=24"]));
    let first = place.path("first");
    let init = first.to_str().expect("a path in UTF-8");
    succeed(&mut place.train("second", &["--steps", "2", "--init", init, "--seed", "8"]));
    let (first, second) = (evaluations(&place.log("first")), evaluations(&place.log("second")));
    let (end, start) = (&first[first.len() - 1], &second[1]);
    assert_eq!((start.0, &end.1), (0, &start.1));
    assert!((end.2 - start.2).abs() < 1e-6, "{end:?} and {start:?}");
    assert_eq!(logged(&place.log("second"), "start", "origin"), ["first"]);
    assert_eq!(logged(&place.log("first"), "start", "origin"), [serde_json::Value::Null]);

    let other = ["--init", init, "--set", "n_layer=2"];
    fail(&mut place.train("third", &other), &["n_layer is 1 and 2", "cannot change"]);
    let nowhere = ["--init", "nowhere"];
    fail(&mut place.train("fourth", &nowhere), &["the checkpoint nowhere does not exist"]);
    assert!(!place.path("fourth").exists());
}

/// Shader variants are measured once, and again when asked to. Elsewhere than on Linux no variable
/// says where the cache is.
#[test]
#[cfg(target_os = "linux")]
fn variants_are_measured_once() {
    let place = Place::new();
    let measured = |more: &[&str]| {
        let mut command = place.train_on("gpu", "run", &["--explain"]);
        succeed(command.env("XDG_CACHE_HOME", place.path("cache")).args(more));
        let folder = place.path("cache").join("cinnabar").join("variants");
        let mut entries =
            fs::read_dir(folder).expect("a cache").map(|entry| entry.expect("a file"));
        let file = entries.next().expect("a file");
        assert!(entries.next().is_none(), "one adapter, one file");
        // Other shaders are measured anew.
        let shaders = format!("-{:016x}.json", kernels::shaders_hash());
        let name = file.file_name().into_string().expect("a name");
        assert!(name.ends_with(&shaders), "{name}");
        file.metadata().expect("metadata").modified().expect("a time")
    };
    let first = measured(&[]);
    assert_eq!(measured(&[]), first);
    assert!(measured(&["--measure-variants"]) > first);
}
