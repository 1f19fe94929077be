//! Golden numbers: safetensors and JSON files of an independent PyTorch implementation.

use std::path::PathBuf;

use device::{AdapterChoice, Device, Gpu};
use model::Config;
use pollster::block_on;
use safetensors::SafeTensors;
use serde_json::Value;

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file)
}

/// A JSON file of the fixtures.
pub(crate) fn json(name: &str) -> Value {
    let text = std::fs::read(path(&format!("{name}.json"))).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// The tensors of a fixture.
pub(crate) struct Tensors(Vec<u8>);

impl Tensors {
    pub(crate) fn open(name: &str) -> Self {
        Self(std::fs::read(path(&format!("{name}.safetensors"))).unwrap())
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        file.tensor(name).unwrap_or_else(|_| panic!("no tensor {name}")).data().to_vec()
    }

    pub(crate) fn floats(&self, name: &str) -> Vec<f32> {
        self.bytes(name).as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect()
    }

    pub(crate) fn words(&self, name: &str) -> Vec<u32> {
        self.bytes(name).as_chunks().0.iter().map(|&b| u32::from_le_bytes(b)).collect()
    }

    pub(crate) fn mask(&self, name: &str) -> Vec<u32> {
        self.bytes(name).into_iter().map(u32::from).collect()
    }

    /// All parameters under `prefix`, laid out flat.
    pub(crate) fn flat(&self, prefix: &str, config: &Config) -> Vec<f32> {
        let mut values = vec![0.0; config.flat_len()];
        for tensor in config.tensors() {
            let name = format!("{prefix}{}", tensor.name);
            values[tensor.range()].copy_from_slice(&self.floats(&name));
        }
        values
    }
}

/// The config that a JSON fixture states.
pub(crate) fn config(json: &Value) -> Config {
    let number = |name: &str| json["config"][name].as_u64().unwrap() as usize;
    Config {
        n_layer: number("n_layer"),
        n_head: number("n_head"),
        n_embd: number("n_embd"),
        block_size: number("block_size"),
        timesteps: number("T"),
        mask_id: number("mask_id") as u32,
        timestep_embedding: json["config"]["causal"] == false,
        ..Config::reference(number("vocab_size"))
    }
}

/// The three devices that every fixture must agree with. Without a GPU the test fails.
pub(crate) fn devices() -> [Device; 3] {
    let gpu = block_on(Gpu::open(&AdapterChoice::Any))
        .expect("the tests need a GPU or a software driver");
    [Device::oracle(), Device::cpu(), Device::Gpu(Box::new(gpu))]
}

/// Twenty times what PyTorch's own f32 run deviates from its f64 run, and a bit for values that
/// happen to agree exactly.
pub(crate) fn tolerance(json: &Value, tensor: &str) -> f32 {
    let deviation = json["f32_deviation"][tensor]["max_abs"].as_f64().unwrap();
    20.0 * deviation as f32 + 1e-7
}

/// |a - e| <= absolute + relative * |e| for every element.
pub(crate) fn assert_close(
    what: &str,
    actual: &[f32],
    expected: &[f32],
    absolute: f32,
    relative: f32,
) {
    assert_eq!(actual.len(), expected.len(), "{what}: length");
    for (i, (a, e)) in actual.iter().zip(expected).enumerate() {
        let close = (a - e).abs() <= absolute + relative * e.abs();
        assert!(close, "{what}, element {i}: {a}, expected {e} (tolerance {absolute:e})");
    }
}
