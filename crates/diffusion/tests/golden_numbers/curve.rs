//! A learning curve of PyTorch's, step by step: weights, batches, timesteps and masks come from the
//! hash formula, so nothing but a text's token ids is needed to follow it.

use std::f64::consts::FRAC_PI_2;

use device::Device;
use diffusion::training::BatchData;
use model::Config;
use serde_json::Value;

use crate::fixture::config;
use crate::hash::{self, hash};
use crate::step::{ADAMW, Step};

/// What a curve's file says of its run.
pub(crate) struct Curve {
    config: Config,
    batch: usize,
    train_tokens: usize,
    weights_seed: u64,
    train_seed: u64,
    amplitude: f32,
    /// Loss of every step's batch, before the update.
    pub(crate) losses: Vec<f32>,
}

impl Curve {
    pub(crate) fn read(json: &Value) -> Self {
        let number = |value: &Value| value.as_u64().unwrap();
        let losses = json["step_losses"].as_array().unwrap();
        Self {
            config: config(json),
            batch: number(&json["batch"]) as usize,
            train_tokens: number(&json["train_tokens"]) as usize,
            weights_seed: number(&json["seeds"]["weights"]),
            train_seed: number(&json["seeds"]["train"]),
            amplitude: json["amplitude"].as_f64().unwrap() as f32,
            losses: losses.iter().map(|loss| loss.as_f64().unwrap() as f32).collect(),
        }
    }

    /// Batch `number`: windows of the text, and a token is masked where its uniform exceeds the
    /// squared cosine of its timestep.
    fn draw(&self, text: &[u32], number: u64) -> BatchData {
        let Config { block_size: length, timesteps: last, mask_id, .. } = self.config;
        let (mut targets, mut ids, mut mask, mut timesteps) = (vec![], vec![], vec![], vec![]);
        for row in 0..self.batch as u64 {
            let draw = |purpose, below: usize| {
                (hash(self.train_seed, 3 * number + purpose, row) % below as u64) as usize
            };
            let start = draw(0, self.train_tokens - length);
            let timestep = 1 + draw(1, last);
            let alpha = (timestep as f64 / last as f64 * FRAC_PI_2).cos().powi(2);
            timesteps.push(timestep as u32);
            for (position, &id) in (0..).zip(&text[start..start + length]) {
                let index = row * length as u64 + position;
                let masked = hash::unit(self.train_seed, 3 * number + 2, index) > alpha;
                targets.push(id);
                ids.push(if masked { mask_id } else { id });
                mask.push(u32::from(masked));
            }
        }
        BatchData { ids, targets, mask, timesteps }
    }

    /// Trains on `ids` and tells the loss of each step, from 0.
    pub(crate) fn follow(
        &self,
        device: &mut Device,
        ids: &[u32],
        steps: usize,
        mut tell: impl FnMut(usize, f32),
    ) {
        let values = hash::weights(&self.config, self.weights_seed, self.amplitude);
        let sizes = [self.batch, self.config.block_size];
        let step = Step::new(device, self.config, &values, sizes, ADAMW);
        let program = device.compile(step.record()).unwrap();
        for number in 0..steps {
            step.write(device, &self.draw(ids, number as u64));
            device.run(&program).unwrap();
            tell(number, step.loss(device, number + 1));
        }
    }
}
