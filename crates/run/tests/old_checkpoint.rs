//! A checkpoint in format version 0 loads, and training goes on from it as it did then.
//!
//! `fixtures/version-0` was made by the program before the format had a number: 4 steps of a tiny
//! model on `stories.txt`, and the log of the same run after 8.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use corpus::stories::Corpus;
use device::Device;
use diffusion::training::team::Alone;
use diffusion::training::{Data, Split};
use model::Schedule;
use pollster::block_on;
use run::checkpoint::{FileError, STATE};
use run::{Event, Log, Outcome, Record, Run, Saved, Start};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/version-0").join(name)
}

fn load() -> Result<Saved> {
    Saved::load(|name| Ok(fs::read(fixture("step-000004").join(name))?))
}

fn data(saved: &Saved) -> Result<Data> {
    let bytes = fs::read(fixture("stories.txt"))?;
    let (settings, tokenizer) = (&saved.setup.settings, saved.setup.tokenizer.tokenizer());
    let (train, validation) = Corpus::parse(&bytes)?.split(settings.data.validation_share)?;
    Ok(Data::new(train.encode(tokenizer), validation.encode(tokenizer)))
}

#[test]
fn what_it_says_is_what_it_meant() -> Result<()> {
    let Saved { setup, progress } = load()?;
    assert_eq!((progress.state.step, progress.model.card.step), (4, Some(4)));
    assert_eq!(progress.model.card.schedule, Schedule::Cosine2);
    assert_eq!(setup.settings.train.batch_size, 4);
    assert_eq!(progress.optimizer.len(), 3);
    assert_eq!(progress.log.records().len(), 8);
    let loss = progress.state.validation_loss.expect("a loss");
    assert!((loss - 3.785_150_754_451_751_5).abs() < 1e-12, "{loss}");
    Ok(())
}

#[test]
fn it_is_stored_in_the_new_version() -> Result<()> {
    let before = load()?;
    let mut files = std::collections::BTreeMap::new();
    before.store(|name, bytes| -> Result<()> {
        files.insert(name, bytes.to_vec());
        Ok(())
    })?;
    assert!(String::from_utf8_lossy(&files[STATE]).contains("\"version\": 1"));
    let find = |name| files.get(name).cloned().ok_or_else(|| anyhow!("{name} was not stored"));
    let after = Saved::load(find)?;
    assert_eq!(after.progress.model, before.progress.model);
    assert_eq!(after.progress.optimizer, before.progress.optimizer);
    assert_eq!(after.progress.state, before.progress.state);
    assert_eq!(after.progress.log, before.progress.log);
    assert_eq!(after.setup.settings, before.setup.settings);
    Ok(())
}

#[test]
fn training_goes_on_as_it_did() -> Result<()> {
    let Saved { mut setup, progress } = load()?;
    let data = data(&load()?)?;
    setup.settings = setup.settings.changed(&["train.steps=8".to_owned()])?;
    let mut device = Device::cpu();
    let name = "old".to_owned();
    let mut run = block_on(Run::new(
        &mut device,
        name,
        setup,
        &data,
        Start::Progress(progress.into()),
        Box::new(Alone),
        0.0,
    ))?;
    let mut events = String::new();
    loop {
        match block_on(run.advance(&mut device, || 0.0, false))? {
            Event::Step { .. } => events += "step ",
            Event::Losses { .. } => events += "losses ",
            Event::Evaluation { .. } => events += "evaluation ",
            Event::Sample { .. } => events += "sample ",
            Event::Checkpoint(saved) => {
                assert_eq!(saved.progress.state.step, 8);
                events += "checkpoint ";
            }
            Event::NonFinite(what) => panic!("{what}"),
            Event::End(outcome) => {
                assert_eq!(outcome, Outcome::Complete);
                break;
            }
        }
    }
    let expected = "step step losses step step losses evaluation sample checkpoint ";
    assert_eq!(events, expected);

    // The losses are those of the program that wrote the checkpoint, but for the rounding of
    // another processor.
    let old = Log::parse(fs::read(fixture("eight-steps.jsonl"))?)?;
    let losses = |log: &Log| -> Vec<(u32, Option<Split>, f64)> {
        let losses = log.records().iter().filter_map(|record| match *record {
            Record::Step { step, loss, .. } => Some((step, None, loss)),
            Record::Evaluation { step, split, loss, .. } => Some((step, Some(split), loss)),
            _ => None,
        });
        losses.collect()
    };
    let (then, now) = (losses(&old), losses(run.log()));
    assert_eq!(then.len(), now.len());
    for (then, now) in then.iter().zip(&now) {
        assert_eq!((then.0, then.1), (now.0, now.1));
        assert!((then.2 - now.2).abs() < 1e-4, "{then:?} and {now:?}");
    }
    Ok(())
}

#[test]
fn files_that_do_not_belong_together_are_named() {
    let with = |changed: &'static str, bytes: &[u8]| {
        let load = Saved::load(|name| -> Result<Vec<u8>, FileError> {
            if name == changed {
                return Ok(bytes.to_vec());
            }
            Ok(fs::read(fixture("step-000004").join(name)).expect("a fixture"))
        });
        load.expect_err("a bad file").to_string()
    };
    let state = fs::read_to_string(fixture("step-000004/state.json")).expect("a fixture");
    let later = state.replace("\"step\": 4", "\"step\": 5");
    for (file, bytes, sentence) in [
        (
            "state.json",
            later.as_bytes(),
            "optimizer.safetensors: the optimizer's state is not of step 5",
        ),
        ("model.safetensors", b"x", "model.safetensors: this is not a complete safetensors file"),
        ("optimizer.safetensors", b"x", "optimizer.safetensors: this is not a complete"),
        ("settings.toml", b"[model]", "settings.toml: the key `data."),
        ("settings.toml", b"\xff", "settings.toml: this is not UTF-8"),
        ("tokenizer.json", b"{}", "tokenizer.json: this is not a readable tokenizer.json"),
        ("log.jsonl", b"{}", "log.jsonl: line 1 of the log is damaged"),
    ] {
        let error = with(file, bytes);
        assert!(error.starts_with(sentence), "{error}");
    }
}
