//! A judge of stories that needs no large model: texts against real ones of the same kind.
//!
//! * [`Faults`] are counted per 1,000 words: doubled words, `a` for `an`, doubled punctuation, quotes that
//!   never close, sentences that end in a determiner, unknown words, names and pronouns without somebody.
//! * [`separability`] asks whether a simple reader can tell the texts from real ones.
//! * [`distinct`] and [`Known`] measure variety, and how much is copied from the training text.
//! * [`cloze`] makes questions of stories: which of two sentences is the last one?
//!
//! [`judge`] puts them side by side. A number says something only beside that of real text: real
//! stories double words, too.

mod cloze;
mod faults;
mod names;
mod people;
mod separability;
mod variety;
mod words;

pub use cloze::{Question, cloze};
pub use faults::{Faults, KINDS};
pub use separability::{Separability, separability};
pub use variety::{Known, distinct};
pub use words::{Token, tokens};

use serde::{Deserialize, Serialize};

/// Length of the n-grams that count as copied.
pub const COPIED: usize = 13;

/// What is known of a set of texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Where the texts come from.
    pub name: String,
    /// Number of texts.
    pub texts: usize,
    /// Number of words.
    pub words: usize,
    /// Faults per 1,000 words, in the order of [`KINDS`]; `None` where it cannot be known.
    pub faults: Vec<Option<f64>>,
    /// How well the texts can be told from real ones; of real ones, half from the other half.
    pub separability: Option<Separability>,
    /// Distinct 1-, 2- and 3-grams among as many words as all sets have.
    pub distinct: [f64; 3],
    /// Share of the 13-grams that stand in the training text, if that is known.
    pub copied: Option<f64>,
}

/// Judges sets of texts, each with a name, beside `real` texts, which come last. `training` is the text
/// that the model learned from: without it, nothing is unknown or copied.
pub fn judge<S: AsRef<str>>(
    sets: &[(String, Vec<S>)],
    real: (&str, &[S]),
    training: Option<&str>,
) -> Vec<Judgement> {
    struct Set<'a, S> {
        name: &'a str,
        texts: &'a [S],
        tokens: Vec<Vec<Token>>,
        words: usize,
    }
    let known = training.map(|text| Known::new(text, COPIED));
    impl<'a, S: AsRef<str>> Set<'a, S> {
        fn new((name, texts): (&'a str, &'a [S])) -> Self {
            let tokens: Vec<_> = texts.iter().map(|text| tokens(text.as_ref())).collect();
            let words = tokens.iter().map(|text| words::count(text)).sum();
            Self { name, texts, tokens, words }
        }
    }
    let sets = sets.iter().map(|(name, texts)| (name.as_str(), &texts[..]));
    let all: Vec<Set<'_, S>> = sets.chain([real]).map(Set::new).collect();
    let least = all.iter().map(|set| set.words).min().unwrap_or(0);
    let last = all.len() - 1;
    let judge = |(place, set): (usize, &Set<'_, S>)| {
        let separability = if place == last {
            let half = |parity: usize| -> Vec<Vec<Token>> {
                set.tokens.iter().skip(parity).step_by(2).cloned().collect()
            };
            separability(&half(0), &half(1))
        } else {
            separability(&set.tokens, &all[last].tokens)
        };
        Judgement {
            name: set.name.to_owned(),
            texts: set.texts.len(),
            words: set.words,
            faults: Faults::of(set.texts, known.as_ref()).per_thousand(known.is_some()),
            separability,
            distinct: [1, 2, 3].map(|n| distinct(&set.tokens, n, least)),
            copied: known.as_ref().map(|known| known.share(&set.tokens)),
        }
    };
    all.iter().enumerate().map(judge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_text_comes_last_and_is_judged_like_the_others() {
        let sets = [("bad".to_owned(), vec!["The the dog ran.".to_owned(); 12])];
        let real: Vec<String> = (0..12).map(|n| format!("A dog saw {n} cats. They ran.")).collect();
        let all = judge(&sets, ("real", &real), Some("A dog saw cats. They ran."));
        assert_eq!(all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["bad", "real"]);
        assert_eq!((all[0].texts, all[0].words, all[1].words), (12, 48, 84));
        assert_eq!(all[0].faults[0], Some(250.0), "one doubled word in four words");
        assert_eq!(all[1].faults[0], Some(0.0));
        assert_eq!(all[0].faults[5], Some(500.0), "`the` twice in each");
        assert_eq!(all[0].distinct[0], 3.0 / 48.0);
        assert!(all[0].separability.is_some_and(|all| all.auc > 0.99));
        assert!(judge(&sets, ("real", &real), None)[0].copied.is_none());
    }
}
