//! Bad input to `train`: each gets one sentence that says what is wrong and what to do.

mod support;

use std::fs;
use std::path::Path;

use support::{Place, fail, succeed};

#[test]
fn corpora_that_cannot_be_learned_from() {
    let place = Place::new();
    let stories = place.path("stories.txt");
    for (bytes, parts) in [
        (&b""[..], &["stories.txt", "corpus is empty"][..]),
        (b" \n\n \n", &["stories.txt", "corpus is empty"]),
        (b"Tom had a ball.\n\xff\xfe\n", &["stories.txt", "UTF-8"]),
        (b"Tom.\n\nLily.\n\nBen.\n", &["the training corpus has", "a sequence needs 16"]),
    ] {
        fs::write(&stories, bytes).expect("a corpus");
        fail(&mut place.train("run", &[]), parts);
    }
    fs::remove_file(&stories).expect("the corpus");
    fail(&mut place.train("run", &[]), &["stories.txt", "trainer data"]);
}

#[test]
fn tokenizers_that_do_not_fit() {
    let place = Place::new();
    succeed(&mut place.train("run", &["--steps", "1"]));
    succeed(&mut place.train("other", &["--steps", "1", "--set", "vocab_size=280"]));
    let kept = fs::read_to_string(place.path("run").join("tokenizer.json")).expect("a tokenizer");
    let without = place.path("without.json");
    fs::write(&without, kept.replace("[MASK]", "[HIDE]")).expect("a tokenizer");
    let given = |path: &Path| path.to_str().expect("a path in UTF-8").to_owned();
    fail(
        &mut place.train("third", &["--tokenizer", &given(&without)]),
        &["without.json", "no [MASK] token"],
    );
    fail(
        &mut place.train("third", &["--tokenizer", &given(&place.path("stories.txt"))]),
        &["stories.txt", "not a readable tokenizer.json"],
    );
    let other = place.path("other").join("tokenizer.json");
    fail(
        &mut place.train("run", &["--resume", "--tokenizer", &given(&other)]),
        &["not the tokenizer that the run began with"],
    );
    // One of another size in the checkpoint itself.
    let (_, latest) = place.latest("run").expect("a checkpoint");
    fs::copy(other, latest.join("tokenizer.json")).expect("a tokenizer");
    fail(
        &mut place.train("run", &["--resume"]),
        &["the tokenizer has 280 tokens and the model 300"],
    );
}

#[test]
fn checkpoints_that_cannot_be_resumed_from() {
    let place = Place::new();
    succeed(&mut place.train("run", &["--steps", "2"]));
    let (_, latest) = place.latest("run").expect("a checkpoint");
    let path = latest.join("model.safetensors");
    let whole = fs::read(&path).expect("a model");
    let model = model::Checkpoint::from_safetensors(&whole).expect("a checkpoint");
    let advice = "remove it to go on from the one before";
    let store = |model: &model::Checkpoint| {
        model.to_safetensors(model::Precision::F32).expect("a safetensors file")
    };

    let mut not_finite = model.clone();
    not_finite.values[70] = f32::NAN;
    let text = String::from_utf8_lossy(&whole[8..]).into_owned();
    let name = r#""lm_head.weight":{"dtype":"F32","shape":[300,16]"#;
    let at = text.find(name).expect("a header with the output layer") + 8;
    let mut wrong_shape = whole.clone();
    wrong_shape[at..at + name.len()]
        .copy_from_slice(name.replace("[300,16]", "[16,300]").as_bytes());

    for (bytes, parts) in [
        (whole[..whole.len() / 2].to_vec(), &["not a complete safetensors file"][..]),
        (Vec::new(), &["not a complete safetensors file"]),
        (wrong_shape, &["`lm_head.weight`", "[16, 300]", "[300, 16]"]),
        (store(&not_finite), &["`token_emb.weight`", "not a number"]),
    ] {
        fs::write(&path, bytes).expect("a model");
        fail(&mut place.train("run", &["--resume"]), &[parts, &["step-000002", advice]].concat());
    }
    fs::write(&path, &whole).expect("a model");
    let optimizer = latest.join("optimizer.safetensors");
    let moments = fs::read(&optimizer).expect("moments");
    fs::write(&optimizer, &moments[..moments.len() - 4]).expect("moments");
    fail(
        &mut place.train("run", &["--resume"]),
        &["optimizer.safetensors", "not a complete safetensors file", advice],
    );
    fs::write(&optimizer, &moments).expect("moments");
    fs::write(latest.join("state.json"), "{").expect("state");
    fail(&mut place.train("run", &["--resume"]), &["state.json", "damaged", advice]);
}

