//! The recorded training step.

use std::ops::Range;

use device::{Device, DeviceError, Element, Pages, Recording, Slice};
use kernels::cross_entropy::TokenStats;
use kernels::dropout::Dropout;
use kernels::{Variants, loss};
use model::backward::{self, Loss};
use model::forward::{self, Dropping, Pass};
use model::{Activations, Model, Scratch};
use optim::{Layout, Optimizer, OptimizerConfig};

use super::batches::Batches;

/// What a training step is recorded from.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The network that is trained.
    pub model: Model,
    /// What updates it.
    pub optimizer: Optimizer,
    /// What it is trained on.
    pub batches: Batches,
    /// Buffers of both passes.
    pub acts: Activations,
    scratch: Scratch,
    /// Gradient of the loss, laid out as the parameters.
    pub gradient: Pages,
    row_weights: Slice,
    stats: TokenStats,
    /// Losses of the latest steps: step n stands at n mod its length.
    pub losses: Slice,
    /// What is dropped; nothing unless somebody sets it before the step is recorded.
    pub dropout: Option<Dropout>,
}

impl Parts {
    /// Allocates everything that a step needs besides the model and its batches; losses and
    /// gradient norms of the latest `slots` steps are kept. With `recompute`, activations are
    /// computed again in the backward pass rather than kept.
    pub fn new(
        device: &mut Device,
        variants: &Variants,
        model: Model,
        batches: Batches,
        optimizer: &OptimizerConfig,
        slots: usize,
        recompute: bool,
    ) -> Result<Self, DeviceError> {
        let config = model.config;
        let layout = Layout {
            pages: config.pages(device.capabilities().max_binding_size),
            hidden: config.hidden_matrices(),
            scalars: config.scalars(),
        };
        let optimizer = Optimizer::new(device, *optimizer, layout, slots)?;
        let Batches { batch, positions, .. } = batches;
        let mut acts = Activations::for_training(device, &config, batch, positions, recompute)?;
        acts.mask = model.objective.attention();
        let scratch = Scratch::new(device, variants, &config, &acts)?;
        let gradient = Model::pages(device, &config, "gradient")?;
        let stats = model::alloc_stats(device, batches.mask.len)?;
        let row_weights = device.allocate("row_weights", Element::Float, batches.mask.len)?;
        let losses = device.allocate("losses", Element::Float, slots)?;
        Ok(Self {
            model,
            optimizer,
            batches,
            acts,
            scratch,
            gradient,
            row_weights,
            stats,
            losses,
            dropout: None,
        })
    }
}

/// Records a whole training step: batch, loss and gradient, update.
pub fn record(step: &mut Recording, variants: &Variants, parts: &Parts) {
    record_gradient(step, variants, parts);
    record_update(step, variants, parts);
}

/// Records the first half of a step: the batch, both passes over each microbatch, and the loss.
/// Gradients of the microbatches add up.
pub fn record_gradient(step: &mut Recording, variants: &Variants, parts: &Parts) {
    record_batch(step, parts);
    record_passes(step, variants, parts, 0..parts.batches.microbatches.len(), parts.losses);
}

/// Records what makes the batch of the next step.
pub fn record_batch(step: &mut Recording, parts: &Parts) {
    let Parts { optimizer, batches, .. } = parts;
    step.section("batch", |step| {
        optimizer.begin(step);
        batches.record(step, optimizer.counter);
    });
}

/// Records both passes over the microbatches `which`, whose gradients add up, and what they contribute
/// to the loss, which goes into the ring `losses`.
pub fn record_passes(
    step: &mut Recording,
    variants: &Variants,
    parts: &Parts,
    which: Range<usize>,
    losses: Slice,
) {
    let Parts { model, optimizer, batches, acts, scratch, gradient, .. } = parts;
    let Parts { row_weights, stats, dropout, .. } = parts;
    let d = model.config.cut(|offset, len| gradient.part(offset, len));
    let rows = acts.rows();
    for index in which.clone() {
        let microbatch = &batches.microbatches[index];
        let start = index * rows;
        let (ids, timesteps) = (microbatch.ids, microbatch.timesteps);
        let counter = optimizer.counter;
        let dropout = dropout.map(|dropout| Dropping { dropout, counter, pass: index });
        let pass = Pass { variants, model, acts, ids, timesteps, dropout };
        step.section("forward", |step| forward::trunk(step, &pass));
        let loss = Loss {
            targets: microbatch.targets,
            weights: batches.loss_weights.part(start, rows),
            row_weights: row_weights.part(start, rows),
            stats: stats.part(start, rows),
        };
        step.section("backward", |step| {
            backward::record(step, &pass, scratch, loss, &d, index > which.start);
        });
    }
    let (start, count) = (which.start * rows, which.len() * rows);
    let io = loss::Weighted {
        counter: optimizer.counter,
        weights: row_weights.part(start, count),
        loss: stats.loss.part(start, count),
        ring: losses,
    };
    step.section("loss", |step| loss::weighted(step, io));
}

/// Records the second half of a step: the update of the parameters by the gradient.
pub fn record_update(step: &mut Recording, variants: &Variants, parts: &Parts) {
    let Parts { model, optimizer, gradient, .. } = parts;
    step.section("update", |step| {
        optimizer.update(step, variants, &model.parameters, gradient);
    });
}
