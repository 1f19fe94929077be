//! Dropout (Srivastava et al. 2014), forward and backward.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::grid;
use crate::grid::CHUNK;
use crate::imports::kernel;
use crate::parallel::*;
use crate::rng::{Philox, Stream, unit};

/// Elements that one draw decides about.
const QUAD: usize = 4;

/// What is dropped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Probability that an element becomes 0, below 1.
    pub rate: f64,
    /// Seed of every draw.
    pub seed: u64,
}

params! {
    struct Params {
        count: u32,
        rate: f32,
        scale: f32,
        place: u32,
        seed_low: u32,
        seed_high: u32,
    }
}

buffers! {
    /// Buffers of the forward pass.
    pub struct Forward {
        /// Number of the step, `(1)`.
        counter: words,
        /// In place.
        x: floats_mut,
    }
}

/// `shaders/dropout_forward.wgsl`
pub static FORWARD: Kernel = kernel!("dropout_forward", Params, Forward, forward_twin);

buffers! {
    /// Buffers of the backward pass, of the same length but the counter.
    pub struct Backward {
        /// Number of the step, as in the forward pass, `(1)`.
        counter: words,
        /// Gradient of the output.
        d_out: floats,
        /// Written: gradient of the input.
        d_x: floats_mut,
    }
}

/// `shaders/dropout_backward.wgsl`
pub static BACKWARD: Kernel = kernel!("dropout_backward", Params, Backward, backward_twin);

impl Dropout {
    fn params(self, place: u32, count: usize) -> Params {
        Params {
            count: count as u32,
            rate: self.rate as f32,
            scale: (1.0 / (1.0 - self.rate)) as f32,
            place,
            seed_low: self.seed as u32,
            seed_high: (self.seed >> 32) as u32,
        }
    }
}

/// Records that elements of `x` become 0, others at every `place` of the network and in every step, and
/// that the rest grows so that the expectation stays.
pub fn forward(step: &mut Recording, io: Forward, dropout: Dropout, place: u32) {
    let count = io.x.len;
    let grid = grid::elements(count.div_ceil(QUAD));
    step.push(Launch::new(&FORWARD, &dropout.params(place, count), io, grid).flop(count));
}

/// Records the gradient of [`forward`] at the same place.
pub fn backward(step: &mut Recording, io: Backward, dropout: Dropout, place: u32) {
    let count = io.d_x.len;
    let grid = grid::elements(count.div_ceil(QUAD));
    step.push(Launch::new(&BACKWARD, &dropout.params(place, count), io, grid).flop(count));
}

/// Factors of the four elements from `QUAD quad` on.
fn factors<E: Real>(params: &Params, step: u32, quad: usize) -> [E; QUAD] {
    let generator = Philox::new(u64::from(params.seed_high) << 32 | u64::from(params.seed_low));
    let words = generator.of(Stream::Dropout, [quad as u32, params.place, step]);
    words.map(|word| match unit(word) > params.rate {
        true => E::from_f64(params.scale.into()),
        false => E::zero(),
    })
}

fn forward_twin<E: Real>(args: Args<'_, E>) {
    let (params, [counter, x]) = args.take::<Params, 2>();
    let step = counter.words()[0];
    x.floats_mut().par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, x)| {
        for (quad, x) in (chunk * (CHUNK / QUAD)..).zip(x.chunks_mut(QUAD)) {
            let factors = factors::<E>(&params, step, quad);
            x.iter_mut().zip(factors).for_each(|(x, factor)| *x *= factor);
        }
    });
}

fn backward_twin<E: Real>(args: Args<'_, E>) {
    let (params, [counter, d_out, d_x]) = args.take::<Params, 3>();
    let step = counter.words()[0];
    let chunks = d_x.floats_mut().par_chunks_mut(CHUNK).zip(d_out.floats().par_chunks(CHUNK));
    chunks.enumerate().for_each(|(chunk, (d_x, d_out))| {
        let quads = d_x.chunks_mut(QUAD).zip(d_out.chunks(QUAD));
        for (quad, (d_x, d_out)) in (chunk * (CHUNK / QUAD)..).zip(quads) {
            let factors = factors::<E>(&params, step, quad);
            for ((d_x, &d_out), factor) in d_x.iter_mut().zip(d_out).zip(factors) {
                *d_x = factor * d_out;
            }
        }
    });
}
