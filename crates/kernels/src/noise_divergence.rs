//! The bound of uniform diffusion: what a denoising step costs at each position.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::draw_batch::Noise;
use crate::grid;
use crate::imports::kernel;
use crate::parallel::*;

/// Which rows of which batch.
#[derive(Clone, Copy, Debug)]
pub struct Divergence {
    /// Number of the first row in the batch.
    pub first: usize,
    /// Tokens of a sequence.
    pub length: usize,
    /// Id of the token `[MASK]`, which has no probability.
    pub mask_id: u32,
    /// Tokens of the noise.
    pub noise: Noise,
    /// Whether the network predicts the token from all positions, its own included; else from the
    /// others alone.
    pub plain: bool,
}

params! {
    struct Params {
        rows: u32,
        first: u32,
        length: u32,
        vocabulary: u32,
        mask_id: u32,
        noise_first: u32,
        noise_count: u32,
        plain: u32,
    }
}

buffers! {
    /// Buffers of R rows of a batch.
    pub struct Buffers {
        /// `(R, V)`
        logits: floats,
        /// Noisy tokens, `(R)`.
        ids: words,
        /// Clean tokens, `(R)`.
        targets: words,
        /// Time of each sequence of the batch, from 1, `(batch)`.
        times: words,
        /// Survival probability at each time, from 0, `(T + 1)`.
        alpha: floats,
        /// Written: nats, `(R)`.
        loss: floats_mut,
    }
}

/// `shaders/noise_divergence.wgsl`
pub static KERNEL: Kernel = kernel!("noise_divergence", Params, Buffers, twin);

/// Records the divergence of every row.
pub fn record(step: &mut Recording, io: Buffers, divergence: &Divergence) {
    let Divergence { first, length, mask_id, noise, plain } = *divergence;
    let rows = io.targets.len;
    let vocabulary = io.logits.len / rows;
    let params = Params {
        rows: rows as u32,
        first: first as u32,
        length: length as u32,
        vocabulary: vocabulary as u32,
        mask_id,
        noise_first: noise.first,
        noise_count: noise.count,
        plain: u32::from(plain),
    };
    let launch = Launch::new(&KERNEL, &params, io, grid::fold(rows))
        .constants([("WORKGROUP_SIZE", grid::per_row(vocabulary))]);
    step.push(launch.flop(12 * io.logits.len));
}

/// The reverse step from `z` for a distribution of the clean token, by Bayes' rule: the chance of `z`
/// after the step times that of each token before it.
fn reverse(clean: &[f64], z: u32, [a, s]: [f64; 2], noise: Noise) -> Vec<f64> {
    let chance = |j: u32| if noise.contains(j) { 1.0 / f64::from(noise.count) } else { 0.0 };
    let stay = a / s;
    let product = |(j, &clean): (u32, &f64)| {
        let kept = if j == z { stay } else { 0.0 };
        (kept + (1.0 - stay) * chance(z)) * (s * clean + (1.0 - s) * chance(j))
    };
    let products: Vec<f64> = (0..).zip(clean).map(product).collect();
    let total: f64 = products.iter().sum();
    products.into_iter().map(|product| product / total).collect()
}

/// In f64 whatever the device: a probability that f32 rounds to 0 is an infinite loss.
fn twin<E: Real>(args: Args<'_, E>) {
    let (params, [logits, ids, targets, times, alpha, loss]) = args.take::<Params, 6>();
    let (times, alpha) = (times.words(), alpha.floats());
    let noise = Noise { first: params.noise_first, count: params.noise_count };
    let rows = logits.floats().par_chunks_exact(params.vocabulary as usize);
    let tokens = ids.words().par_iter().zip(targets.words());
    let rows = rows.zip(tokens).zip(loss.floats_mut()).enumerate();
    rows.for_each(|(row, ((logits, (&z, &x)), loss))| {
        if !noise.contains(z) {
            *loss = E::zero();
            return;
        }
        let time = times[(params.first as usize + row) / params.length as usize] as usize;
        let [a, s] = [alpha[time], alpha[time - 1]].map(E::as_f64);
        let mut logits: Vec<f64> = logits.iter().map(|logit| logit.as_f64()).collect();
        logits[params.mask_id as usize] = f64::NEG_INFINITY;
        if params.plain == 1 {
            logits[z as usize] -= (1.0 + f64::from(noise.count) * a / (1.0 - a)).ln();
        }
        let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let exponentials: Vec<f64> = logits.iter().map(|logit| (logit - largest).exp()).collect();
        let total: f64 = exponentials.iter().sum();
        let predicted: Vec<f64> = exponentials.iter().map(|e| e / total).collect();
        let mut clean = vec![0.0; predicted.len()];
        clean[x as usize] = 1.0;
        let known = reverse(&clean, z, [a, s], noise);
        let expected = reverse(&predicted, z, [a, s], noise);
        let terms = known.iter().zip(&expected).filter(|(known, _)| **known > 0.0);
        *loss = E::from_f64(terms.map(|(known, expected)| known * (known / expected).ln()).sum());
    });
}
