//! The reverse step of uniform diffusion: what stands at a position when there is less noise.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::draw_batch::Noise;
use crate::grid;
use crate::imports::kernel;
use crate::remask::GIVEN;
use crate::rng::{Philox, Stream, unit};
use crate::sample_begin::{ODDS, REMASK, REVEAL};

/// What is drawn, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Renoise {
    /// Positions of a sequence.
    pub length: usize,
    /// Number of the first sequence of the batch.
    pub first_sample: u32,
    /// Seed of the draws.
    pub seed: u64,
    /// Tokens of the noise.
    pub noise: Noise,
}

params! {
    struct Params {
        count: u32,
        length: u32,
        first_sample: u32,
        seed_low: u32,
        seed_high: u32,
        noise_first: u32,
        noise_count: u32,
    }
}

buffers! {
    /// Buffers of the reverse step, for N positions in sequences of equal length.
    pub struct Buffers {
        /// Kind of each position, see [`crate::remask`], `(N)`.
        kinds: words,
        /// Tokens drawn in this pass, `(N)`.
        tokens: words,
        /// Confidence of each, `(N)`.
        token_confidence: floats,
        /// Of [`crate::sample_begin`]: elements [`REMASK`], [`REVEAL`] and [`ODDS`].
        control: words,
        /// In place: tokens before and after the pass, `(N)`.
        ids: words_mut,
        /// In place: `(N)`, 0 at fresh noise.
        confidence: floats_mut,
        /// Written: ids and the bits of confidence in f32, `(2, N)`, to be read back in one piece.
        readback: words_mut,
    }
}

/// `shaders/sample_noise.wgsl`
pub static KERNEL: Kernel = kernel!("sample_noise", Params, Buffers, twin);

/// Records `ids` and `confidence` after the pass that `control` tells of.
pub fn record(step: &mut Recording, io: Buffers, renoise: &Renoise) {
    let count = io.tokens.len;
    let Renoise { length, first_sample, seed, noise } = *renoise;
    step.push(Launch::new(
        &KERNEL,
        &Params {
            count: count as u32,
            length: length as u32,
            first_sample,
            seed_low: seed as u32,
            seed_high: (seed >> 32) as u32,
            noise_first: noise.first,
            noise_count: noise.count,
        },
        io,
        grid::elements(count),
    ));
}

fn twin<E: Real>(args: Args<'_, E>) {
    let (params, buffers) = args.take::<Params, 7>();
    let [kinds, tokens, token_confidence, control, ids, confidence, readback] = buffers;
    let (kinds, tokens) = (kinds.words(), tokens.words());
    let (token_confidence, control) = (token_confidence.floats(), control.words());
    let (ids, confidence) = (ids.words_mut(), confidence.floats_mut());
    let [fresh, reveal, odds] =
        [REMASK, REVEAL, ODDS].map(|element| f32::from_bits(control[element]));
    let noise = Noise { first: params.noise_first, count: params.noise_count };
    let generator = Philox::new(u64::from(params.seed_high) << 32 | u64::from(params.seed_low));
    for n in (0..ids.len()).filter(|&n| kinds[n] != GIVEN) {
        let (position, row) = (n as u32 % params.length, n as u32 / params.length);
        let counter = [position, params.first_sample + row, control[0]];
        let [word, replacement, ..] = generator.of(Stream::Chance, counter);
        let (u, same) = (unit(word), ids[n] == tokens[n]);
        if u < if same { fresh / (1.0 + odds) } else { fresh } {
            ids[n] = noise.of(replacement);
            confidence[n] = E::zero();
        } else if same || u >= 1.0 - reveal {
            ids[n] = tokens[n];
            confidence[n] = token_confidence[n];
        }
    }
    let (first, second) = readback.words_mut().split_at_mut(ids.len());
    first.copy_from_slice(ids);
    for (bits, confidence) in second.iter_mut().zip(confidence) {
        *bits = (confidence.as_f64() as f32).to_bits();
    }
}
