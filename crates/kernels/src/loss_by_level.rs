//! Weights of positions in the loss that depend on the noise level of their sequence.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::draw_batch::{Draw, level};
use crate::grid;
use crate::imports::kernel;
use crate::rng::{Philox, Stream};

params! {
    struct Params {
        count: u32,
        length: u32,
        levels: u32,
        stratified: u32,
        seed_low: u32,
        seed_high: u32,
    }
}

buffers! {
    /// Buffers for the N positions of a whole batch.
    pub struct Buffers {
        /// 1 where masked, `(N)`.
        mask: words,
        /// Number of the step, `(1)`.
        counter: words,
        /// Factor of the cross-entropy at each level, from 0, `(levels + 1)`.
        factors: floats,
        /// Written: `(N)`.
        weights: floats_mut,
    }
}

/// `shaders/loss_by_level.wgsl`
pub static KERNEL: Kernel = kernel!("loss_by_level", Params, Buffers, twin);

/// Records `weights = mask * factors[level] / N` of the batch that `draw` draws in the counter's step.
pub fn record(step: &mut Recording, io: Buffers, draw: &Draw) {
    let params = Params {
        count: io.mask.len as u32,
        length: draw.length as u32,
        levels: draw.levels as u32,
        stratified: u32::from(draw.stratified),
        seed_low: draw.seed as u32,
        seed_high: (draw.seed >> 32) as u32,
    };
    let launch = Launch::new(&KERNEL, &params, io, grid::elements(io.mask.len));
    step.push(launch.flop(2 * io.mask.len));
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, [mask, counter, factors, weights]) = args.take::<Params, 4>();
    let (step, factors) = (counter.words()[0], factors.floats());
    let generator = Philox::new(u64::from(params.seed_high) << 32 | u64::from(params.seed_low));
    let (length, total) = (params.length as usize, params.count / params.length);
    let sequences = mask.words().chunks(length).zip(weights.floats_mut().chunks_mut(length));
    for ((mask, weights), b) in sequences.zip(0..) {
        let [_, word, ..] = generator.of(Stream::Training, [b, 0, step]);
        let level = level(word, b, total, params.levels, params.stratified == 1);
        let factor = factors[level as usize] / E::from_f64(params.count.into());
        for (weight, &mask) in weights.iter_mut().zip(mask) {
            *weight = E::from_f64(mask.into()) * factor;
        }
    }
}
