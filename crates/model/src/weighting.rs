//! How much a position counts in the loss of a training.

use serde::{Deserialize, Serialize};

use crate::{ConfigError, Levels, Objective, Times};

/// How much the cross-entropy of a masked position counts in the loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weighting {
    /// As much as that of any other masked position of the batch: the loss is their mean.
    #[default]
    Mean,
    /// As in the evidence bound of the noise levels that are drawn (MDLM, arXiv 2406.07524, discrete
    /// time): the loss estimates the bound, in nats per token.
    Elbo,
    /// By the inverse of the masked share, which is drawn uniformly (LLaDA, arXiv 2502.09992,
    /// equation 3).
    Llada,
}

impl Weighting {
    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Elbo => "elbo",
            Self::Llada => "llada",
        }
    }

    /// Factor of the cross-entropy of a masked position at each level, `(levels + 1)`, in a loss that
    /// is divided by the number of all positions; `None` where the factor depends on the batch.
    ///
    /// With K levels `elbo` has `K (a_{k-1} - a_k) / (1 - a_k)`: what is drawn seldom counts more, so
    /// that in expectation the loss is the bound of the chain through these levels, however they
    /// are spread.
    pub fn factors(self, levels: &Levels) -> Option<Vec<f32>> {
        let alpha: Vec<f64> = levels.alpha.iter().map(|&alpha| f64::from(alpha)).collect();
        let count = (alpha.len() - 1) as f64;
        let factor = |pair: &[f64]| match self {
            Self::Mean => None,
            Self::Elbo => Some(count * (pair[0] - pair[1]) / (1.0 - pair[1])),
            Self::Llada => Some(1.0 / (1.0 - pair[1])),
        };
        // Level 0 masks nothing.
        let factors = alpha.windows(2).map(|pair| factor(pair).map(|factor| factor as f32));
        std::iter::once(Some(0.0)).chain(factors).collect()
    }

    /// How the times of sequences are drawn where these were asked for.
    pub fn times(self, asked: Times) -> Times {
        match self {
            Self::Mean | Self::Elbo => asked,
            Self::Llada => Times::Shares,
        }
    }

    /// Refuses objectives and times that this is not about, with a sentence.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(self, objective: Objective, times: Times) -> Result<(), ConfigError> {
        let masks = matches!(objective, Objective::Masked | Objective::Span | Objective::Block(_));
        if self != Self::Mean && !masks {
            return Err(ConfigError::new(&format!(
                "the weighting `{}` is about masked tokens and the objective `{objective}` has none; set diffusion.weighting to \"mean\"",
                self.name()
            )));
        }
        if self == Self::Llada && matches!(times, Times::Beta(_)) {
            return Err(ConfigError::new(
                "the weighting `llada` draws the masked share uniformly; set diffusion.times to \"uniform\"",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Beta, Schedule, Times};

    #[test]
    fn factors_of_the_bound_are_those_of_the_schedule() {
        for schedule in Schedule::ALL {
            let levels = Times::Uniform.levels(schedule, 100);
            let factors = Weighting::Elbo.factors(&levels).expect("factors of levels");
            assert_eq!((factors.len(), factors[0]), (101, 0.0));
            for (t, &factor) in factors.iter().enumerate().skip(1) {
                let exact = 100.0 * schedule.elbo_weight(t, 100);
                // Survival probabilities are rounded to f32; their differences are small.
                let error = (f64::from(factor) - exact).abs();
                assert!(error < 1e-5 + 1e-3 * exact, "{schedule}, {t}: {factor}, not {exact}");
            }
        }
        assert_eq!(Weighting::Mean.factors(&Times::Uniform.levels(Schedule::Linear, 9)), None);
    }

    /// Every token is revealed once: in expectation the factors of the masked tokens add up to one per
    /// token, whatever the distribution of the levels.
    #[test]
    fn each_token_counts_once() {
        let bell = Times::Beta(Beta { a: 3.0, b: 3.0, uniform: 0.2 });
        for (weighting, times) in [
            (Weighting::Elbo, Times::Uniform),
            (Weighting::Elbo, bell),
            (Weighting::Llada, Weighting::Llada.times(Times::Uniform)),
        ] {
            for schedule in Schedule::ALL {
                let levels = times.levels(schedule, 50);
                let factors = weighting.factors(&levels).expect("factors of levels");
                let counts = levels.alpha.iter().zip(&factors).skip(1);
                let counted: f64 = counts.map(|(a, f)| f64::from((1.0 - a) * f)).sum();
                let counted = counted / (factors.len() - 1) as f64;
                // The bell leaves out the shares beyond its last quantile.
                assert!((counted - 1.0).abs() < 3e-3, "{weighting:?}, {times:?}: {counted}");
            }
        }
    }
}
