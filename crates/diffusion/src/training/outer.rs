//! Devices that train on their own for some steps and then agree: DiLoCo (arXiv 2311.08105).
//!
//! What a device has moved away from the common network in `every` steps is taken for a gradient. The
//! mean of all these is followed by gradient descent with Nesterov's momentum, and all go on from
//! there. A network is then sent once in `every` steps, not a gradient in each: for slow lines.

use device::{Device, Pages};

use super::TrainingError;
use super::step::Parts;
use super::team::{self, Team};

/// Name of the outer momentum in a [`TrainingState`](super::TrainingState).
pub(super) const MOMENTUM: &str = "outer.momentum";

/// Name of the common network in a [`TrainingState`](super::TrainingState) of a round that is not over.
pub(super) const COMMON: &str = "outer.common";

/// How devices agree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OuterConfig {
    /// Steps of a round, after which they agree; at least 1.
    pub every: u32,
    /// Learning rate; with 1 and no momentum the common network becomes the mean of all.
    pub lr: f64,
    /// Share of the earlier updates that is kept, from 0 on and below 1.
    pub momentum: f64,
}

/// What devices agree on.
#[derive(Debug)]
pub(super) struct Outer {
    config: OuterConfig,
    /// The network after the last round, flat.
    pub(super) common: Vec<f32>,
    /// Flat.
    pub(super) momentum: Vec<f32>,
}

impl Outer {
    pub(super) fn new(config: OuterConfig, common: Vec<f32>) -> Self {
        let momentum = vec![0.0; common.len()];
        Self { config, common, momentum }
    }

    /// Whether all devices have the same network after so many steps.
    pub(super) fn is_common(&self, steps: u32) -> bool {
        steps.is_multiple_of(self.config.every)
    }

    /// Ends a round: the devices of the team go on with one network, and with the mean of their
    /// optimizers' buffers, so that one checkpoint is that of all. (The paper leaves each its own, and
    /// finds no difference.)
    pub(super) async fn agree(
        &mut self,
        device: &mut Device,
        team: &mut dyn Team,
        parts: &Parts,
    ) -> Result<(), TrainingError> {
        let parameters = &parts.model.parameters;
        let mut moved = parameters.read(device).await?;
        for (moved, &common) in moved.iter_mut().zip(&self.common) {
            *moved = common - *moved;
        }
        mean(team, &mut moved)?;
        self.follow(&moved);
        parameters.write(device, &self.common)?;
        if team.ranks() == 1 {
            return Ok(());
        }
        for (_, buffer) in parts.optimizer.buffers() {
            let buffer: &Pages = buffer;
            let mut values = buffer.read(device).await?;
            mean(team, &mut values)?;
            buffer.write(device, &values)?;
        }
        Ok(())
    }

    /// Gradient descent with Nesterov's momentum (Sutskever et al. 2013, as PyTorch has it).
    fn follow(&mut self, gradient: &[f32]) {
        let OuterConfig { lr, momentum: kept, .. } = self.config;
        let (lr, kept) = (lr as f32, kept as f32);
        let state = self.common.iter_mut().zip(&mut self.momentum);
        for ((common, momentum), &gradient) in state.zip(gradient) {
            *momentum = kept * *momentum + gradient;
            *common -= lr * (gradient + kept * *momentum);
        }
    }
}

/// Makes each of `values` its mean over the team.
pub(super) fn mean(team: &mut dyn Team, values: &mut [f32]) -> Result<(), TrainingError> {
    team::sum(team, values)?;
    // A power of two: exact.
    let share = 1.0 / team.ranks() as f32;
    values.iter_mut().for_each(|value| *value *= share);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From 1.0 with the gradients 0.5, -0.25, 0.125, by hand: the momentum is 0.5, 0.2, 0.305.
    #[test]
    fn momentum_looks_ahead() {
        let config = OuterConfig { every: 1, lr: 0.7, momentum: 0.9 };
        let mut outer = Outer::new(config, vec![1.0]);
        for (gradient, expected) in [(0.5, 0.335), (-0.25, 0.384), (0.125, 0.104_35)] {
            outer.follow(&[gradient]);
            assert!((outer.common[0] - expected).abs() < 1e-6, "{} {expected}", outer.common[0]);
        }
    }
}
