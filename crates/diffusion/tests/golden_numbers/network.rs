//! A network with every option, and each of them alone: golden numbers, derivatives, and the same
//! results with the buffers of inference, which blocks share.

use device::{Device, Recording};
use diffusion::training::BatchData;
use kernels::Variants;
use kernels::attention::Mask;
use model::forward::{self, Pass};
use model::{Activations, Config, Model};
use pollster::block_on;

use crate::fixture::{Tensors, assert_close, devices, json, tolerance};
use crate::hash;
use crate::step::{ADAMW, LOSSES, Step, forward};

const BATCH: usize = 3;

fn batch(tensors: &Tensors) -> BatchData {
    BatchData {
        ids: tensors.words("xt"),
        targets: tensors.words("x0"),
        mask: tensors.mask("mask"),
        timesteps: vec![3, 10, 7],
    }
}

/// The fixture's config: every option, and no timestep embedding.
fn every() -> Config {
    serde_json::from_value(json("network")["config"].clone()).unwrap()
}

fn weights(config: &Config) -> Vec<f32> {
    let json = json("network");
    let amplitude = json["amplitude"].as_f64().unwrap() as f32;
    hash::weights(config, json["seed"].as_u64().unwrap(), amplitude)
}

/// Every option, each alone, and all of them in networks whose halves are of one block.
fn networks() -> Vec<(&'static str, Config)> {
    let every = every();
    let Config { n_layer, n_head, n_embd, block_size, timesteps, .. } = every;
    let plain = Config {
        n_layer,
        n_head,
        n_embd,
        block_size,
        timesteps,
        ..Config::reference(every.vocab_size)
    };
    vec![
        ("every option", every),
        ("value_mixing", Config { value_mixing: true, ..plain }),
        ("embedding_shortcut", Config { embedding_shortcut: true, ..plain }),
        ("skips", Config { skips: true, ..plain }),
        ("skips of 4 blocks", Config { skips: true, n_layer: 4, ..plain }),
        ("head_gates", Config { head_gates: true, ..plain }),
        ("every option, 1 block", Config { n_layer: 1, ..every }),
        ("every option, 2 blocks", Config { n_layer: 2, ..every }),
    ]
}

#[test]
fn logits_loss_and_gradients() {
    let (tensors, json) = (Tensors::open("network"), json("network"));
    let (config, batch) = (every(), batch(&tensors));
    let (values, shape) = (weights(&config), [BATCH, config.block_size]);
    for mut device in devices() {
        let acts = forward(&mut device, config, &values, &batch, shape, Mask::Full);
        let logits = block_on(device.read_floats(acts.logits)).unwrap();
        let absolute = tolerance(&json, "act.logits");
        let what = format!("logits on {device}");
        assert_close(&what, &logits, &tensors.floats("act.logits"), absolute, 1e-6);

        let step = Step::new(&mut device, config, &values, shape, ADAMW);
        step.write(&mut device, &batch);
        let program = device.compile(step.record_gradient()).unwrap();
        device.run(&program).unwrap();
        let expected = json["loss"].as_f64().unwrap() as f32;
        let what = format!("loss on {device}");
        assert_close(&what, &[step.loss(&device, 1)], &[expected], 1e-5, 0.0);
        let gradient = step.read(&device, &step.parts.gradient);
        for tensor in config.tensors() {
            let name = format!("grad.{}", tensor.name);
            let (actual, expected) = (&gradient[tensor.range()], tensors.floats(&name));
            let what = format!("{name} on {device}");
            assert_close(&what, actual, &expected, tolerance(&json, &name), 1e-6);
        }
    }
}

