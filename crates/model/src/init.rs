//! Values of a new network.

use kernels::rng::{Philox, Stream};
use serde::{Deserialize, Serialize};

use crate::Config;
use crate::weights::Role;

/// How the weights of a new network are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Init {
    /// Standard deviation of every tensor.
    pub std: f32,
    /// Whether the two matrices of a block that write to the residual stream start at zero, so
    /// that every block begins as the identity.
    pub zero_projections: bool,
    /// Seed of the draw.
    pub seed: u64,
}

/// Draws the flat parameters: normal numbers by Box and Muller's method from Philox, tensor by
/// tensor in canonical order; the same on every machine up to the rounding of ln, sin and cos.
pub fn initial_values(config: &Config, init: &Init) -> Vec<f32> {
    let mut values = vec![0.0; config.flat_len()];
    for (tensor, stream) in config.tensors().iter().zip(0..) {
        match tensor.role {
            Role::Projection if init.zero_projections => continue,
            Role::Scalar => continue,
            Role::Shortcut => {
                values[tensor.offset] = 1.0;
                continue;
            }
            _ => {}
        }
        let generator = Philox::new(init.seed);
        for (pair, index) in values[tensor.range()].chunks_mut(2).zip(0..) {
            let [a, b, ..] = generator.of(Stream::Weights, [index, stream, 0]);
            let open = |word: u32| (f64::from(word) + 0.5) * f64::from(2.0f32).powi(-32);
            let radius = (-2.0 * open(a).ln()).sqrt() * f64::from(init.std);
            let (sin, cos) = (std::f64::consts::TAU * open(b)).sin_cos();
            for (value, part) in pair.iter_mut().zip([cos, sin]) {
                *value = (radius * part) as f32;
            }
        }
    }
    values
}
