//! Noise schedules: how many tokens are still clean at each diffusion step, which is what a timestep
//! means to the network.

use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How the probability `a_t` that a token is still clean falls from 1 (t = 0) to 0 (t = T).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// `a_t = cos(π/2 · t/T)`.
    #[default]
    Cosine,
    /// `a_t = cos²(π/2 · t/T)`.
    Cosine2,
    /// `a_t = 1 - t/T`, the log-linear schedule of MDLM (arXiv 2406.07524).
    Linear,
}

impl Schedule {
    /// All schedules.
    pub const ALL: [Self; 3] = [Self::Cosine, Self::Cosine2, Self::Linear];

    /// `a_t`, the probability that a token is still clean at step `t` of `timesteps`.
    ///
    /// The order of operations matters: re-mask counts truncate a product with it.
    pub fn alpha(self, t: usize, timesteps: usize) -> f64 {
        let share = t as f64 / timesteps as f64;
        let cosine = (share * PI / 2.0).cos();
        match self {
            Self::Cosine => cosine,
            Self::Cosine2 => cosine * cosine,
            Self::Linear => 1.0 - share,
        }
    }

    /// `a_0 ..= a_T` as the device takes them, `(T + 1)`: a token is masked when its uniform draw
    /// lies above.
    pub fn alpha_table(self, timesteps: usize) -> Vec<f32> {
        (0..=timesteps).map(|t| self.alpha(t, timesteps) as f32).collect()
    }

    /// The step in `1..=T` of this schedule whose survival probability is nearest to `alpha`:
    /// what a network that was trained with it is told about a text that was masked with another.
    pub fn nearest(self, alpha: f64, timesteps: usize) -> usize {
        let distance = |t: &usize| (self.alpha(*t, timesteps) - alpha).abs();
        (1..=timesteps).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(1)
    }

    /// How many of `generated` positions are masked in a state at step `t`:
    /// `trunc((1 - a_t) · generated)` in f64, because f32 gives other integers.
    pub fn masked_count(self, t: usize, timesteps: usize, generated: usize) -> usize {
        ((1.0 - self.alpha(t, timesteps)) * generated as f64) as usize
    }

    /// Weight of the cross-entropy at step `t` in the evidence bound,
    /// `w_t = (a_{t-1} - a_t) / (1 - a_t)` for `t` in `1..=T` (MDLM, arXiv 2406.07524, discrete
    /// time).
    pub fn elbo_weight(self, t: usize, timesteps: usize) -> f64 {
        let (before, now) = (self.alpha(t - 1, timesteps), self.alpha(t, timesteps));
        (before - now) / (1.0 - now)
    }
}

impl Schedule {
    /// Its name in files and settings, and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Cosine2 => "cosine2",
            Self::Linear => "linear",
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no schedule of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown noise schedule `{0}`; there are cosine, cosine2 and linear")]
pub struct UnknownSchedule(pub String);

impl FromStr for Schedule {
    type Err = UnknownSchedule;

    fn from_str(name: &str) -> Result<Self, UnknownSchedule> {
        let found = Self::ALL.into_iter().find(|schedule| schedule.name() == name);
        found.ok_or_else(|| UnknownSchedule(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Schedule; 3] = Schedule::ALL;

    #[test]
    fn mean_masked_share() {
        for (schedule, expected) in ALL.into_iter().zip([0.368, 0.505, 0.505]) {
            let share: f64 = (1..=100).map(|t| 1.0 - schedule.alpha(t, 100)).sum();
            assert!((share / 100.0 - expected).abs() < 5e-4, "{schedule}: {share}");
        }
    }

    #[test]
    fn alpha_falls_from_one_to_zero() {
        for schedule in ALL {
            let table = schedule.alpha_table(100);
            assert_eq!(table[0], 1.0);
            assert!(table[100].abs() < 1e-7, "{schedule}: {}", table[100]);
            assert!(table.is_sorted_by(|a, b| a > b), "{schedule}");
        }
    }

    #[test]
    fn elbo_weights() {
        let cosine2 = |t| Schedule::Cosine2.elbo_weight(t, 100);
        assert!((cosine2(50) - 0.0314).abs() < 5e-5);
        assert!((cosine2(100) - 0.0002).abs() < 5e-5);
        for schedule in ALL {
            assert_eq!(schedule.elbo_weight(1, 100), 1.0);
            // Every token is revealed once: masked shares times weights sum to 1.
            let share = |t| (1.0 - schedule.alpha(t, 100)) * schedule.elbo_weight(t, 100);
            let total: f64 = (1..=100).map(share).sum();
            assert!((total - 1.0).abs() < 1e-12, "{schedule}: {total}");
        }
    }

    #[test]
    fn nearest_step_of_another_schedule() {
        for schedule in ALL {
            for t in 1..=100 {
                assert_eq!(schedule.nearest(schedule.alpha(t, 100), 100), t, "{schedule}");
            }
        }
        // cos²(π/2 · 2/3) = 1/4, and 1 - 3/4.
        assert_eq!(Schedule::Linear.nearest(Schedule::Cosine2.alpha(8, 12), 12), 9);
        assert_eq!(Schedule::Cosine2.nearest(Schedule::Linear.alpha(9, 12), 12), 8);
        assert_eq!(Schedule::Cosine2.nearest(1.0, 100), 1);
    }

    #[test]
    fn names() {
        let json = ["\"cosine\"", "\"cosine2\"", "\"linear\""];
        for (schedule, json) in ALL.into_iter().zip(json) {
            assert_eq!(serde_json::from_str::<Schedule>(json).unwrap(), schedule);
            assert_eq!(format!("\"{schedule}\""), json);
            assert_eq!(schedule.name().parse(), Ok(schedule));
        }
        let unknown = "cubic".parse::<Schedule>().unwrap_err().to_string();
        assert_eq!(unknown, "unknown noise schedule `cubic`; there are cosine, cosine2 and linear");
    }
}