#[test]
fn sizes_cannot_change_in_a_run() {
    let place = Place::new();
    succeed(&mut place.train("run", &["--steps", "2"]));
    let more = ["--resume", "--set", "model.n_embd=24"];
    fail(&mut place.train("run", &more), &["`model.n_embd` is 16", "cannot change to 24"]);
}

#[test]
fn the_optimizer_cannot_change_in_a_run() {
    let place = Place::new();
    let sentence = ["`optimizer.name`", "cannot change", "its moments"];
    for (first, then) in [("muon", "adamw"), ("adamw", "muon")] {
        let name = |name: &str| format!("optimizer.name={name}");
        succeed(&mut place.train(first, &["--steps", "2", "--set", &name(first)]));
        fail(&mut place.train(first, &["--resume", "--set", &name(then)]), &sentence);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn sizes_that_do_not_fit_into_memory() {
    let place = Place::new();
    for (width, parts) in [
        (16384, ["a copy of 12894912512 parameters takes 51.6 GB of memory", "GB are free"]),
        (4096, ["training 80", "GB of memory, and"]),
    ] {
        let (width, heads) = (format!("n_embd={width}"), format!("n_head={}", width / 128));
        let large = ["--set", &width, "--set", &heads, "--set", "n_layer=4"];
        let train = place.train("run", &large);
        let mut limited = std::process::Command::new("sh");
        limited.args(["-c", "ulimit -v 8000000; exec \"$0\" \"$@\""]);
        limited.arg(train.get_program()).args(train.get_args());
        fail(&mut limited, &parts);
        assert!(!place.path("run").exists());
    }
    // A small file that claims to hold a large model.
    succeed(&mut place.train("small", &["--steps", "1"]));
    let (_, latest) = place.latest("small").expect("a checkpoint");
    let path = latest.join("model.safetensors");
    let whole = fs::read(&path).expect("a model");
    let config = (r#"\"vocab_size\":300"#, r#"\"vocab_size\":999"#);
    fs::write(&path, support::patched(&whole, config)).expect("a model");
    let mut sample = support::trainer();
    sample.args(["sample", "--checkpoint"]).arg(&path);
    fail(&mut sample, &["`token_emb.weight` has shape [300, 16]"]);
    // One bit of the weights.
    let mut flipped = whole;
    *flipped.last_mut().expect("weights") ^= 1;
    fs::write(&path, flipped).expect("a model");
    fail(&mut sample, &["model.safetensors", "the file is damaged"]);
    fail(&mut place.train("small", &["--resume"]), &["the file is damaged", "step-000001"]);
}

#[test]
fn files_that_are_something_else_are_named() {
    let place = Place::new();
    succeed(&mut place.train("run", &["--steps", "1"]));
    let (_, latest) = place.latest("run").expect("a checkpoint");
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    for (name, content, part) in [
        ("model.safetensors", pointer, "Git LFS pointer"),
        ("model.safetensors", "<!DOCTYPE html><title>404</title>", "web page"),
        ("model.safetensors", "PK\u{3}\u{4}", "PyTorch"),
        ("tokenizer.json", pointer, "Git LFS pointer"),
        ("settings.toml", "<html>", "web page"),
        ("log.jsonl", "{\"event\":\n", "log.jsonl: line 1 of the log is damaged"),
    ] {
        let path = latest.join(name);
        let whole = fs::read(&path).expect("a file");
        fs::write(&path, content).expect("a file");
        fail(&mut place.train("run", &["--resume"]), &[name, part, "step-000001"]);
        fs::write(&path, whole).expect("a file");
    }
    // A byte order mark, as some editors write it, does no harm.
    let settings = place.path("test.toml");
    let text = fs::read_to_string(&settings).expect("settings");
    fs::write(&settings, format!("\u{feff}{text}")).expect("settings");
    succeed(&mut place.train("run", &["--resume", "--steps", "2"]));
}

#[test]
fn settings_that_make_no_sense() {
    let place = Place::new();
    for (change, part) in [
        ("model.n_head=3", "n_embd 16 is not a multiple of n_head 3"),
        ("train.steps=0", "train.steps is 0"),
        ("optimizer.lr=fast", "optimizer.lr"),
        ("train.lr=1", "`optimizer.lr`"),
    ] {
        fail(&mut place.train("run", &["--set", change]), &[part]);
        assert!(!place.path("run").exists(), "{change} left a folder");
    }
    let mut command = support::trainer();
    command.args(["train", "--config", "huge"]);
    fail(
        &mut command,
        &["cannot read the configuration `huge`", "tiny, pocket, small, best, large, seed"],
    );
}

#[test]
fn a_loss_that_is_not_a_number_stops_the_training() {
    let place = Place::new();
    // The first step throws the weights far away; the checkpoint before it is good.
    succeed(&mut place.train("run", &["--steps", "10"]));
    let more = ["--resume", "--steps", "30", "--set", "optimizer.lr=1e38", "--set", "clip=inf"];
    // Steps without a finite gradient change nothing; ten in a row are too many.
    let later = ["--set", "eval_every=1000", "--set", "checkpoint_every=1000"];
    let skipped = ["no gradient was finite since step 1", "seen in the", "weight`"];
    let advice = ["optimizer.lr", "step-000010", "--resume"];
    fail(&mut place.train("run", &[&more[..], &later].concat()), &[&skipped[..], &advice].concat());
    assert_eq!(place.latest("run").expect("a checkpoint").0, 10);
}

#[test]
fn no_adapter_when_a_gpu_was_asked_for() {
    let place = Place::new();
    let mut command = support::trainer();
    command.args(["train", "--config", "tiny", "--device", "gpu", "--data"]);
    command.arg(place.path("stories.txt")).arg("--out").arg(place.path("run"));
    if cfg!(target_os = "linux") {
        command.env("VK_DRIVER_FILES", "/nowhere.json").env("VK_ICD_FILENAMES", "/nowhere.json");
        fail(&mut command, &["no GPU adapter was found", "--device cpu"]);
    }
    command.args(["--adapter", "no such card"]);
    fail(&mut command, &["no such card"]);
}

#[test]
fn places_that_cannot_be_written() {
    let place = Place::new();
    fail(&mut place.train("stories.txt/run", &[]), &["cannot create the run's folder"]);
    fail(&mut place.train("stories.txt", &[]), &["cannot create the run's folder"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk() {
    let place = Place::new();
    // The log's disk is full from the start.
    succeed(&mut place.train("run", &["--steps", "2"]));
    let log = place.path("run").join("log.jsonl");
    fs::remove_file(&log).expect("a log");
    std::os::unix::fs::symlink("/dev/full", log).expect("a link");
    fail(&mut place.train("run", &["--resume"]), &["log.jsonl", "full"]);

    // Room for 64 KiB (128 in shells that count so): not for a checkpoint's optimiser.
    succeed(&mut place.train("small", &["--steps", "2"]));
    let train = place.train("small", &["--resume", "--steps", "4"]);
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 128; exec \"$0\" \"$@\""]);
    limited.arg(train.get_program()).args(train.get_args());
    fail(&mut limited, &["cannot write the checkpoint", "step-000004", "earlier ones are intact"]);
    let (step, latest) = place.latest("small").expect("a checkpoint");
    assert_eq!(step, 2);
    let left = fs::read_dir(latest.parent().expect("a folder")).expect("checkpoints").count();
    assert_eq!(left, 1, "the half-written checkpoint was not removed");
    succeed(&mut place.train("small", &["--resume", "--steps", "4"]));
}
