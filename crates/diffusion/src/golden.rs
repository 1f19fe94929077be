//! Golden numbers from an independent PyTorch implementation, for the tests.

use device::{AdapterChoice, Device, Gpu};
use model::{Card, Checkpoint, Config};
use pollster::block_on;
use safetensors::SafeTensors;
use serde_json::Value;

/// One pair of fixture files.
pub(crate) struct Golden {
    pub(crate) json: Value,
    tensors: SafeTensors<'static>,
}

impl Golden {
    /// Traces of the sampler, with the weights that made them.
    pub(crate) fn sampler() -> Self {
        Self::new(
            include_str!("../tests/golden/sampler.json"),
            include_bytes!("../tests/golden/sampler.safetensors"),
        )
    }

    /// Batches and metrics, with the same weights.
    pub(crate) fn metrics() -> Self {
        Self::new(
            include_str!("../tests/golden/metrics.json"),
            include_bytes!("../tests/golden/metrics.safetensors"),
        )
    }

    fn new(json: &str, tensors: &'static [u8]) -> Self {
        Self {
            json: serde_json::from_str(json).unwrap(),
            tensors: SafeTensors::deserialize(tensors).unwrap(),
        }
    }

    pub(crate) fn floats(&self, name: &str) -> Vec<f32> {
        let data = self.tensors.tensor(name).unwrap().data();
        data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
    }

    pub(crate) fn words(&self, name: &str) -> Vec<u32> {
        let data = self.tensors.tensor(name).unwrap().data();
        data.as_chunks().0.iter().map(|&bytes| u32::from_le_bytes(bytes)).collect()
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u32> {
        self.tensors.tensor(name).unwrap().data().iter().map(|&byte| byte.into()).collect()
    }

    /// The small network that was trained on characters.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        let size = |name: &str| self.json["config"][name].as_u64().unwrap() as usize;
        let config = Config {
            n_layer: size("n_layer"),
            n_head: size("n_head"),
            n_embd: size("n_embd"),
            block_size: size("block_size"),
            timesteps: size("T"),
            mask_id: size("mask_id") as u32,
            ..Config::reference(size("vocab_size"))
        };
        let mut values = vec![0.0; config.flat_len()];
        for tensor in config.tensors() {
            values[tensor.range()].copy_from_slice(&self.floats(&format!("param.{}", tensor.name)));
        }
        Checkpoint { config, card: Card::default(), values }
    }
}

/// The oracle, the CPU device and the GPU; without a GPU the test fails.
pub(crate) fn devices() -> [Device; 3] {
    let gpu = block_on(Gpu::open(&AdapterChoice::Any))
        .expect("the tests need a GPU or a software driver");
    [Device::oracle(), Device::cpu(), Device::Gpu(Box::new(gpu))]
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}
