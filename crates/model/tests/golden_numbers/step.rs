//! A training step on given batches.

use device::{Device, Element, Recording, Slice};
use kernels::{Variants, loss};
use model::backward::{self, Loss};
use model::forward::{self, Pass};
use model::{Activations, Config, Model, Scratch};
use optim::{AdamWConfig, Layout, MuonConfig, Optimizer, OptimizerConfig, ScheduleConfig};
use pollster::block_on;

/// Steps whose losses are remembered.
pub(crate) const LOSSES: usize = 8;

/// The step as it is recorded for drawn ones.
pub(crate) struct Step {
    pub(crate) model: Model,
    pub(crate) gradient: Slice,
    ids: Slice,
    targets: Slice,
    mask: Slice,
    timesteps: Slice,
    pub(crate) losses: Slice,
    pub(crate) optimizer: Optimizer,
}

/// Clean and noisy tokens, masks (1 where masked) and timesteps.
pub(crate) struct Batch {
    pub(crate) x0: Vec<u32>,
    pub(crate) xt: Vec<u32>,
    pub(crate) mask: Vec<u32>,
    pub(crate) t: Vec<u32>,
}

pub(crate) const ADAMW: OptimizerConfig = OptimizerConfig {
    adamw: AdamWConfig { lr: 3e-4, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 },
    muon: None,
    clip: f64::INFINITY,
    schedule: ScheduleConfig::CONSTANT,
};

/// The fixture's Muon: AdamW as above for the embeddings and the head.
pub(crate) const MUON: OptimizerConfig = OptimizerConfig {
    muon: Some(MuonConfig { lr: 0.02, momentum: 0.95, weight_decay: 0.0 }),
    ..ADAMW
};

impl Step {
    pub(crate) fn record(
        device: &mut Device,
        config: Config,
        values: &[f32],
        [batch, length]: [usize; 2],
        optimizer: OptimizerConfig,
    ) -> (Self, Recording) {
        let rows = batch * length;
        let model = Model::new(device, config).unwrap();
        device.write_floats(model.parameters, values).unwrap();
        let acts = Activations::for_training(device, &config, batch, length).unwrap();
        let scratch = Scratch::new(device, &config, &acts).unwrap();
        let gradient = device.allocate("gradient", Element::Float, config.flat_len()).unwrap();
        let d = config.cut(|offset, len| gradient.part(offset, len));
        let mut words = |len| device.allocate("words", Element::Word, len).unwrap();
        let (ids, targets, mask, timesteps) = (words(rows), words(rows), words(rows), words(batch));
        let weights = device.allocate("weights", Element::Float, rows).unwrap();
        let statistics = model::statistics(device, rows).unwrap();
        let losses = device.allocate("losses", Element::Float, LOSSES).unwrap();
        let optimizer = Optimizer::new(
            device,
            optimizer,
            Layout { len: config.flat_len(), hidden: config.hidden_matrices() },
            LOSSES,
        )
        .unwrap();

        let mut step = Recording::default();
        let variants = Variants::default();
        optimizer.begin(&mut step);
        loss::weights(&mut step, mask, weights);
        let pass = Pass { variants: &variants, model: &model, acts: &acts, ids, timesteps };
        forward::trunk(&mut step, &pass);
        let loss = Loss { targets, weights, rows: statistics };
        backward::record(&mut step, &pass, &scratch, loss, &d, false);
        loss::weighted(&mut step, optimizer.counter, weights, statistics.loss, losses);
        optimizer.update(&mut step, &variants, model.parameters, gradient);
        let step_of = Self { model, gradient, ids, targets, mask, timesteps, losses, optimizer };
        (step_of, step)
    }

    pub(crate) fn write(&self, device: &mut Device, batch: &Batch) {
        device.write_words(self.ids, &batch.xt).unwrap();
        device.write_words(self.targets, &batch.x0).unwrap();
        device.write_words(self.mask, &batch.mask).unwrap();
        device.write_words(self.timesteps, &batch.t).unwrap();
    }

    /// Loss of step `n`, from 1.
    pub(crate) fn loss(&self, device: &Device, n: usize) -> f32 {
        block_on(device.read_floats(self.losses)).unwrap()[n % LOSSES]
    }

    pub(crate) fn read(&self, device: &Device, slice: Slice) -> Vec<f32> {
        block_on(device.read_floats(slice)).unwrap()
    }
}
