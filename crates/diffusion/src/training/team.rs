//! Several devices that train one network: each holds all of it and computes a part of every step.
//!
//! A step is divided into parts, and the gradients of the parts are summed in pairs: those of parts 0 and 1,
//! of 2 and 3, then these sums, and so on. That tree is the same however many devices share the
//! parts, so that equal devices give equal bits in any number. Each device ends up with the whole
//! sum and makes the same update; nothing else is ever sent.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::TrainingError;

/// How a step is divided, and which of its parts a device computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Parts of a step, a power of two that divides its microbatches.
    pub parts: usize,
    /// Number of the device, from 0.
    pub rank: usize,
    /// Devices, a divisor of the parts.
    pub ranks: usize,
}

impl Share {
    /// An undivided step on one device.
    pub const WHOLE: Self = Self { parts: 1, rank: 0, ranks: 1 };

    /// The parts that the device computes.
    pub fn own(&self) -> Range<usize> {
        let each = self.parts / self.ranks;
        self.rank * each..(self.rank + 1) * each
    }

    /// Refuses a step of `accumulation` microbatches that cannot be shared like this.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`].
    pub fn check(&self, accumulation: usize) -> Result<(), TrainingError> {
        let Self { parts, rank, ranks } = *self;
        assert!(rank < ranks, "rank {rank} of {ranks}");
        let sentence = if !parts.is_power_of_two() {
            format!("train.parts is {parts}; a step is divided into 1, 2, 4, 8 or more parts")
        } else if !accumulation.is_multiple_of(parts) {
            format!(
                "train.accumulation is {accumulation}, which is no multiple of train.parts, {parts}; raise the one or lower the other"
            )
        } else if !parts.is_multiple_of(ranks) {
            format!(
                "train.parts is {parts}, which {ranks} devices cannot share evenly; take 2, 4, 8 or more devices, with as many parts (train.parts) and microbatches (train.accumulation) or a multiple of them"
            )
        } else {
            return Ok(());
        };
        Err(TrainingError::Impossible(sentence))
    }
}

/// A device among others that train together, each of which calls the same functions in the same order.
pub trait Team: Debug {
    /// Its number, from 0.
    fn rank(&self) -> usize;

    /// How many there are.
    fn ranks(&self) -> usize;

    /// Sends `mine` to `other` and receives as many values of it, which does the same at the same time.
    ///
    /// # Errors
    /// The other has ended.
    fn exchange(&mut self, other: usize, mine: &[f32]) -> Result<Vec<f32>, TeamError>;
}

/// Another device of a team, of this number, is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rank {0} ended before the training did")]
pub struct TeamError(pub usize);

/// A device that trains alone.
#[derive(Clone, Copy, Debug)]
pub struct Alone;

impl Team for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn ranks(&self) -> usize {
        1
    }

    fn exchange(&mut self, other: usize, _: &[f32]) -> Result<Vec<f32>, TeamError> {
        unreachable!("there is no rank {other} beside one that is alone")
    }
}

/// A device of a team in one process, whose others are on other threads.
#[derive(Debug)]
pub struct Member {
    rank: usize,
    /// To each of the team and from it; the two to itself are never used.
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    to: Sender<Vec<f32>>,
    from: Receiver<Vec<f32>>,
}

impl Member {
    /// `ranks` members that are connected with each other.
    pub fn connected(ranks: usize) -> Vec<Self> {
        let mut to: Vec<Vec<_>> = (0..ranks).map(|_| Vec::new()).collect();
        let mut from: Vec<Vec<_>> = (0..ranks).map(|_| Vec::new()).collect();
        for senders in &mut to {
            for receivers in &mut from {
                let (sender, receiver) = channel();
                senders.push(sender);
                receivers.push(receiver);
            }
        }
        let ends = to.into_iter().zip(from).map(|(to, from)| to.into_iter().zip(from));
        let lines = ends.map(|ends| ends.map(|(to, from)| Line { to, from }).collect());
        lines.enumerate().map(|(rank, lines)| Self { rank, lines }).collect()
    }
}

impl Team for Member {
    fn rank(&self) -> usize {
        self.rank
    }

    fn ranks(&self) -> usize {
        self.lines.len()
    }

    fn exchange(&mut self, other: usize, mine: &[f32]) -> Result<Vec<f32>, TeamError> {
        let Line { to, from } = &self.lines[other];
        to.send(mine.to_vec()).map_err(|_| TeamError(other))?;
        from.recv().map_err(|_| TeamError(other))
    }
}

/// Sums each of `values` over the team, a power of two of devices, in pairs.
///
/// # Errors
/// Another device has ended.
pub fn sum(team: &mut dyn Team, values: &mut [f32]) -> Result<(), TeamError> {
    let mut distance = 1;
    while distance < team.ranks() {
        let theirs = team.exchange(team.rank() ^ distance, values)?;
        add(values, &theirs);
        distance *= 2;
    }
    Ok(())
}

/// Sums vectors in pairs as they come, a power of two of them: what [`sum`] does across devices.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    /// Sums of fewer and fewer vectors, the number of which is the binary form of `count`.
    sums: Vec<Vec<f32>>,
    count: usize,
}

impl Pairs {
    pub(super) fn push(&mut self, mut values: Vec<f32>) {
        let mut before = self.count;
        while before % 2 == 1 {
            let left = self.sums.pop().expect("as many sums as ones");
            add(&mut values, &left);
            before /= 2;
        }
        self.sums.push(values);
        self.count += 1;
    }

    /// # Panics
    /// When their number is no power of two.
    pub(super) fn sum(mut self) -> Vec<f32> {
        assert!(self.count.is_power_of_two(), "{} parts", self.count);
        self.sums.pop().expect("one sum")
    }
}

fn add(values: &mut [f32], others: &[f32]) {
    assert_eq!(values.len(), others.len(), "lengths of two gradients");
    for (value, other) in values.iter_mut().zip(others) {
        *value += other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_shared_is_said() {
        for ([parts, ranks, accumulation], said) in [
            ([3, 1, 3], "train.parts is 3"),
            ([4, 1, 2], "train.accumulation is 2, which is no multiple of train.parts, 4"),
            ([1, 2, 2], "train.parts is 1, which 2 devices cannot share"),
            ([4, 3, 4], "train.parts is 4, which 3 devices cannot share"),
        ] {
            let error = Share { parts, rank: 0, ranks }.check(accumulation).expect_err(said);
            assert!(error.to_string().contains(said), "{error}");
        }
        let shares = [[1, 1, 1], [1, 1, 3], [4, 2, 8], [8, 8, 8]];
        for [parts, ranks, accumulation] in shares {
            let own = (0..ranks).flat_map(|rank| {
                let share = Share { parts, rank, ranks };
                share.check(accumulation).expect("a share");
                share.own()
            });
            assert!(own.eq(0..parts));
        }
    }

    #[test]
    fn pairs_are_summed_before_sums() {
        let mut pairs = Pairs::default();
        // One after the other they would give 0: 1 is lost beside 1e8.
        [1e8, -1e8, 0.5, 0.5].into_iter().for_each(|value| pairs.push(vec![value]));
        assert_eq!(pairs.sum(), [1.0]);
        let mut pairs = Pairs::default();
        [1.0, 1e8, -1e8, 0.0].into_iter().for_each(|value| pairs.push(vec![value]));
        assert_eq!(pairs.sum(), [0.0]);
    }
}
