//! Decisions of a denoising pass that are drawn: masks that are revealed, tokens that are masked
//! again.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::grid;
use crate::imports::kernel;
use crate::remask::{GIVEN, STAYS, WAITS};
use crate::rng::{Draws, Stream};
use crate::sample_begin::{REMASK, REVEAL};

/// What is drawn, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Chance {
    /// Positions of a sequence.
    pub length: usize,
    /// Number of the first sequence of the batch.
    pub first_sample: u32,
    /// Seed of the draws.
    pub seed: u64,
    /// Id of the mask token.
    pub mask_id: u32,
    /// Whether masks are revealed by chance, too.
    pub reveals: bool,
}

params! {
    struct Params {
        count: u32,
        length: u32,
        first_sample: u32,
        seed_low: u32,
        seed_high: u32,
        mask_id: u32,
        reveals: u32,
    }
}

buffers! {
    /// Buffers of the drawn decisions, for N positions in sequences of equal length.
    pub struct Buffers {
        /// Tokens before the pass, `(N)`.
        ids: words,
        /// Kind of each position, see [`crate::remask`], `(N)`.
        kinds: words,
        /// Of [`crate::sample_begin`]: elements [`REMASK`] and [`REVEAL`] are the probabilities.
        control: words,
        /// In place: `(N)`.
        order: floats_mut,
    }
}

/// `shaders/sample_chance.wgsl`
pub static KERNEL: Kernel = kernel!("sample_chance", Params, Buffers, twin);

/// Records the decisions of the pass that `control` tells of.
pub fn record(step: &mut Recording, io: Buffers, chance: &Chance) {
    let count = io.order.len;
    step.push(Launch::new(
        &KERNEL,
        &Params {
            count: count as u32,
            length: chance.length as u32,
            first_sample: chance.first_sample,
            seed_low: chance.seed as u32,
            seed_high: (chance.seed >> 32) as u32,
            mask_id: chance.mask_id,
            reveals: u32::from(chance.reveals),
        },
        io,
        grid::elements(count),
    ));
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, [ids, kinds, control, order]) = args.take::<Params, 4>();
    let (ids, kinds, control) = (ids.words(), kinds.words(), control.words());
    let [remask, reveal] = [REMASK, REVEAL].map(|element| f32::from_bits(control[element]));
    let draws = Draws {
        seed: [params.seed_low, params.seed_high],
        length: params.length,
        first_sample: params.first_sample,
        pass: control[0],
    };
    for (n, order) in order.floats_mut().iter_mut().enumerate() {
        let u = draws.of(Stream::Chance, n as u32);
        if ids[n] == params.mask_id {
            if params.reveals == 1 {
                *order = E::from_f64(f64::from(if u < reveal { STAYS } else { WAITS }));
            }
        } else if kinds[n] != GIVEN && u < remask {
            *order = E::from_f64(f64::from(WAITS));
        }
    }
}
