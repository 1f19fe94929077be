//! Settings of the optimizer.

use kernels::adamw::AdamW;
use kernels::begin_step::{DecaySchedule, LrDecay, LrSchedule, Schedules};
use kernels::muon::Coefficients;
use serde::{Deserialize, Serialize};

/// Settings of the optimizer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimizerConfig {
    /// AdamW, for every tensor that Muon does not take.
    pub adamw: AdamW,
    /// Muon, for the matrices of the blocks; without it AdamW takes them too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muon: Option<MuonConfig>,
    /// Learning rate of the learned weights of sums and gates, which AdamW updates without decay:
    /// there are few of them, each for all positions.
    pub scalar_lr: f64,
    /// Largest norm of the whole gradient; longer ones are scaled down to it.
    pub clip: f64,
    /// Learning-rate schedule.
    pub schedule: LrSchedule,
    /// How the weight decay changes over the run.
    pub decay: DecaySchedule,
    /// Whether weights decay only where that goes the way of their update (cautious weight decay, arXiv
    /// 2510.12402).
    pub cautious: bool,
    /// Width of the running average of the weights: the standard deviation, over the steps, of what goes
    /// into it, as a share of the steps done, 0.1 for instance (arXiv 2312.02696). 0 for no average.
    pub average: f64,
}

/// Widest average: all steps count alike up to there.
const WIDEST: f64 = 0.28;

/// Constants of Muon (Jordan et al. 2024).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MuonConfig {
    /// Learning rate; an update has singular values near it, times sqrt(rows / columns) for
    /// matrices that are taller than wide.
    pub lr: f64,
    /// Decay of the momentum.
    pub momentum: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Polynomials that make the momentum orthogonal.
    pub coefficients: Coefficients,
}

/// Why these settings cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("impossible optimizer setting: {name} is {value}, it must be {wanted}")]
pub struct OptimizerConfigError {
    name: &'static str,
    value: f64,
    wanted: &'static str,
}

impl OptimizerConfig {
    /// Refuses settings that make no sense, with a sentence that says which and why.
    pub fn validate(&self) -> Result<(), OptimizerConfigError> {
        let AdamW { lr, beta1, beta2, eps, weight_decay } = self.adamw;
        let LrSchedule { decay_start, total, floor, shape, .. } = self.schedule;
        let averages = self.average == 0.0 || (0.01..=WIDEST).contains(&self.average);
        let falls = shape != LrDecay::Constant;
        let checks = [
            ("lr", lr, lr > 0.0 && lr.is_finite(), "above 0"),
            ("beta1", beta1, (0.0..1.0).contains(&beta1), "at least 0 and below 1"),
            ("beta2", beta2, (0.0..1.0).contains(&beta2), "at least 0 and below 1"),
            ("eps", eps, eps > 0.0 && eps.is_finite(), "above 0"),
            ("weight_decay", weight_decay, (0.0..=1.0).contains(&weight_decay), "between 0 and 1"),
            (
                "scalar_lr",
                self.scalar_lr,
                self.scalar_lr > 0.0 && self.scalar_lr.is_finite(),
                "above 0",
            ),
            ("clip", self.clip, self.clip > 0.0, "above 0 (inf to switch it off)"),
            ("floor", floor, (0.0..=1.0).contains(&floor), "between 0 and 1"),
            ("average", self.average, averages, "0, or between 0.01 and 0.28"),
            ("total", total.into(), !falls || total > decay_start, "above decay_start"),
        ];
        let muon = self.muon.into_iter().flat_map(|muon| {
            let MuonConfig { lr, momentum, weight_decay, .. } = muon;
            [
                ("muon.lr", lr, lr > 0.0 && lr.is_finite(), "above 0"),
                (
                    "muon.momentum",
                    momentum,
                    (0.0..1.0).contains(&momentum),
                    "at least 0 and below 1",
                ),
                (
                    "muon.weight_decay",
                    weight_decay,
                    (0.0..=1.0).contains(&weight_decay),
                    "between 0 and 1",
                ),
            ]
        });
        match checks.into_iter().chain(muon).find(|(_, _, holds, _)| !holds) {
            Some((name, value, _, wanted)) => Err(OptimizerConfigError { name, value, wanted }),
            None => Ok(()),
        }
    }

    /// What changes from step to step.
    pub(crate) fn schedules(&self) -> Schedules {
        Schedules {
            rate: self.schedule,
            decay: self.decay,
            average: exponent_of_width(self.average),
        }
    }