#[test]
fn gradients_are_finite_differences() {
    let batch = batch(&Tensors::open("network"));
    for (name, config) in networks() {
        let mut device = Device::oracle();
        let values = weights(&config);
        let step = Step::new(&mut device, config, &values, [BATCH, config.block_size], ADAMW);
        step.write(&mut device, &batch);
        let program = device.compile(step.record_gradient()).unwrap();
        let mut steps = 0;
        let mut loss = |device: &mut Device, values: &[f32]| {
            step.parts.model.parameters.write(device, values).unwrap();
            device.run(&program).unwrap();
            steps += 1;
            block_on(device.read_wide(step.parts.losses)).unwrap()[steps % LOSSES]
        };
        loss(&mut device, &values);
        let gradients: Vec<Vec<f64>> = config
            .tensors()
            .iter()
            .map(|tensor| step.parts.gradient.part(tensor.offset, tensor.len()))
            .map(|slice| block_on(device.read_wide(slice)).unwrap())
            .collect();
        for (tensor, gradient) in config.tensors().into_iter().zip(gradients) {
            let (first, len) = (tensor.offset, tensor.len());
            for at in [first, first + len / 2, first + len - 1] {
                let moved = |by: f32| {
                    let mut values = values.clone();
                    values[at] += by;
                    values
                };
                let (below, above) = (moved(-1e-4), moved(1e-4));
                let distance = f64::from(above[at]) - f64::from(below[at]);
                let change = loss(&mut device, &above) - loss(&mut device, &below);
                let (expected, actual) = (change / distance, gradient[at - first]);
                assert!(
                    (actual - expected).abs() < 1e-6 + 1e-4 * expected.abs(),
                    "{name}, {}, element {}: {actual}, by differences {expected}",
                    tensor.name,
                    at - first,
                );
            }
        }
    }
}

/// Recomputing blocks share buffers, too, and start from what was kept before a skip or shortcut.
#[test]
fn recomputed_gradients_are_the_same() {
    let batch = batch(&Tensors::open("network"));
    for (name, config) in networks() {
        let values = weights(&config);
        let [kept, recomputed] = [false, true].map(|recompute| {
            let (mut device, shape) = (Device::cpu(), [BATCH, config.block_size]);
            let step = Step::with(&mut device, config, &values, shape, ADAMW, recompute);
            step.write(&mut device, &batch);
            let program = device.compile(step.record_gradient()).unwrap();
            device.run(&program).unwrap();
            (step.loss(&device, 1), step.read(&device, &step.parts.gradient))
        });
        assert!(kept == recomputed, "{name}");
    }
}

/// In inference blocks share buffers, and a workspace may be larger than its text.
#[test]
fn inference_computes_what_training_does() {
    let batch = batch(&Tensors::open("network"));
    for (name, config) in networks() {
        let mut device = Device::cpu();
        let (values, length) = (weights(&config), config.block_size);
        let model = Model::new(&mut device, config).unwrap();
        model.parameters.write(&mut device, &values).unwrap();
        let ids = device.words("ids", &batch.ids).unwrap();
        let timesteps = device.words("timesteps", &batch.timesteps).unwrap();
        let larger = Config { block_size: length + 3, ..config };
        let whole = Activations::for_sampling(&mut device, &larger, BATCH + 1, length + 3).unwrap();
        let trained =
            Activations::for_training(&mut device, &config, BATCH, length, false).unwrap();
        let shared = Activations::for_inference(&mut device, &config, BATCH, length).unwrap();
        let [kept, alone, part] =
            [trained, shared, whole.narrowed(&config, BATCH, length)].map(|acts| {
                let variants = Variants::default();
                let pass = Pass {
                    variants: &variants,
                    model: &model,
                    acts: &acts,
                    ids,
                    timesteps,
                    dropout: None,
                };
                let mut recording = Recording::default();
                forward::trunk(&mut recording, &pass);
                let program = device.compile(recording).unwrap();
                device.run(&program).unwrap();
                block_on(device.read_floats(acts.final_h)).unwrap()
            });
        assert_eq!(kept, alone, "{name}");
        assert_eq!(kept, part, "{name}");
    }
}
