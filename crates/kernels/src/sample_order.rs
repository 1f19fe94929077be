//! Which drawn tokens may stay: the surest, with noise as in MaskGIT (arXiv 2202.04200).

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::grid;
use crate::imports::kernel;
use crate::remask::{GIVEN, STAYS};
use crate::rng::{Draws, Stream};

/// Below this a certainty has no useful logarithm.
pub const LEAST: f32 = 1e-37;

/// What of a position its place in the order follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Score {
    /// The logarithm of its certainty.
    Logarithm = 0,
    /// Its uncertainty, small ones first.
    Negative = 1,
    /// Nothing: noise alone.
    None = 2,
}

/// An order, with its random part.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// The part that is not random.
    pub score: Score,
    /// What the Gumbel noise is multiplied by; 0 is the order of the scores.
    pub temperature: f32,
    /// Positions of a sequence.
    pub length: usize,
    /// Number of the first sequence of the batch.
    pub first_sample: u32,
    /// Seed of the draws.
    pub seed: u64,
    /// Id of the mask token.
    pub mask_id: u32,
}

params! {
    struct Params {
        count: u32,
        length: u32,
        first_sample: u32,
        seed_low: u32,
        seed_high: u32,
        mask_id: u32,
        score: u32,
        choice_temperature: f32,
    }
}

buffers! {
    /// Buffers of an order, for N positions in sequences of equal length.
    pub struct Buffers {
        /// Confidence of the tokens drawn in this pass, or what [`crate::sample_certainty`] says,
        /// `(N)`.
        certainty: floats,
        /// Tokens before the pass, `(N)`.
        ids: words,
        /// Kind of each position, see [`crate::remask`], `(N)`.
        kinds: words,
        /// Of [`crate::sample_begin`].
        control: words,
        /// Written: `(N)`, for [`crate::remask`].
        order: floats_mut,
    }
}

/// `shaders/sample_order.wgsl`
pub static KERNEL: Kernel = kernel!("sample_order", Params, Buffers, twin);

/// Records the order of the pass that `control` tells of.
pub fn record(step: &mut Recording, io: Buffers, choice: &Choice) {
    let count = io.order.len;
    step.push(Launch::new(
        &KERNEL,
        &Params {
            count: count as u32,
            length: choice.length as u32,
            first_sample: choice.first_sample,
            seed_low: choice.seed as u32,
            seed_high: (choice.seed >> 32) as u32,
            mask_id: choice.mask_id,
            score: choice.score as u32,
            choice_temperature: choice.temperature,
        },
        io,
        grid::elements(count),
    ));
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, [certainty, ids, kinds, control, order]) = args.take::<Params, 5>();
    let (certainty, ids, kinds) = (certainty.floats(), ids.words(), kinds.words());
    let draws = Draws {
        seed: [params.seed_low, params.seed_high],
        length: params.length,
        first_sample: params.first_sample,
        pass: control.words()[0],
    };
    for (n, order) in order.floats_mut().iter_mut().enumerate() {
        *order = E::from_f64(f64::from(STAYS));
        if ids[n] == params.mask_id && kinds[n] != GIVEN {
            let u = f64::from(draws.of(Stream::Order, n as u32));
            let gumbel = -(-(-u).ln_1p()).ln();
            let noise = f64::from(params.choice_temperature) * gumbel;
            let score = match params.score {
                0 => certainty[n].as_f64().max(f64::from(LEAST)).ln(),
                1 => -certainty[n].as_f64(),
                _ => 0.0,
            };
            *order = E::from_f64(score + noise);
        }
    }
}
