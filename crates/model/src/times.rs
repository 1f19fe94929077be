//! How much of a training sequence is masked: which noise levels there are to draw from.

use serde::{Deserialize, Serialize};

use crate::Schedule;

/// Levels of a distribution of the masked share: its quantiles at (k + 1/2) / `QUANTILES`, k from 0.
const QUANTILES: usize = 1024;

/// Cells in which a density is summed up.
const CELLS: usize = 1 << 16;

/// How the times of training sequences are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Times {
    /// Each of 1..=T equally often: the masked share follows the schedule.
    Uniform,
    /// So that the masked share itself has this distribution, whatever the schedule.
    Beta(Beta),
    /// So that the masked share is uniform between [`LEAST_SHARE`] and 1, whatever the schedule (LLaDA,
    /// arXiv 2502.09992).
    Shares,
}

/// Least masked share of [`Times::Shares`]: what is weighted by its inverse cannot be too rare.
pub const LEAST_SHARE: f64 = 1e-3;

/// A distribution of the masked share of a sequence: Beta(a, b), mixed with the uniform one, so
/// that nearly empty and nearly full sequences stay in the training (arXiv 2605.13026).
///
/// It changes how often a share is trained on, not how much a position counts: the loss stays the
/// mean over the masked positions of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beta {
    /// First parameter, between 1 and 100.
    pub a: f64,
    /// Second parameter, between 1 and 100.
    pub b: f64,
    /// Share of the draws that are uniform instead, between 0 and 1.
    pub uniform: f64,
}

/// The noise levels of a training, each as likely as any other; level 0 is no noise, and is not
/// drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels {
    /// Probability that a token is still clean at each level, falling from 1.
    pub alpha: Vec<f32>,
    /// The timestep that the network is told at each level.
    pub times: Vec<u32>,
}

impl Times {
    /// The levels to draw from, for a network of `timesteps` steps of `schedule`.
    pub fn levels(self, schedule: Schedule, timesteps: usize) -> Levels {
        match self {
            Self::Uniform => Levels {
                alpha: schedule.alpha_table(timesteps),
                times: (0..=timesteps as u32).collect(),
            },
            Self::Beta(beta) => Levels::of_shares(&beta.quantiles(), schedule, timesteps),
            Self::Shares => {
                let rank = |level: usize| (level as f64 + 0.5) / QUANTILES as f64;
                let share = |level| LEAST_SHARE + (1.0 - LEAST_SHARE) * rank(level);
                let shares: Vec<f64> = (0..QUANTILES).map(share).collect();
                Levels::of_shares(&shares, schedule, timesteps)
            }
        }
    }
}

impl Levels {
    /// Levels of these masked shares, in rising order.
    fn of_shares(shares: &[f64], schedule: Schedule, timesteps: usize) -> Self {
        let clean = || shares.iter().map(|share| 1.0 - share);
        let time = |alpha| schedule.nearest(alpha, timesteps) as u32;
        Self {
            times: std::iter::once(0).chain(clean().map(time)).collect(),
            alpha: std::iter::once(1.0).chain(clean().map(|alpha| alpha as f32)).collect(),
        }
    }

    /// The timestep that the network is told at each level where all the other tokens are masked instead.
    pub fn opposite_times(&self) -> Vec<u32> {
        let of_level = |&alpha: &f32| {
            let distance = |level: &usize| (self.alpha[*level] - (1.0 - alpha)).abs();
            let nearest = |a: &usize, b: &usize| distance(a).total_cmp(&distance(b));
            (1..self.alpha.len()).min_by(nearest).map_or(0, |level| self.times[level])
        };
        self.alpha.iter().map(of_level).collect()
    }

    /// What decides which tokens are masked at each level, `(levels + 1, 3)`, as
    /// [`kernels::draw_batch`] takes it: tokens are masked in spans of geometric length, of mean
    /// `span`, and every position is masked with the level's probability `1 - a`. With `span` 1
    /// they are masked independently of each other.
    ///
    /// A span that is not over goes on; behind it, as behind a clean token, another begins with
    /// probability `q`. So a position is masked with probability `h = 1 - 1/span + q/span` if the one
    /// before is, and else with probability `q`. The share of masked positions stays `1 - a` if
    /// `(1 - a) = (1 - a) h + a q`, hence `1 - q = a span / (1 - a + a span)`; spans may touch.
    pub fn thresholds(&self, span: f64) -> Vec<f32> {
        let of_level = |&alpha: &f32| {
            let alpha = f64::from(alpha);
            let begin = alpha * span / (1.0 - alpha + alpha * span);
            [alpha, begin, begin / span].map(|threshold| threshold as f32)
        };
        self.alpha.iter().flat_map(of_level).collect()
    }
}

