//! The bound on a text's likelihood (NELBO).

use kernels::rng::{Philox, Stream, unit};
use model::Schedule;

/// Estimates the negative evidence lower bound (NELBO) of diffusion in discrete time,
/// `-log p(x) <= sum over t of E[ cost of the denoising step at t ]`. Each sequence is corrupted at
/// one random time t, which makes `T (cost at t)` an unbiased estimate. In block diffusion each block
/// has a time of its own, and the bound of a text is the sum of its blocks' (BD3-LM, arXiv 2503.09573).
///
/// A step of masked diffusion costs `w_t (sum over masked i of -log p(x_i | z_t))` (MDLM, arXiv
/// 2406.07524), one of uniform diffusion the divergences of all positions (D3PM, arXiv 2107.03006; see
/// [`kernels::noise_divergence`]).
#[derive(Clone, Debug)]
pub struct NoiseBound {
    /// Weight of each time, from 1.
    weights: Vec<f64>,
    /// Whether all positions count, corrupted or not.
    everywhere: bool,
    estimates: Vec<f64>,
}

/// A bound of a text's likelihood, comparable between tokenizers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BitsPerByte {
    /// Bits per byte of UTF-8.
    pub mean: f64,
    /// Standard error of the mean, from the scatter of the sequences' estimates; too large rather
    /// than too small where times are stratified. NaN for a single sequence.
    pub standard_error: f64,
}

impl NoiseBound {
    /// Of masked diffusion with a schedule in `timesteps` steps.
    pub fn new(schedule: Schedule, timesteps: usize) -> Self {
        let weights = (1..=timesteps).map(|t| schedule.elbo_weight(t, timesteps)).collect();
        Self { weights, everywhere: false, estimates: Vec::new() }
    }

    /// Of uniform diffusion in `timesteps` steps.
    pub fn of_steps(timesteps: usize) -> Self {
        Self { weights: vec![1.0; timesteps], everywhere: true, estimates: Vec::new() }
    }

    /// For an autoregressive network, which is asked for every token at the only time, 1: the sum of
    /// its answers is the likelihood itself.
    pub fn exact() -> Self {
        Self::new(Schedule::Linear, 1)
    }

    /// Adds one sequence whose parts, of equal length, were corrupted at `times`: what each position
    /// costs in nats and whether it was corrupted, both `(length)`.
    pub fn add(&mut self, times: &[usize], costs: &[f32], mask: &[u32]) {
        let part = costs.len() / times.len();
        let parts = times.iter().zip(costs.chunks(part).zip(mask.chunks(part)));
        let estimates = parts.map(|(&t, (costs, mask))| {
            let counted = costs.iter().zip(mask).filter(|&(_, &m)| self.everywhere || m == 1);
            let sum: f64 = counted.map(|(&cost, _)| f64::from(cost)).sum();
            self.weights.len() as f64 * self.weights[t - 1] * sum
        });
        let estimate = estimates.sum();
        self.add_estimate(estimate);
    }

    /// Adds one sequence of which the information, or an estimate of it, is known: in nats.
    pub fn add_estimate(&mut self, nats: f64) {
        self.estimates.push(nats);
    }

    /// Mean of the sequences' estimates and its standard error, in nats per sequence.
    pub fn nats_per_sequence(&self) -> (f64, f64) {
        let n = self.estimates.len() as f64;
        let mean = self.estimates.iter().sum::<f64>() / n;
        let scatter: f64 = self.estimates.iter().map(|nats| (nats - mean).powi(2)).sum();
        (mean, (scatter / (n - 1.0) / n).sqrt())
    }

    /// The same as bits per byte, where the sequences stand for `bytes_per_sequence` bytes of
    /// UTF-8 on average.
    pub fn bits_per_byte(&self, bytes_per_sequence: f64) -> BitsPerByte {
        let (mean, error) = self.nats_per_sequence();
        let bits = std::f64::consts::LN_2 * bytes_per_sequence;
        BitsPerByte { mean: mean / bits, standard_error: error / bits }
    }
}

/// One time for each of `count` sequences, spread evenly over 1 to `timesteps`: the range is cut
/// into `count` parts, and each part gives one, drawn uniformly.
pub fn stratified_times(count: usize, timesteps: usize, seed: u64) -> Vec<usize> {
    let generator = Philox::new(seed);
    let time = |i: usize| {
        let u = f64::from(unit(generator.of(Stream::BoundTimes, [i as u32, 0, 0])[0]));
        1 + ((i as f64 + u) / count as f64 * timesteps as f64) as usize
    };
    (0..count).map(|i| time(i).min(timesteps)).collect()
}

#[cfg(test)]
mod tests {
    use kernels::draw_batch::Noise;

    use super::*;
    use crate::metrics::corrupt;

    #[test]
    fn the_bound_of_a_uniform_model_is_its_likelihood() {
        // Cross-entropy ln V everywhere: the bound is L ln V, whatever the schedule.
        let (length, count, timesteps) = (40, 4000, 100);
        let loss = vec![97f32.ln(); length];
        let exact = length as f64 * 97f64.ln();
        let mask = Noise { first: 2, count: 1 };
        for schedule in [Schedule::Cosine, Schedule::Cosine2, Schedule::Linear] {
            let mut bound = NoiseBound::new(schedule, timesteps);
            for (i, t) in stratified_times(count, timesteps, 3).into_iter().enumerate() {
                let alpha = schedule.alpha(t, timesteps);
                let (_, mask) = corrupt(&vec![5; length], mask, alpha, 11, i as u32);
                bound.add(&[t], &loss, &mask);
            }
            let (mean, error) = bound.nats_per_sequence();
            assert!((mean - exact).abs() < 4.0 * error, "{schedule}: {mean} +- {error}, {exact}");
            assert!(error < 0.05 * exact, "{schedule}: {error}");
            let bits = bound.bits_per_byte(length as f64);
            assert!((bits.mean - 97f64.log2() * mean / exact).abs() < 1e-9);
            assert!((bits.standard_error / bits.mean - error / mean).abs() < 1e-12);
        }
    }

    #[test]
    fn strata_hold_one_time_each() {
        let times = stratified_times(10, 100, 1);
        for (i, t) in times.into_iter().enumerate() {
            assert!((10 * i + 1..=10 * i + 10).contains(&t), "{i}: {t}");
        }
        assert!(stratified_times(7, 3, 1).into_iter().all(|t| (1..=3).contains(&t)));
    }
}
