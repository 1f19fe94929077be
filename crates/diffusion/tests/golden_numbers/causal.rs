//! The small configuration as an autoregressive network: causal attention, no timestep embedding.
//! The optimizer's moments and the activations of the first block are left out of the fixtures.

use device::Device;
use diffusion::training::BatchData;
use kernels::attention::Mask;
use model::{Config, Model, Objective};
use optim::AdamW;
use pollster::block_on;

use crate::fixture::{Tensors, assert_close, config, devices, json, tolerance};
use crate::step::{ADAMW, Step, forward};

const BATCH: usize = 3;
const LENGTH: usize = 32;

/// Every token is an input, but for the last of a row, and the target of the one before it.
fn batch(tensors: &Tensors) -> BatchData {
    let rows: Vec<Vec<u32>> =
        tensors.words("batch0.ids").chunks_exact(LENGTH + 1).map(<[u32]>::to_vec).collect();
    BatchData {
        ids: rows.iter().flat_map(|row| row[..LENGTH].to_vec()).collect(),
        targets: rows.iter().flat_map(|row| row[1..].to_vec()).collect(),
        mask: vec![1; BATCH * LENGTH],
        timesteps: vec![0; BATCH],
    }
}

#[test]
fn activations_and_logits() {
    let (tensors, json) = (Tensors::open("small_causal"), json("small_causal"));
    let config = config(&json);
    let batch = batch(&tensors);
    let values = tensors.flat("param.", &config);
    for mut device in devices() {
        let shape = [BATCH, LENGTH];
        let acts = forward(&mut device, config, &values, &batch, shape, Mask::Causal);
        for (name, slice) in [
            ("act.embed", acts.embedded),
            ("act.block1.attn_y", acts.layers[1].y),
            ("act.final", acts.final_h),
            ("act.logits", acts.logits),
        ] {
            let actual = block_on(device.read_floats(slice)).unwrap();
            let absolute = tolerance(&json, name);
            let what = format!("{name} on {device}");
            assert_close(&what, &actual, &tensors.floats(name), absolute, 1e-6);
        }
    }
}

/// The step of an autoregressive network.
fn causal_step(device: &mut Device, config: Config, values: &[f32]) -> Step {
    let model =
        Model { objective: Objective::Autoregressive, ..Model::new(device, config).unwrap() };
    model.parameters.write(device, values).unwrap();
    Step::of(device, model, [BATCH, LENGTH], ADAMW, false)
}

/// The causal step of a device, and its loss and gradient.
fn gradient(device: &mut Device, tensors: &Tensors, values: &[f32]) -> (f32, Vec<f32>) {
    let config = config(&json("small_causal"));
    let step = causal_step(device, config, values);
    step.write(device, &batch(tensors));
    let program = device.compile(step.record_gradient()).unwrap();
    device.run(&program).unwrap();
    (step.loss(device, 1), step.read(device, &step.parts.gradient))
}

#[test]
fn loss_and_gradients() {
    let (tensors, json) = (Tensors::open("small_causal"), json("small_causal"));
    let config = config(&json);
    let values = tensors.flat("param.", &config);
    for mut device in devices() {
        let (loss, gradient) = gradient(&mut device, &tensors, &values);
        let expected = json["loss"].as_f64().unwrap() as f32;
        assert_close(&format!("loss on {device}"), &[loss], &[expected], 1e-5, 0.0);
        for tensor in config.tensors() {
            let name = format!("grad.{}", tensor.name);
            let absolute = tolerance(&json, &name);
            let what = format!("{name} on {device}");
            let actual = &gradient[tensor.range()];
            assert_close(&what, actual, &tensors.floats(&name), absolute, 1e-6);
        }
    }
}

/// As `small::parameters_after_adamw_steps`, with its tolerance.
#[test]
fn parameters_after_an_adamw_step() {
    let (tensors, after) = (Tensors::open("small_causal"), Tensors::open("small_causal_adamw"));
    let config = config(&json("small_causal"));
    let values = tensors.flat("param.", &config);
    let gradient = tensors.flat("grad.", &config);
    let (AdamW { lr, eps, .. }, noise) = (ADAMW.adamw, 1e-7);
    for mut device in devices() {
        let step = causal_step(&mut device, config, &values);
        step.write(&mut device, &batch(&tensors));
        let program = device.compile(step.record()).unwrap();
        device.run(&program).unwrap();
        let parameters = step.read(&device, &step.parts.model.parameters);
        for tensor in config.tensors() {
            let what = format!("{} on {device}", tensor.name);
            let name = format!("step1.param.{}", tensor.name);
            for (index, expected) in tensor.range().zip(after.floats(&name)) {
                let slope = eps / (f64::from(gradient[index].abs()) + eps).powi(2);
                let absolute = (1e-5 + lr * (slope * noise).min(2.0)) as f32;
                assert_close(&what, &[parameters[index]], &[expected], absolute, 0.0);
            }
        }
    }
}
