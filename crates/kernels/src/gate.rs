//! Gates of the attention heads, forward and backward.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::grid;
use crate::imports::kernel;
use crate::parallel::*;
use crate::vectors::sum_of;

/// Channels that a gate reads: the first of the block's normalised input.
pub const GATE_CHANNELS: usize = 12;

/// Sizes of the gates.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Positions (N).
    pub rows: usize,
    /// Heads (H).
    pub heads: usize,
    /// Width of a head (D); H D is at least [`GATE_CHANNELS`].
    pub head_dim: usize,
}

impl Shape {
    fn params(self, count: usize) -> Params {
        let [count, heads, head_dim] = [count, self.heads, self.head_dim].map(|size| size as u32);
        Params { count, heads, head_dim }
    }
}

params! {
    struct Params {
        count: u32,
        heads: u32,
        head_dim: u32,
    }
}

params! {
    struct WeightsParams {
        rows: u32,
        heads: u32,
        head_dim: u32,
        accumulate: u32,
    }
}

buffers! {
    /// Buffers of the forward pass.
    pub struct Forward {
        /// Normalised input of attention, `(N, C)`.
        h: floats,
        /// `(H, GATE_CHANNELS)`
        gate: floats,
        /// Output of the heads, `(N, H, D)`.
        y: floats,
        /// Written: `(N, H, D)`.
        gated: floats_mut,
    }
}

/// `shaders/gate_forward.wgsl`
pub static FORWARD: Kernel = kernel!("gate_forward", Params, Forward, forward_twin);

buffers! {
    /// Buffers of the backward pass to the output of the heads.
    pub struct Backward {
        /// As in [`Forward`].
        h: floats,
        /// As in [`Forward`].
        gate: floats,
        /// As in [`Forward`].
        y: floats,
        /// In place: gradient of the gated output, then of `y`.
        d_y: floats_mut,
        /// Written: gradient of the sigmoid's argument, `(N, H)`.
        d_z: floats_mut,
    }
}

/// `shaders/gate_backward.wgsl`
pub static BACKWARD: Kernel = kernel!("gate_backward", Params, Backward, backward_twin);

buffers! {
    /// Buffers of the backward pass to the input of attention.
    pub struct BackwardInput {
        /// As in [`Forward`].
        gate: floats,
        /// Of [`Backward`].
        d_z: floats,
        /// Added to: `(N, C)`.
        d_h: floats_mut,
    }
}

/// `shaders/gate_backward_input.wgsl`
pub static BACKWARD_INPUT: Kernel =
    kernel!("gate_backward_input", Params, BackwardInput, backward_input_twin);

buffers! {
    /// Buffers of the backward pass to the gates.
    pub struct BackwardWeights {
        /// As in [`Forward`].
        h: floats,
        /// Of [`Backward`].
        d_z: floats,
        /// Set or added to: `(H, GATE_CHANNELS)`.
        d_gate: floats_mut,
    }
}

/// `shaders/gate_backward_weights.wgsl`
pub static BACKWARD_WEIGHTS: Kernel =
    kernel!("gate_backward_weights", WeightsParams, BackwardWeights, backward_weights_twin);

/// Records `gated = 2 sigmoid(h . gate) y`, head by head.
pub fn forward(step: &mut Recording, io: Forward, shape: Shape) {
    let count = io.y.len;
    let params = shape.params(count);
    let dots = 2 * GATE_CHANNELS * shape.rows * shape.heads;
    step.push(Launch::new(&FORWARD, &params, io, grid::elements(count)).flop(dots + count));
}

/// Records the gradients of the heads' output and of the sigmoid's argument.
pub fn backward(step: &mut Recording, io: Backward, shape: Shape) {
    let count = io.d_z.len;
    let grid = grid::fold(count.div_ceil(64));
    let flop = 2 * GATE_CHANNELS * count + 3 * io.y.len;
    step.push(Launch::new(&BACKWARD, &shape.params(count), io, grid).flop(flop));
}

/// Records what the gates add to the gradient of their input, after [`backward`].
pub fn backward_input(step: &mut Recording, io: BackwardInput, shape: Shape) {
    let count = shape.rows * GATE_CHANNELS;
    let params = shape.params(count);
    let flop = 2 * count * shape.heads;
    step.push(Launch::new(&BACKWARD_INPUT, &params, io, grid::elements(count)).flop(flop));
}

