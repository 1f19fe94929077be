//! Masking a text for an evaluation.

use kernels::rng::{Philox, Stream, unit};

/// Replaces each token by `mask_id` with probability `1 - alpha`: the noisy tokens, and 1 where
/// masked. A function of seed and number of the sequence, so that models are compared on the same
/// masks.
pub fn corrupt(
    tokens: &[u32],
    mask_id: u32,
    alpha: f64,
    seed: u64,
    sequence: u32,
) -> (Vec<u32>, Vec<u32>) {
    let generator = Philox::new(seed);
    let masked = |position| {
        f64::from(unit(generator.of(Stream::Corruption, [position, sequence, 0])[0])) > alpha
    };
    let mask: Vec<u32> = (0..tokens.len() as u32).map(|i| u32::from(masked(i))).collect();
    let noisy = tokens.iter().zip(&mask);
    (noisy.map(|(&id, &m)| if m == 1 { mask_id } else { id }).collect(), mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_masked_share_follows_alpha() {
        let tokens = vec![7; 10_000];
        for alpha in [0.0, 0.3, 0.9, 1.0] {
            let (noisy, mask) = corrupt(&tokens, 2, alpha, 4, 0);
            let share = f64::from(mask.iter().sum::<u32>()) / 10_000.0;
            // Four standard errors of a share of 10,000 draws.
            assert!((share - (1.0 - alpha)).abs() <= 0.02, "{share} at {alpha}");
            assert!(noisy.iter().zip(&mask).all(|(&id, &m)| id == if m == 1 { 2 } else { 7 }));
            assert_eq!(corrupt(&tokens, 2, alpha, 4, 0).1, mask);
        }
        assert_ne!(corrupt(&tokens, 2, 0.5, 4, 1).1, corrupt(&tokens, 2, 0.5, 4, 0).1);
    }
}