impl Beta {
    /// Masked shares that are equally likely, in rising order.
    fn quantiles(self) -> Vec<f64> {
        let Self { a, b, uniform } = self;
        let cells = CELLS as f64;
        let density = |cell: usize| {
            let share = (cell as f64 + 0.5) / cells;
            share.powf(a - 1.0) * (1.0 - share).powf(b - 1.0)
        };
        let total: f64 = (0..CELLS).map(density).sum();
        let (mut below, mut cell) = (0.0, 0);
        let quantile = |level: usize| {
            let wanted = (level as f64 + 0.5) / QUANTILES as f64;
            loop {
                let here = (1.0 - uniform) * density(cell) / total + uniform / cells;
                if below + here >= wanted || cell == CELLS - 1 {
                    let part = ((wanted - below) / here).clamp(0.0, 1.0);
                    return (cell as f64 + part) / cells;
                }
                below += here;
                cell += 1;
            }
        };
        (0..QUANTILES).map(quantile).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(a: f64, b: f64, uniform: f64) -> Vec<f64> {
        Beta { a, b, uniform }.quantiles()
    }

    /// Against distribution functions that have a closed form.
    #[test]
    fn quantiles_have_their_rank() {
        type Below = fn(f64) -> f64;
        let cases: [(f64, f64, Below); 4] = [
            (1.0, 1.0, |x| x),
            (2.0, 2.0, |x| x * x * (3.0 - 2.0 * x)),
            (3.0, 3.0, |x| x.powi(3) * (10.0 - 15.0 * x + 6.0 * x * x)),
            (1.0, 4.0, |x| 1.0 - (1.0 - x).powi(4)),
        ];
        for (a, b, below) in cases {
            for uniform in [0.0, 0.2, 1.0] {
                for (level, share) in shares(a, b, uniform).into_iter().enumerate() {
                    let rank = (1.0 - uniform) * below(share) + uniform * share;
                    let wanted = (level as f64 + 0.5) / QUANTILES as f64;
                    assert!((rank - wanted).abs() < 1e-8, "Beta({a}, {b}), {uniform}: {share}");
                }
            }
        }
    }

    #[test]
    fn the_bell_is_narrower_and_keeps_its_ends() {
        let moments = |shares: &[f64]| {
            let mean = shares.iter().sum::<f64>() / shares.len() as f64;
            let squares = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>();
            (mean, squares / shares.len() as f64)
        };
        // Beta(3, 3) has mean 1/2 and variance 1/28, a uniform number 1/12.
        let (mean, variance) = moments(&shares(3.0, 3.0, 0.2));
        let expected = 0.8 / 28.0 + 0.2 / 12.0;
        assert!((mean - 0.5).abs() < 1e-6 && (variance - expected).abs() < 1e-4, "{variance}");
        assert!(shares(3.0, 3.0, 0.2)[0] < 0.003, "some sequences are nearly clean");
        assert!(shares(100.0, 100.0, 0.0).iter().all(|share| (0.3..0.7).contains(share)));
        assert!(shares(1.0, 100.0, 0.0).is_sorted_by(|x, y| x < y));
    }

    /// The chain of masked and clean tokens that thresholds describe: a share that stays, spans of
    /// the mean length.
    #[test]
    fn spans_keep_the_share() {
        let levels = Times::Uniform.levels(Schedule::Cosine2, 50);
        let independent = levels.thresholds(1.0);
        for (level, &alpha) in levels.alpha.iter().enumerate() {
            assert_eq!(independent[3 * level..][..3], [alpha; 3], "level {level}");
        }
        for span in [1.0, 2.5, 8.0, 100.0] {
            let thresholds = levels.thresholds(span);
            for (&alpha, thresholds) in levels.alpha.iter().zip(thresholds.chunks(3)) {
                let [first, begin, end] = [0, 1, 2].map(|i| f64::from(thresholds[i]));
                assert!((0.0..=begin).contains(&end) && begin <= 1.0, "{alpha}");
                let mut share = 1.0 - first;
                for _ in 0..20 {
                    share = share * (1.0 - end) + (1.0 - share) * (1.0 - begin);
                    assert!((share - (1.0 - f64::from(alpha))).abs() < 2e-6, "{alpha}, {span}");
                }
                // A span ends with probability 1 / span, whatever follows it.
                if alpha > 0.0 {
                    assert!((begin / end / span - 1.0).abs() < 1e-6, "{alpha}, {span}");
                }
            }
        }
    }

    #[test]
    fn levels_tell_the_network_the_nearest_time() {
        let levels = Times::Uniform.levels(Schedule::Cosine, 10);
        assert_eq!(levels.alpha, Schedule::Cosine.alpha_table(10));
        assert_eq!(levels.times, Vec::from_iter(0..=10));

        let beta = Times::Beta(Beta { a: 3.0, b: 3.0, uniform: 0.2 });
        for schedule in Schedule::ALL {
            let Levels { alpha, times } = beta.levels(schedule, 100);
            assert_eq!((alpha.len(), times.len()), (QUANTILES + 1, QUANTILES + 1));
            assert_eq!((alpha[0], times[0]), (1.0, 0));
            assert!(alpha.is_sorted_by(|a, b| a > b), "{schedule}");
            for (&alpha, &time) in alpha.iter().zip(&times).skip(1) {
                let nearest = schedule.alpha(time as usize, 100);
                assert!((1..=100).contains(&time) && (f64::from(alpha) - nearest).abs() < 0.0165);
            }
        }
    }

    #[test]
    fn the_opposite_of_few_masks_is_many() {
        for times in [Times::Uniform, Times::Shares] {
            for schedule in Schedule::ALL {
                let levels = times.levels(schedule, 50);
                let told = levels.opposite_times();
                for (&alpha, &time) in levels.alpha.iter().zip(&told).skip(1) {
                    let best = schedule.nearest(f64::from(1.0 - alpha), 50);
                    let miss =
                        |time: usize| (schedule.alpha(time, 50) - f64::from(1.0 - alpha)).abs();
                    assert!(miss(time as usize) <= miss(best) + 2e-3, "{schedule}: {alpha}");
                }
            }
        }
        let linear = Times::Uniform.levels(Schedule::Linear, 10);
        assert_eq!(linear.opposite_times()[1..], [9, 8, 7, 6, 5, 4, 3, 2, 1, 1]);
    }
}
