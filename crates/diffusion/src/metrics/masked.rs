//! Metrics over the masked positions of batches.

/// Masked perplexity and reconstruction accuracy, gathered batch by batch. The perplexity of the
/// masked cross-entropy is no bound of a likelihood.
#[derive(Clone, Debug, Default)]
pub struct MaskedScores {
    losses: Vec<f64>,
    hits: f64,
    masked: u64,
}

impl MaskedScores {
    /// Adds a batch: cross-entropy in nats, whether the target was the likeliest token, and
    /// whether the position was masked, all `(N)`. If nothing was masked, the loss is the mean of
    /// all positions.
    pub fn add(&mut self, loss: &[f32], hit: &[f32], mask: &[u32]) {
        let masked = mask.iter().filter(|&&m| m == 1).count();
        let sum = |values: &[f32], all: bool| -> f64 {
            let counted = values.iter().zip(mask).filter(|&(_, &m)| all || m == 1);
            counted.map(|(&value, _)| f64::from(value)).sum()
        };
        let counted = if masked == 0 { mask.len() } else { masked };
        self.losses.push(sum(loss, masked == 0) / counted as f64);
        self.hits += sum(hit, false);
        self.masked += masked as u64;
    }

    /// Loss of each batch: mean cross-entropy of its masked positions, in nats.
    pub fn batch_losses(&self) -> &[f64] {
        &self.losses
    }

    /// Mean of the batches' losses, in nats; NaN without a batch.
    pub fn loss(&self) -> f64 {
        self.losses.iter().sum::<f64>() / self.losses.len() as f64
    }

    /// e to the loss.
    pub fn perplexity(&self) -> f64 {
        self.loss().exp()
    }

    /// Share of the masked positions whose token was the likeliest; 0 without any.
    pub fn accuracy(&self) -> f64 {
        self.hits / self.masked.max(1) as f64
    }

    /// Masked positions of all batches.
    pub fn masked(&self) -> u64 {
        self.masked
    }
}

/// Mean predictive entropy of masked positions at each time, in nats.
#[derive(Clone, Debug)]
pub struct EntropyByTime {
    sums: Vec<f64>,
    counts: Vec<u64>,
}

impl EntropyByTime {
    /// For times 1 to `timesteps`.
    pub fn new(timesteps: usize) -> Self {
        Self { sums: vec![0.0; timesteps], counts: vec![0; timesteps] }
    }

    /// Adds positions at time `t`: entropies and whether the position was masked, both `(N)`.
    ///
    /// # Panics
    /// When `t` is 0 or beyond the last time.
    pub fn add(&mut self, t: usize, entropy: &[f32], mask: &[u32]) {
        for (&entropy, _) in entropy.iter().zip(mask).filter(|&(_, &m)| m == 1) {
            self.sums[t - 1] += f64::from(entropy);
            self.counts[t - 1] += 1;
        }
    }

    /// Mean entropy at each time 1 to T; 0 where nothing was masked.
    pub fn values(&self) -> Vec<f64> {
        let means = self.sums.iter().zip(&self.counts);
        means.map(|(sum, &count)| sum / count.max(1) as f64).collect()
    }

    /// Mean over the times.
    pub fn mean(&self) -> f64 {
        self.values().iter().sum::<f64>() / self.sums.len() as f64
    }
}
