//! How far a run has come: the steps that write its text, and those that correct it afterwards.

use std::fmt;

use crate::Trace;

/// How far a run has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// The text stands and is corrected.
    pub correcting: bool,
    /// Steps done of this kind.
    pub done: u32,
    /// Steps of this kind in all, at most.
    pub of: u32,
}

impl Clock {
    /// Steps done, in few characters: those of the correction with a plus sign.
    pub fn short(self) -> String {
        format!("{}{}", if self.correcting { "+" } else { "" }, self.done)
    }

    /// What is counted.
    pub fn unit(self) -> &'static str {
        if self.correcting { "correction" } else { "step" }
    }
}

/// `step 28`, or `correction 3`.
impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.unit(), self.done)
    }
}

impl Trace {
    /// The steps that the run was to take, those of a correction included.
    pub fn planned(&self) -> u32 {
        self.steps.saturating_add(self.corrections)
    }

    /// The steps of the whole run, as far as is known: at least those that it took.
    pub fn total(&self) -> u32 {
        self.planned().max(self.frames.last().map_or(0, |last| last.step))
    }

    /// How far the run has come after so many steps.
    pub fn clock(&self, step: u32) -> Clock {
        match step.checked_sub(self.steps) {
            Some(done @ 1..) if self.corrections > 0 => {
                Clock { correcting: true, done, of: self.total() - self.steps }
            }
            _ if self.corrections > 0 => Clock { correcting: false, done: step, of: self.steps },
            _ => Clock { correcting: false, done: step, of: self.total() },
        }
    }
}
