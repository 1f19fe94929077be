//! The check of a model's card: right devices pass, wrong ones do not, and what ships is right.

use std::fs;
use std::path::Path;

use device::{AdapterChoice, Device, Gpu};
use kernels::Variants;
use model::{Check, Checkpoint, Config, Init, Model, Objective, Precision, initial_values};
use pollster::block_on;
use serde_json::Value;
use writer::{TOLERANCE, deviation, expectation};

/// A small model as it is shipped: rounded to half precision.
fn small() -> Checkpoint {
    let config = Config {
        n_layer: 2,
        n_head: 2,
        n_embd: 32,
        block_size: 24,
        timesteps: 8,
        mask_id: 7,
        ..Config::reference(120)
    };
    let init = Init { std: 0.3, zero_projections: false, seed: 3 };
    let values = initial_values(&config, &init);
    let whole = Checkpoint { config, card: Default::default(), values };
    let bytes = whole.to_safetensors(Precision::F16).expect("it can be written");
    Checkpoint::from_safetensors(&bytes).expect("just written")
}

fn measured(device: &mut Device, checkpoint: &Checkpoint, check: &Check) -> f32 {
    let model = Model::load(device, checkpoint).expect("it fits");
    block_on(deviation(device, &model, &Variants::default(), check)).expect("it computes")
}

fn check_of(checkpoint: &Checkpoint) -> Check {
    let mut cpu = Device::cpu();
    let model = Model::load(&mut cpu, checkpoint).expect("it fits");
    block_on(expectation(&mut cpu, &model, &Variants::default())).expect("it computes")
}

#[test]
fn devices_that_compute_rightly_pass() {
    let checkpoint = small();
    let check = check_of(&checkpoint);
    assert_eq!((check.tokens.len(), check.expected.len()), (16, 8));
    assert_eq!(check.tokens[0], Some(8), "the mask is not given");
    assert_eq!(measured(&mut Device::cpu(), &checkpoint, &check), 0.0);
    let oracle = measured(&mut Device::oracle(), &checkpoint, &check);
    println!("oracle: {oracle:.1e}");
    assert!(oracle < 0.1 * TOLERANCE, "{oracle}");
    match block_on(Gpu::open(&AdapterChoice::Any)) {
        Ok(gpu) => {
            let mut device = Device::Gpu(Box::new(gpu));
            let found = measured(&mut device, &checkpoint, &check);
            println!("{device}: {found:.1e}");
            assert!(found < 0.1 * TOLERANCE, "{found}");
        }
        Err(error) => println!("no GPU: {error}"),
    }
    // The card keeps it.
    let mut shipped = checkpoint;
    shipped.card.check = Some(check.clone());
    let bytes = shipped.to_safetensors(Precision::F16).expect("it can be written");
    let read = Checkpoint::from_safetensors(&bytes).expect("just written");
    assert_eq!(read.card.check, Some(check));
}

#[test]
fn models_that_write_from_left_to_right_have_one() {
    let mut checkpoint = small();
    checkpoint.card.objective = Objective::Autoregressive;
    let check = check_of(&checkpoint);
    assert_eq!(check.tokens.iter().filter(|token| token.is_some()).count(), 8);
    assert!(check.tokens.is_sorted_by_key(Option::is_none) && !check.expected.is_empty());
    assert_eq!(measured(&mut Device::cpu(), &checkpoint, &check), 0.0);
}

#[test]
fn wrong_devices_do_not() {
    let right = small();
    let check = check_of(&right);
    // One weight in a hundred is off by a fifth: as a device that loses some of its threads.
    let mut wrong = right.clone();
    wrong.values.iter_mut().step_by(100).for_each(|value| *value *= 1.2);
    let found = measured(&mut Device::cpu(), &wrong, &check);
    assert!(found > TOLERANCE, "{found}");
    let mut nothing = right.clone();
    nothing.values.fill(0.0);
    assert!(measured(&mut Device::cpu(), &nothing, &check) > TOLERANCE);
    let mut other = check.clone();
    other.expected[0].1 = (other.expected[0].1 + 1) % 120;
    assert_eq!(measured(&mut Device::cpu(), &right, &other), f32::INFINITY);
    let mut long = check;
    long.tokens.resize(25, None);
    let mut cpu = Device::cpu();
    let model = Model::load(&mut cpu, &right).expect("it fits");
    let refused = block_on(deviation(&mut cpu, &model, &Variants::default(), &long));
    assert!(refused.expect_err("too long").to_string().contains("25 tokens"));
}

#[test]
fn the_shipped_models_pass_their_checks() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../artifacts/models");
    let read = |name: &str| fs::read(models.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let list: Value = serde_json::from_slice(&read("models.json")).expect("JSON");
    for entry in list.as_array().expect("a list") {
        let file = entry["checkpoint"].as_str().expect("a file");
        let checkpoint = Checkpoint::from_safetensors(&read(file)).expect("a model");
        let listed = || serde_json::from_value(entry["check"].clone()).expect("a check");
        let check: Check = checkpoint.card.check.clone().unwrap_or_else(listed);
        let found = measured(&mut Device::cpu(), &checkpoint, &check);
        println!("{file}: {found:.1e}");
        assert!(found < 0.1 * TOLERANCE, "{file}: {found}");
    }
}
