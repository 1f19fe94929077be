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

use crate::stories;

pub use entropy::{Entropy, Estimate};
pub use error::{GrammarError, Mistake};

/// Names and texts of the files of a grammar.
macro_rules! files {
    ($folder:literal, $($name:literal),*) => {
        [$(($name, include_str!(concat!("../../grammar/", $folder, $name)))),*]
    };
}

/// The files of the project's own grammar.
const FILES: [(&str, &str); 12] = files!(
    "",
    "cast.txt",
    "seasons.txt",
    "things.txt",
    "events.txt",
    "beats.txt",
    "adventures.txt",
    "feelings.txt",
    "friends.txt",
    "home.txt",
    "journeys.txt",
    "wonders.txt",
    "days.txt"
);

/// Names of the files of the project's own grammar, in the order in which they are read.
pub const NAMES: [&str; FILES.len()] = {
    let mut names = [""; FILES.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = FILES[at].0;
        at += 1;
    }
    names
};

/// The files of the grammar of first stories.
const FIRST: [(&str, &str); 1] = files!("first/", "first.txt");

/// Entropy of the project's own grammar in bits per byte, as `trainer data --entropy` measures it.
pub const ENTROPY: f64 = 0.0717;
/// The same of the grammar of first stories.
pub const FIRST_ENTROPY: f64 = 0.1324;

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
        match Self::parse(&FILES) {
            Ok(grammar) => grammar,
            Err(error) => panic!("{error}"),
        }
    }

    /// First stories: four plots and about a hundred words.
    ///
    /// # Panics
    /// Never: the tests read its files.
    #[must_use]
    pub fn first() -> Self {
        match Self::parse(&FIRST) {
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

    /// So many different stories of a seed as a corpus, the same as of `trainer data`.
    #[must_use]
    pub fn corpus(&self, seed: u64, stories: usize) -> String {
        stories::join(self.stories(seed).distinct().take(stories))
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
