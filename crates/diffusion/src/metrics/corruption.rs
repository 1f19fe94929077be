//! Corrupting a text for an evaluation.

use kernels::draw_batch::Noise;
use kernels::rng::{Philox, Stream, unit};

/// Replaces each token by one of the noise with probability `1 - alpha`: the noisy tokens, and 1 where
/// replaced. A function of seed and number of the sequence, so that models are compared on the same
/// masks.
pub fn corrupt(
    tokens: &[u32],
    noise: Noise,
    alpha: f64,
    seed: u64,
    sequence: u32,
) -> (Vec<u32>, Vec<u32>) {
    let generator = Philox::new(seed);
    let corrupted = |(position, &id)| {
        let [word, replacement, ..] = generator.of(Stream::Corruption, [position, sequence, 0]);
        match f64::from(unit(word)) > alpha {
            true => (noise.of(replacement), 1),
            false => (id, 0),
        }
    };
    (0..).zip(tokens).map(corrupted).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_masked_share_follows_alpha() {
        let tokens = vec![7; 10_000];
        let mask = Noise { first: 2, count: 1 };
        for alpha in [0.0, 0.3, 0.9, 1.0] {
            let (noisy, places) = corrupt(&tokens, mask, alpha, 4, 0);
            let share = f64::from(places.iter().sum::<u32>()) / 10_000.0;
            // Four standard errors of a share of 10,000 draws.
            assert!((share - (1.0 - alpha)).abs() <= 0.02, "{share} at {alpha}");
            // Random tokens at the same places.
            let (random, same) = corrupt(&tokens, Noise { first: 8, count: 5 }, alpha, 4, 0);
            assert_eq!(same, places);
            assert!(random.iter().zip(&same).all(|(&id, &m)| (m == 1) == (8..13).contains(&id)));
            assert!(noisy.iter().zip(&places).all(|(&id, &m)| id == if m == 1 { 2 } else { 7 }));
            assert_eq!(corrupt(&tokens, mask, alpha, 4, 0).1, places);
        }
        assert_ne!(corrupt(&tokens, mask, 0.5, 4, 1).1, corrupt(&tokens, mask, 0.5, 4, 0).1);
    }
}
