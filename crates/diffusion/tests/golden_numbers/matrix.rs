//! Training on matrix units, which round factors to f16, against PyTorch's in f32.

use device::Recording;
use diffusion::training::Batches;
use diffusion::training::step::{self, Parts};
use kernels::variants::Table;
use kernels::{GemmVariant, Precision, Variants};
use model::Model;

use crate::fixture::{Tensors, assert_close, config, devices, json};
use crate::small::{BATCH, LENGTH, batch};
use crate::step::{ADAMW, LOSSES, MUON, Step};

/// Greatest difference of losses of about 5 nats: 11 bits keep 5e-4 of a factor, and steps add up.
const LOSS: f32 = 5e-3;

/// Greatest distance of a gradient from the golden one, relative to its norm.
const GRADIENT: f64 = 2e-3;

#[test]
fn training_on_matrix_units_follows_the_golden_losses() {
    let [_, _, mut device] = devices();
    let capabilities = device.capabilities();
    let units: Vec<GemmVariant> = GemmVariant::on(&capabilities)
        .filter(|variant| variant.precision() == Precision::F16)
        .collect();
    if units.is_empty() {
        println!("left out: {device} has no matrix units");
        assert!(std::env::var_os("MATRIX_UNITS").is_none(), "no matrix units were found");
    }
    let tensors = Tensors::open("small");
    for variant in units {
        let variants = Variants::products(variant);
        for (fixture, optimizer) in [("small_adamw", ADAMW), ("small_muon", MUON)] {
            let json = json(fixture);
            let config = config(&json);
            let mut fresh = || {
                let model = Model::new(&mut device, config).unwrap();
                model.parameters.write(&mut device, &tensors.flat("param.", &config)).unwrap();
                let batches = Batches::written(&mut device, [1, BATCH, LENGTH]).unwrap();
                let parts =
                    Parts::new(&mut device, &variants, model, batches, &optimizer, LOSSES, false);
                Step { parts: parts.unwrap() }
            };
            let [first, step] = [fresh(), fresh()];
            let mut recording = Recording::default();
            step::record_gradient(&mut recording, &variants, &first.parts);
            let program = device.compile(recording).unwrap();
            first.write(&mut device, &batch(&tensors, "batch0."));
            device.run(&program).unwrap();
            let actual = first.read(&device, &first.parts.gradient);
            let golden = tensors.flat("grad.", &config);
            let squares = |values: &mut dyn Iterator<Item = f32>| -> f64 {
                values.map(|value| f64::from(value).powi(2)).sum()
            };
            let apart = squares(&mut actual.iter().zip(&golden).map(|(a, b)| a - b));
            let distance = (apart / squares(&mut golden.iter().copied())).sqrt();
            assert!(distance < GRADIENT, "{variant:?}: the gradient is {distance:.1e} off");
            println!("{variant:?}: the gradient is {distance:.1e} off");

            let mut recording = Recording::default();
            step::record(&mut recording, &variants, &step.parts);
            let program = device.compile(recording).unwrap();
            for n in 1..=5 {
                step.write(&mut device, &batch(&tensors, &format!("batch{}.", n - 1)));
                device.run(&program).unwrap();
                let expected = json["losses_before_step"][n - 1].as_f64().unwrap() as f32;
                let what = format!("{variant:?}, {fixture}, loss {n}");
                assert_close(&what, &[step.loss(&device, n)], &[expected], LOSS, 0.0);
            }
        }
    }
}
