//! The full configuration of 12,228,480 parameters: weights from a hash formula, one batch of real
//! text, spot values.

use device::Recording;
use diffusion::training::BatchData;
use kernels::Variants;
use model::forward::{self, Pass};
use model::{Activations, Config, Model};
use pollster::block_on;

use crate::fixture::{Tensors, assert_close, config, devices, json};
use crate::hash;
use crate::step::{ADAMW, Step};

const BATCH: usize = 4;
const LENGTH: usize = 256;

#[test]
fn hash_formula() {
    let json = json("full");
    let config = config(&json);
    let values = hash::weights(&config, 11, 0.0625);
    for tensor in config.tensors() {
        let expected = &json["per_tensor"][&tensor.name];
        let actual = &values[tensor.range()];
        let number = |value: &serde_json::Value| value.as_f64().unwrap();
        for (actual, expected) in actual.iter().zip(expected["weight_first4"].as_array().unwrap()) {
            assert_eq!(*actual, number(expected) as f32, "{}", tensor.name);
        }
        let sum: f64 = actual.iter().map(|&value| f64::from(value)).sum();
        assert!((sum - number(&expected["weight_sum_f64"])).abs() < 1e-6, "{}", tensor.name);
    }
}

#[test]
fn logits_gradients_and_losses() {
    let (tensors, json) = (Tensors::open("full"), json("full"));
    let config = config(&json);
    assert_eq!(config, Config::reference(2048));
    let values = hash::weights(&config, 11, 0.0625);
    let batch = BatchData {
        ids: tensors.words("xt"),
        targets: tensors.words("x0"),
        mask: tensors.mask("mask"),
        timesteps: tensors.words("t"),
    };
    // The oracle is left out: f64 at this size takes a minute, and the small configuration has it.
    let [_, cpu, gpu] = devices();
    for mut device in [cpu, gpu] {
        let model = Model::new(&mut device, config).unwrap();
        model.parameters.write(&mut device, &values).unwrap();
        let acts = Activations::for_inference(&mut device, &config, BATCH, LENGTH).unwrap();
        let ids = device.words("ids", &batch.ids).unwrap();
        let timesteps = device.words("timesteps", &batch.timesteps).unwrap();
        let variants = Variants::default();
        let pass =
            Pass { variants: &variants, model: &model, acts: &acts, ids, timesteps, dropout: None };
        let mut step = Recording::default();
        forward::logits(&mut step, &pass, |_, _, _| {});
        let program = device.compile(step).unwrap();
        device.run(&program).unwrap();
        let logits = block_on(device.read_floats(acts.logits)).unwrap();
        for spot in json["logits_at"].as_array().unwrap() {
            let at = |i: usize| spot[i].as_u64().unwrap() as usize;
            let index = (at(0) * LENGTH + at(1)) * config.vocab_size + at(2);
            let expected = spot[3].as_f64().unwrap() as f32;
            assert_close(&format!("logit on {device}"), &[logits[index]], &[expected], 5e-5, 0.0);
        }

        let step = Step::new(&mut device, config, &values, [BATCH, LENGTH], ADAMW);
        step.write(&mut device, &batch);
        let program = device.compile(step.record()).unwrap();
        let expected = json["adamw_same_batch_losses"].as_array().unwrap();
        // A software GPU takes a minute for a step of this size: one, with all its gradients.
        let steps = if device.gpu().is_some() { 1 } else { expected.len() };
        for (n, expected) in (1..).zip(&expected[..steps]) {
            device.run(&program).unwrap();
            let expected = expected.as_f64().unwrap() as f32;
            // Later losses follow updates that amplify float noise.
            let absolute = if n == 1 { 2e-5 } else { 2e-3 };
            let what = format!("loss {n} on {device}");
            assert_close(&what, &[step.loss(&device, n)], &[expected], absolute, 0.0);
            if n > 1 {
                continue;
            }
            let gradient = step.read(&device, &step.parts.gradient);
            for tensor in config.tensors() {
                let (name, expected) = (&tensor.name, &json["per_tensor"][&tensor.name]);
                let actual = &gradient[tensor.range()];
                let squares: f64 = actual.iter().map(|&g| f64::from(g).powi(2)).sum();
                let norm = expected["grad_l2"].as_f64().unwrap() as f32;
                let what = format!("gradient of {name} on {device}");
                assert_close(&what, &[squares.sqrt() as f32], &[norm], 0.0, 1e-4);
                for element in expected["elements"].as_array().unwrap() {
                    let index = element[0].as_u64().unwrap() as usize;
                    let expected = element[1].as_f64().unwrap() as f32;
                    assert_close(&what, &[actual[index]], &[expected], 5e-6, 2e-4);
                }
            }
        }
    }
}
