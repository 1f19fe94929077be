//! Weights of positions in the loss that depend on the noise level of their sequence or block.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::draw_batch::{Draw, level, stratum};
use crate::grid;
use crate::imports::kernel;
use crate::rng::{Philox, Stream};

params! {
    struct Params {
        count: u32,
        total: u32,
        length: u32,
        block: u32,
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

/// Records `weights = mask * factors[level] / tokens` of the batch that `draw` draws in the counter's step,
/// with a level for every `block` tokens. Of each sequence, `mask` may have more positions than tokens:
/// what follows them has no weight.
pub fn record(step: &mut Recording, io: Buffers, draw: &Draw, block: usize) {
    let params = Params {
        count: io.mask.len as u32,
        total: draw.total as u32,
        length: draw.length as u32,
        block: block as u32,
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
    let Params { count, total, length, block, .. } = params;
    let generator = Philox::new(u64::from(params.seed_high) << 32 | u64::from(params.seed_low));
    let draw = |index| generator.of(Stream::Training, [index, 0, step]);
    let (positions, blocks) = ((count / total) as usize, length / block);
    let tokens = E::from_f64((total * length).into());
    let sequences = mask.words().chunks(positions).zip(weights.floats_mut().chunks_mut(positions));
    for ((mask, weights), b) in sequences.zip(0..) {
        let [_, _, turn, _] = draw(b);
        weights[length as usize..].fill(E::zero());
        let parts = mask.chunks(block as usize).zip(weights.chunks_mut(block as usize));
        for ((mask, weights), part) in parts.zip(0..blocks) {
            let stratum = stratum(turn, b, part, blocks);
            let (strata, stratified) = (total * blocks, params.stratified == 1);
            let level = level(draw(stratum)[1], stratum, strata, params.levels, stratified);
            let factor = factors[level as usize] / tokens;
            for (weight, &mask) in weights.iter_mut().zip(mask) {
                *weight = E::from_f64(mask.into()) * factor;
            }
        }
    }
}
