//! The MLP's activation max(x, 0)², forward and backward.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::grid;
use crate::grid::CHUNK;
use crate::imports::kernel;
use crate::parallel::*;
use crate::vectors::vectorized;

params! {
    struct Params {
        count: u32,
    }
}

buffers! {
    /// Buffers of the forward pass, of the same length.
    pub struct Forward {
        /// Input.
        x: floats,
        /// Written.
        out: floats_mut,
    }
}

/// `shaders/relu_squared_forward.wgsl`
pub static FORWARD: Kernel = kernel!("relu_squared_forward", Params, Forward, forward_twin);

buffers! {
    /// Buffers of the backward pass, of the same length.
    pub struct Backward {
        /// Input of the forward pass.
        x: floats,
        /// In place: gradient of the output, then of the input.
        d_x: floats_mut,
    }
}

/// `shaders/relu_squared_backward.wgsl`
pub static BACKWARD: Kernel = kernel!("relu_squared_backward", Params, Backward, backward_twin);

/// Records `out = max(x, 0)²`.
pub fn forward(step: &mut Recording, io: Forward) {
    let count = io.x.len;
    step.push(
        Launch::new(&FORWARD, &Params { count: count as u32 }, io, grid::elements(count))
            .flop(2 * count),
    );
}

/// Records `d_x = 2 max(x, 0) d_x`, where `d_x` holds the gradient of the output before.
pub fn backward(step: &mut Recording, io: Backward) {
    let count = io.x.len;
    step.push(
        Launch::new(&BACKWARD, &Params { count: count as u32 }, io, grid::elements(count))
            .flop(2 * count),
    );
}

fn forward_twin<E: Real>(args: Args<'_, E>) {
    let (_, [x, out]) = args.take::<Params, 2>();
    let chunks = out.floats_mut().par_chunks_mut(CHUNK).zip(x.floats().par_chunks(CHUNK));
    chunks.for_each(|(out, x)| {
        vectorized!(for (out, &x) in out.iter_mut().zip(x) {
            let positive = x.max(E::zero());
            *out = positive * positive;
        })
    });
}

fn backward_twin<E: Real>(args: Args<'_, E>) {
    let (_, [x, d_x]) = args.take::<Params, 2>();
    let chunks = d_x.floats_mut().par_chunks_mut(CHUNK).zip(x.floats().par_chunks(CHUNK));
    chunks.for_each(|(d_x, x)| {
        vectorized!(for (d_x, &x) in d_x.iter_mut().zip(x) {
            *d_x *= E::from_f64(2.0) * x.max(E::zero());
        })
    });
}
