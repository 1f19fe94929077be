//! The times that a generation in fewer steps than the schedule has goes through.

/// The `steps + 1` times of a generation in `steps` steps, from `timesteps` down to 0: every time
/// when there are as many steps as times, else spread evenly, rounded up. `steps` must be between
/// 1 and `timesteps`.
pub fn times(steps: usize, timesteps: usize) -> Vec<usize> {
    (0..=steps).map(|i| (timesteps * (steps - i)).div_ceil(steps)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_reach_both_ends() {
        assert_eq!(times(4, 4), [4, 3, 2, 1, 0]);
        assert_eq!(times(3, 10), [10, 7, 4, 0]);
        assert_eq!(times(1, 100), [100, 0]);
        for steps in 1..=100 {
            let times = times(steps, 100);
            assert!(times.is_sorted_by(|a, b| a > b), "{steps}: {times:?}");
        }
    }
}
