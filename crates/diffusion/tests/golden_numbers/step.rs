//! The training step that is shipped, over batches that the host writes.

use device::{Device, Pages, Recording};
use diffusion::training::step::{self, Parts};
use diffusion::training::{BatchData, Batches};
use kernels::Variants;
use kernels::attention::Mask;
use model::forward::{self, Pass};
use model::{Activations, Config, Model};
use optim::{AdamW, Coefficients, DecaySchedule, LrSchedule, MuonConfig, OptimizerConfig};
use pollster::block_on;

/// Steps whose losses are remembered.
pub(crate) const LOSSES: usize = 8;

/// A step with its buffers.
pub(crate) struct Step {
    pub(crate) parts: Parts,
}

pub(crate) const ADAMW: OptimizerConfig = OptimizerConfig {
    adamw: AdamW { lr: 3e-4, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 },
    scalar_lr: 0.02,
    muon: None,
    clip: f64::INFINITY,
    schedule: LrSchedule::CONSTANT,
    decay: DecaySchedule::Constant,
    cautious: false,
    average: 0.0,
};

/// The fixture's Muon: AdamW as above for the embeddings and the head.
pub(crate) const MUON: OptimizerConfig = OptimizerConfig {
    muon: Some(MuonConfig {
        lr: 0.02,
        momentum: 0.95,
        weight_decay: 0.0,
        coefficients: Coefficients::Jordan,
    }),
    ..ADAMW
};

/// Runs the forward pass over `batch`, `[sequences, tokens]`, on a network of flat parameters
/// `values`.
pub(crate) fn forward(
    device: &mut Device,
    config: Config,
    values: &[f32],
    batch: &BatchData,
    [sequences, length]: [usize; 2],
    mask: Mask,
) -> Activations {
    let model = Model::new(device, config).unwrap();
    model.parameters.write(device, values).unwrap();
    let mut acts = Activations::for_inference(device, &config, sequences, length).unwrap();
    acts.mask = mask;
    let ids = device.words("ids", &batch.ids).unwrap();
    let timesteps = device.words("timesteps", &batch.timesteps).unwrap();
    let variants = Variants::default();
    let pass =
        Pass { variants: &variants, model: &model, acts: &acts, ids, timesteps, dropout: None };
    let mut recording = Recording::default();
    forward::logits(&mut recording, &pass, |_, _, _| {});
    let program = device.compile(recording).unwrap();
    device.run(&program).unwrap();
    acts
}

impl Step {
    /// Buffers for a network of flat parameters `values`.
    pub(crate) fn new(
        device: &mut Device,
        config: Config,
        values: &[f32],
        [batch, length]: [usize; 2],
        optimizer: OptimizerConfig,
    ) -> Self {
        Self::with(device, config, values, [batch, length], optimizer, false)
    }

    /// The same, with or without recomputation.
    pub(crate) fn with(
        device: &mut Device,
        config: Config,
        values: &[f32],
        [batch, length]: [usize; 2],
        optimizer: OptimizerConfig,
        recompute: bool,
    ) -> Self {
        let model = Model::new(device, config).unwrap();
        model.parameters.write(device, values).unwrap();
        Self::of(device, model, [batch, length], optimizer, recompute)
    }

    /// Buffers for a network on the device.
    pub(crate) fn of(
        device: &mut Device,
        model: Model,
        [batch, length]: [usize; 2],
        optimizer: OptimizerConfig,
        recompute: bool,
    ) -> Self {
        let batches = Batches::written(device, [1, batch, length]).unwrap();
        let variants = Variants::default();
        let parts =
            Parts::new(device, &variants, model, batches, &optimizer, LOSSES, recompute).unwrap();
        Self { parts }
    }

    pub(crate) fn record(&self) -> Recording {
        let mut recording = Recording::default();
        step::record(&mut recording, &Variants::default(), &self.parts);
        recording
    }

    /// The step without its update, so that the parameters stay.
    pub(crate) fn record_gradient(&self) -> Recording {
        let mut recording = Recording::default();
        step::record_gradient(&mut recording, &Variants::default(), &self.parts);
        recording
    }

    pub(crate) fn write(&self, device: &mut Device, batch: &BatchData) {
        self.parts.batches.write(device, batch).unwrap();
    }

    /// Loss of step `n`, from 1.
    pub(crate) fn loss(&self, device: &Device, n: usize) -> f32 {
        block_on(device.read_floats(self.parts.losses)).unwrap()[n % LOSSES]
    }

    pub(crate) fn read(&self, device: &Device, pages: &Pages) -> Vec<f32> {
        block_on(pages.read(device)).unwrap()
    }
}
