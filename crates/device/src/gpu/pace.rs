//! How much work goes into a submission.

use std::time::Duration;

use web_time::Instant;

/// Time that a submission should take: long enough to hide its own cost (about 0.1 ms), short
/// enough that no driver takes it for a hang (Windows resets the device after two seconds).
const TARGET: Duration = Duration::from_millis(100);

/// Floating-point operations of the first submission: half a second at 1 GFLOP/s, the slowest software driver.
const FIRST: u64 = 500_000_000;

/// Shorter times are not measured.
const SHORTEST: Duration = Duration::from_millis(1);

/// Factor by which one measurement can change the budget: compiling shaders at their first
/// dispatch makes a driver look slow, a measurement of little work may be wrong either way.
const MOST_CHANGE: u64 = 8;

/// Learns from the submissions that are done how much work, in floating-point operations, the next
/// one may hold.
#[derive(Debug)]
pub(super) struct Pace {
    budget: u64,
    /// Submissions that are not known to be done.
    pending: usize,
    /// When the work counted in `done` began.
    since: Instant,
    /// When the latest submission was found done.
    latest: Instant,
    /// Work that was done after `since`.
    done: u64,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { budget: FIRST, pending: 0, since: now, latest: now, done: 0 }
    }

    /// A submission begins; returns how much work it may hold. What was found done before is one
    /// measurement: several submissions may have been found done at once.
    pub(super) fn submit(&mut self, now: Instant) -> u64 {
        let elapsed = self.latest.saturating_duration_since(self.since);
        if elapsed >= SHORTEST {
            let wanted = self.done as f64 * TARGET.as_secs_f64() / elapsed.as_secs_f64();
            let (least, most) = (self.budget / MOST_CHANGE, self.budget * MOST_CHANGE);
            self.budget = (wanted as u64).clamp(least.max(1), most);
            (self.since, self.done) = (self.latest, 0);
        }
        if self.pending == 0 {
            // The device was idle: that time does not count.
            self.since += now.saturating_duration_since(self.latest);
            self.latest = now;
        }
        self.pending += 1;
        self.budget
    }

    /// A submission of so much work was found done.
    pub(super) fn finish(&mut self, work: u64, now: Instant) {
        self.pending -= 1;
        self.done += work;
        self.latest = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Replays submissions on a device of `rate` units of work a second, one after the other, and
    /// returns the seconds that each takes.
    fn seconds(rate: f64, submissions: usize) -> Vec<f64> {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        let mut seconds = Vec::new();
        for _ in 0..submissions {
            let work = pace.submit(now);
            seconds.push(work as f64 / rate);
            now += Duration::from_secs_f64(work as f64 / rate);
            pace.finish(work, now);
        }
        seconds
    }

    #[test]
    fn submissions_take_the_time_they_should() {
        for rate in [1e9, 25e9, 20e12] {
            let seconds = seconds(rate, 100);
            assert!(seconds.iter().all(|&seconds| seconds < 0.6), "{rate:e}: {seconds:?}");
            let last = seconds[99];
            assert!((last - TARGET.as_secs_f64()).abs() < 1e-3, "{rate:e}: {seconds:?}");
        }
    }

    #[test]
    fn submissions_found_done_at_once_are_one_measurement() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        for _ in 0..10 {
            assert_eq!(pace.submit(start), FIRST);
        }
        let later = start + Duration::from_secs(1);
        for _ in 0..10 {
            pace.finish(FIRST, later);
        }
        // Ten submissions a second: as many as there should be.
        assert_eq!(pace.submit(later), FIRST);
    }

    #[test]
    fn idle_time_counts_for_nothing() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        pace.submit(start);
        pace.finish(FIRST, start + TARGET);
        assert_eq!(pace.submit(start + Duration::from_secs(100)), FIRST);
        pace.finish(FIRST, start + Duration::from_secs(100) + TARGET);
        assert_eq!(pace.submit(start + Duration::from_secs(200)), FIRST);
    }

    #[test]
    fn one_slow_start_is_forgotten() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        pace.submit(start);
        // Shaders were compiled meanwhile.
        pace.finish(FIRST, start + Duration::from_secs(10));
        assert_eq!(pace.submit(start + Duration::from_secs(10)), FIRST / MOST_CHANGE);
        pace.finish(FIRST, start + Duration::from_secs(10) + TARGET);
        assert_eq!(pace.submit(start + Duration::from_secs(11)), FIRST);
    }
}
