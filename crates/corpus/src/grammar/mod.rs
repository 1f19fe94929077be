//! Little stories from a seeded grammar: a corpus of the project's own, with no network needed.
//!
//! A plot is a list of beats, each beat a choice of templates. Templates nest choices and name
//! slots; a slot keeps what it was filled with, so that a lost kite is found as a kite. The idea of
//! teaching a small model with the words of small children is of Eldan and Li 2023
//! (arXiv 2305.07759); words and sentences here are our own.

mod cast;
mod lexicon;
mod plots;
mod rng;
mod teller;

use rng::Rng;
use teller::Teller;

/// Words of the shortest and of the longest story.
pub const WORDS: std::ops::RangeInclusive<usize> = 60..=200;

/// An endless row of stories. The same seed gives the same stories, on every machine; story `n`
/// does not depend on those before it.
#[derive(Clone, Debug)]
pub struct Stories {
    seed: u64,
    next: u64,
}

impl Stories {
    /// Starts at the first story of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, next: 0 }
    }
}

impl Iterator for Stories {
    type Item = String;

    /// The next story: plain text, paragraphs parted by an empty line, [`WORDS`] words long.
    fn next(&mut self) -> Option<String> {
        let mut rng = Rng::new(self.seed, self.next);
        self.next += 1;
        loop {
            let story = Teller::new(&mut rng).tell();
            if WORDS.contains(&story.split_whitespace().count()) {
                return Some(story);
            }
        }
    }
}

#[cfg(test)]
mod tests;