    /// The same for a learning-rate range test (Smith 2017, arXiv 1506.01186): in so many steps all rates
    /// rise evenly from 0 to `highest` times what they are.
    #[must_use]
    pub fn rising(mut self, steps: u32, highest: f64) -> Self {
        self.adamw.lr *= highest;
        self.scalar_lr *= highest;
        if let Some(muon) = &mut self.muon {
            muon.lr *= highest;
        }
        self.schedule = LrSchedule { warmup: steps, ..LrSchedule::CONSTANT };
        self.decay = DecaySchedule::Constant;
        self
    }
}

/// Exponent e of [`Schedules::average`] that gives an average of this width: e^(1/2) / ((e + 1) (e + 2)^(1/2))
/// (arXiv 2312.02696, section 3.1, with e = γ + 1), which falls from e = 1 on. 0 for no width.
fn exponent_of_width(width: f64) -> f64 {
    if width == 0.0 {
        return 0.0;
    }
    let (mut low, mut high) = (1.0, 1e6);
    // As many as an f64 has digits, and those of the range.
    for _ in 0..80 {
        let middle: f64 = 0.5 * (low + high);
        let found = middle.sqrt() / ((middle + 1.0) * (middle + 2.0).sqrt());
        if found > width {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFERENCE: OptimizerConfig = OptimizerConfig {
        adamw: AdamW { lr: 3e-4, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 },
        scalar_lr: 0.02,
        muon: None,
        clip: f64::INFINITY,
        schedule: LrSchedule {
            shape: LrDecay::Cosine,
            warmup: 10,
            decay_start: 10,
            total: 110,
            floor: 0.1,
        },
        decay: DecaySchedule::Constant,
        cautious: false,
        average: 0.0,
    };

    /// The weights of the steps in the average have the width that was asked for, and it is a mean.
    #[test]
    fn averages_are_as_wide_as_they_should_be() {
        for width in [0.02, 0.1, 0.25] {
            let exponent = exponent_of_width(width);
            let steps = 20_000;
            // What is left of each step, from the last to the first.
            let (mut rest, mut weights) = (1.0, vec![]);
            for n in (1..=steps).rev() {
                let keep = (1.0 - 1.0 / f64::from(n)).powf(exponent);
                weights.push((f64::from(n), rest * (1.0 - keep)));
                rest *= keep;
            }
            let sum = |of: &dyn Fn(f64) -> f64| -> f64 {
                weights.iter().map(|&(n, weight)| weight * of(n)).sum()
            };
            let mean = sum(&|n| n);
            let found = sum(&|n| (n - mean).powi(2)).sqrt() / f64::from(steps);
            assert!((sum(&|_| 1.0) - 1.0).abs() < 1e-9);
            assert!((found - width).abs() < 1e-3 * width, "{found}, not {width}");
        }
        // The published table: γ = 16.97 and 6.94.
        assert!((exponent_of_width(0.05) - 17.97).abs() < 0.01);
        assert!((exponent_of_width(0.10) - 7.94).abs() < 0.01);
        assert_eq!(exponent_of_width(0.0), 0.0);
    }

    #[test]
    fn the_rate_rises_and_falls() {
        let factors = [1, 5, 10, 60, 110, 500].map(|n| REFERENCE.schedule.factor(n));
        let expected = [0.1, 0.5, 1.0, 0.55, 0.1, 0.1];
        for (factor, expected) in factors.into_iter().zip(expected) {
            assert!((factor - expected).abs() < 1e-7, "{factors:?}");
        }
    }

    #[test]
    fn a_range_test_rises_evenly_to_the_highest_rates() {
        let muon = MuonConfig {
            lr: 0.02,
            momentum: 0.95,
            weight_decay: 0.0,
            coefficients: Coefficients::Jordan,
        };
        let rising = OptimizerConfig { muon: Some(muon), ..REFERENCE }.rising(100, 10.0);
        let factors = [1, 50, 100].map(|step| rising.schedule.factor(step));
        assert_eq!(factors, [0.01, 0.5, 1.0]);
        assert_eq!((rising.adamw.lr, rising.scalar_lr), (10.0 * REFERENCE.adamw.lr, 0.2));
        assert_eq!(rising.muon.map(|muon| muon.lr), Some(0.2));
    }

    #[test]
    fn impossible_settings_are_named() {
        assert!(REFERENCE.validate().is_ok());
        let wide = OptimizerConfig { average: 0.5, ..REFERENCE }.validate().unwrap_err();
        let sentence = "average is 0.5, it must be 0, or between 0.01 and 0.28";
        assert!(wide.to_string().ends_with(sentence), "{wide}");
        let bad = OptimizerConfig { clip: 0.0, ..REFERENCE };
        let error = bad.validate().unwrap_err().to_string();
        assert_eq!(
            error,
            "impossible optimizer setting: clip is 0, it must be above 0 (inf to switch it off)"
        );
    }
}
