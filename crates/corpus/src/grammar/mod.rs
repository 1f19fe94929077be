//! Little stories from a seeded grammar: a corpus of the project's own, with no network needed.
//!
//! A plot is a list of beats, each beat a choice of templates. Templates nest choices and name
//! slots; a slot keeps what it was filled with, so that a lost kite is found as a kite. Plots and
//! lists are text files, `crates/corpus/grammar/`, whose language is explained in its `README.md`.
//! The idea of teaching a small model with the words of small children is of Eldan and Li 2023
//! (arXiv 2305.07759); words and sentences here are our own.
//!
//! The grammar knows the probability of whatever it writes, see [`Grammar::bits`] and [`Entropy`].

mod build;
mod cast;
mod check;
mod entropy;
mod error;
mod likelihood;
mod pen;
mod rng;
mod sections;
mod teller;
mod template;

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use build::Parts;
use pen::Writer;
use rng::Rng;
use teller::{Stop, Teller};

pub use entropy::{Entropy, Estimate};
pub use error::{GrammarError, Mistake};

/// The files of the project's own grammar.
const FILES: &[(&str, &str)] = &[
    ("cast.txt", include_str!("../../grammar/cast.txt")),
    ("seasons.txt", include_str!("../../grammar/seasons.txt")),
    ("things.txt", include_str!("../../grammar/things.txt")),
    ("events.txt", include_str!("../../grammar/events.txt")),
    ("beats.txt", include_str!("../../grammar/beats.txt")),
    ("adventures.txt", include_str!("../../grammar/adventures.txt")),
    ("feelings.txt", include_str!("../../grammar/feelings.txt")),
    ("friends.txt", include_str!("../../grammar/friends.txt")),
    ("home.txt", include_str!("../../grammar/home.txt")),
    ("journeys.txt", include_str!("../../grammar/journeys.txt")),
    ("wonders.txt", include_str!("../../grammar/wonders.txt")),
    ("days.txt", include_str!("../../grammar/days.txt")),
];

/// Repeated stories in a row after which [`Distinct`] gives up.
const PATIENCE: u32 = 10_000;

/// Plots, lists and what else stories are made of.
#[derive(Clone, Debug)]
pub struct Grammar {
    parts: Parts,
}

/// A story, and how likely the way is in which the grammar came to it.
struct Told {
    text: String,
    /// -log2 of the probability of all decisions.
    bits: f64,
}

impl Grammar {
    /// The project's own grammar.
    ///
    /// # Panics
    /// Never: the tests read its files.
    #[must_use]
    pub fn embedded() -> Self {
        match Self::parse(FILES) {
            Ok(grammar) => grammar,
            Err(error) => panic!("{error}"),
        }
    }

    /// Reads the files of a grammar, each with its name.
    ///
    /// # Errors
    /// The first mistake that is found, with its file and line.
    pub fn parse(files: &[(&str, &str)]) -> Result<Self, GrammarError> {
        Ok(Self { parts: build::build(files)? })
    }

    /// Names of the plots.
    pub fn plots(&self) -> impl ExactSizeIterator<Item = &str> {
        self.parts.plots.iter().map(|plot| plot.name.as_str())
    }

    /// An endless row of stories. The same seed gives the same stories, on every machine; story `n`
    /// does not depend on those before it.
    #[must_use]
    pub fn stories(&self, seed: u64) -> Stories<'_> {
        Stories { grammar: self, seed, next: 0 }
    }

    fn tell(&self, seed: u64, number: u64) -> Told {
        let mut rng = Rng::new(seed, number);
        let mut teller = Teller::new(&self.parts, Writer::default());
        let mut bits = 0.0;
        while let Stop::Decide(decision) = teller.tell() {
            let weights = teller.weights(&decision);
            let option = rng.weighted(&weights);
            let total: u32 = weights.iter().sum();
            bits += (f64::from(total) / f64::from(weights[option])).log2();
            teller.decide(&decision, option);
        }
        Told { text: teller.pen.finish(), bits }
    }
}

/// Stories of one seed, see [`Grammar::stories`].
#[derive(Clone, Debug)]
pub struct Stories<'g> {
    grammar: &'g Grammar,
    seed: u64,
    next: u64,
}

impl<'g> Stories<'g> {
    /// The same stories, each once.
    #[must_use]
    pub fn distinct(self) -> Distinct<'g> {
        Distinct { stories: self, seen: HashSet::new(), repeats: 0 }
    }
}

impl Iterator for Stories<'_> {
    type Item = String;

    /// The next story: plain text, paragraphs parted by an empty line.
    fn next(&mut self) -> Option<String> {
        let told = self.grammar.tell(self.seed, self.next);
        self.next += 1;
        Some(told.text)
    }
}

/// Stories without repeats. Ends when only stories come that were there before.
#[derive(Clone, Debug)]
pub struct Distinct<'g> {
    stories: Stories<'g>,
    /// The first 64 bits of the SHA-256 of each story.
    seen: HashSet<u64>,
    repeats: u64,
}

impl Distinct<'_> {
    /// Repeats that were left out so far.
    #[must_use]
    pub fn repeats(&self) -> u64 {
        self.repeats
    }
}

impl Iterator for Distinct<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        for _ in 0..PATIENCE {
            let story = self.stories.next()?;
            let hash = Sha256::digest(&story);
            let start = hash.first_chunk().copied().unwrap_or_default();
            if self.seen.insert(u64::from_be_bytes(start)) {
                return Some(story);
            }
            self.repeats += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests;