/// Records the gradient of the gates, set or added to, after [`backward`].
pub fn backward_weights(step: &mut Recording, io: BackwardWeights, shape: Shape, accumulate: bool) {
    let [rows, heads, head_dim] = [shape.rows, shape.heads, shape.head_dim].map(|size| size as u32);
    let params = WeightsParams { rows, heads, head_dim, accumulate: u32::from(accumulate) };
    let grid = [heads * GATE_CHANNELS as u32, 1, 1];
    let flop = 2 * io.d_z.len * GATE_CHANNELS;
    step.push(Launch::new(&BACKWARD_WEIGHTS, &params, io, grid).flop(flop));
}

/// The gate of a head, from the input of a position: twice the sigmoid.
fn factor<E: Real>(h: &[E], gate: &[E]) -> E {
    let z = sum_of(GATE_CHANNELS, |c| h[c] * gate[c]);
    E::from_f64(2.0) / (E::one() + (-z).exp())
}

fn forward_twin<E: Real>(args: Args<'_, E>) {
    let (params, [h, gate, y, gated]) = args.take::<Params, 4>();
    let (gate, head_dim) = (gate.floats(), params.head_dim as usize);
    let channels = params.heads as usize * head_dim;
    let rows = h.floats().par_chunks_exact(channels).zip(y.floats().par_chunks_exact(channels));
    let outputs = gated.floats_mut().par_chunks_exact_mut(channels);
    outputs.zip(rows).for_each(|(gated, (h, y))| {
        let heads = gated.chunks_exact_mut(head_dim).zip(y.chunks_exact(head_dim));
        for ((gated, y), gate) in heads.zip(gate.chunks_exact(GATE_CHANNELS)) {
            let factor = factor(h, gate);
            gated.iter_mut().zip(y).for_each(|(gated, &y)| *gated = factor * y);
        }
    });
}

fn backward_twin<E: Real>(args: Args<'_, E>) {
    let (params, [h, gate, y, d_y, d_z]) = args.take::<Params, 5>();
    let (gate, head_dim) = (gate.floats(), params.head_dim as usize);
    let channels = params.heads as usize * head_dim;
    let rows = h.floats().par_chunks_exact(channels).zip(y.floats().par_chunks_exact(channels));
    let outputs = d_y.floats_mut().par_chunks_exact_mut(channels);
    let outputs = outputs.zip(d_z.floats_mut().par_chunks_exact_mut(params.heads as usize));
    outputs.zip(rows).for_each(|((d_y, d_z), (h, y))| {
        let heads = d_y.chunks_exact_mut(head_dim).zip(d_z).zip(y.chunks_exact(head_dim));
        for (((d_y, d_z), y), gate) in heads.zip(gate.chunks_exact(GATE_CHANNELS)) {
            let factor = factor(h, gate);
            let dot = sum_of(head_dim, |d| d_y[d] * y[d]);
            *d_z = factor * (E::one() - E::from_f64(0.5) * factor) * dot;
            d_y.iter_mut().for_each(|d_y| *d_y *= factor);
        }
    });
}

fn backward_input_twin<E: Real>(args: Args<'_, E>) {
    let (params, [gate, d_z, d_h]) = args.take::<Params, 3>();
    let (gate, heads) = (gate.floats(), params.heads as usize);
    let rows = d_h.floats_mut().par_chunks_exact_mut(heads * params.head_dim as usize);
    rows.zip(d_z.floats().par_chunks_exact(heads)).for_each(|(d_h, d_z)| {
        for (&d_z, gate) in d_z.iter().zip(gate.chunks_exact(GATE_CHANNELS)) {
            d_h.iter_mut().zip(gate).for_each(|(d_h, &gate)| *d_h += d_z * gate);
        }
    });
}

fn backward_weights_twin<E: Real>(args: Args<'_, E>) {
    let (params, [h, d_z, d_gate]) = args.take::<WeightsParams, 3>();
    let (h, d_z, heads) = (h.floats(), d_z.floats(), params.heads as usize);
    let channels = heads * params.head_dim as usize;
    let gates = d_gate.floats_mut().par_chunks_exact_mut(GATE_CHANNELS).enumerate();
    gates.for_each(|(head, d_gate)| {
        if params.accumulate == 0 {
            d_gate.fill(E::zero());
        }
        for (d_z, h) in d_z.chunks_exact(heads).zip(h.chunks_exact(channels)) {
            d_gate.iter_mut().zip(h).for_each(|(d_gate, &h)| *d_gate += d_z[head] * h);
        }
    });
}
