//! What a denoising step costs at each position, recorded with the statistics of the predictions.

use device::{Device, DeviceError, Element, Recording, Slice};
use kernels::cross_entropy::{self, TokenStats};
use kernels::noise_divergence::{self, Divergence};
use model::forward::{self, Pass};
use model::{Model, Schedule};

use super::scorer::Best;

/// Costs of the steps of uniform diffusion. In masked diffusion the cost is the cross-entropy, up to
/// a weight.
#[derive(Clone, Debug)]
pub(crate) struct Costs {
    /// Survival probability at each time, `(T + 1)`.
    alpha: Slice,
    /// Nats, `(N)`.
    pub(crate) nats: Slice,
}

impl Costs {
    /// For `rows` positions of texts that are corrupted by this schedule; `None` for a model whose
    /// costs are cross-entropies.
    pub(crate) fn new(
        device: &mut Device,
        model: &Model,
        schedule: Schedule,
        rows: usize,
    ) -> Result<Option<Self>, DeviceError> {
        if !model.objective.replaces() {
            return Ok(None);
        }
        let alpha = device.floats("alpha", &schedule.alpha_table(model.config.timesteps))?;
        let nats = device.allocate("costs", Element::Float, rows)?;
        Ok(Some(Self { alpha, nats }))
    }
}

/// Records the forward pass with the statistics of every position against `targets (N)`, and what it
/// costs where sequences are corrupted at `times (batch)`, and the likeliest tokens.
pub(crate) fn record(
    step: &mut Recording,
    pass: &Pass<'_>,
    targets: Slice,
    stats: TokenStats,
    costs: Option<(&Costs, Slice)>,
    best: Option<Best>,
) {
    let Pass { model, acts, ids, .. } = *pass;
    forward::logits(step, pass, |step, rows, logits| {
        let (first, count) = (rows.start, rows.len());
        let (ids, targets) = (ids.part(first, count), targets.part(first, count));
        cross_entropy::forward(step, logits, targets, stats.part(first, count));
        if let Some((costs, times)) = costs {
            let (alpha, loss) = (costs.alpha, costs.nats.part(first, count));
            let io = noise_divergence::Buffers { logits, ids, targets, times, alpha, loss };
            let divergence = Divergence {
                first,
                length: acts.length,
                mask_id: model.config.mask_id,
                noise: model.objective.noise(&model.config),
                plain: model.objective == model::Objective::Uniform,
            };
            noise_divergence::record(step, io, &divergence);
        }
        if let Some(best) = best {
            best.record(step, logits, first, count);
        }
    });
}
