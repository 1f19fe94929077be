//! A judge of stories that needs no large model: texts against real ones of the same kind.
//!
//! * [`Faults`] are counted per 1,000 words: doubled words, `a` for `an`, doubled punctuation, quotes that
//!   never close, sentences that end in a determiner, unknown words.
//! * [`separability`] asks whether a simple reader can tell the texts from real ones.
//! * [`distinct`] and [`Known`] measure variety, and how much is copied from the training text.
//!
//! [`judge`] puts them side by side. A number says something only beside that of real text: real
//! stories double words, too.

mod faults;
mod separability;
mod variety;
mod words;

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
    let known = training.map(|text| Known::new(text, COPIED));
    let tokens_of = |texts: &[S]| -> Vec<Vec<Token>> {
        texts.iter().map(|text| tokens(text.as_ref())).collect()
    };
    let real_texts = tokens_of(real.1);
    let mut all: Vec<(&str, Vec<Vec<Token>>)> =
        sets.iter().map(|(name, texts)| (name.as_str(), tokens_of(texts))).collect();
    all.push((real.0, real_texts.clone()));
    let words_of =
        |texts: &[Vec<Token>]| texts.iter().map(|text| words::count(text)).sum::<usize>();
    let least = all.iter().map(|(_, texts)| words_of(texts)).min().unwrap_or(0);
    let last = all.len() - 1;
    let judge = |(place, (name, texts)): (usize, &(&str, Vec<Vec<Token>>))| {
        let faults = Faults::of(texts, known.as_ref());
        let separability = if place == last {
            let half = |parity: usize| -> Vec<Vec<Token>> {
                texts.iter().skip(parity).step_by(2).cloned().collect()
            };
            separability(&half(0), &half(1))
        } else {
            separability(texts, &real_texts)
        };
        Judgement {
            name: (*name).to_owned(),
            texts: texts.len(),
            words: faults.words,
            faults: faults.per_thousand(known.is_some()),
            separability,
            distinct: [1, 2, 3].map(|n| distinct(texts, n, least)),
            copied: known.as_ref().map(|known| known.share(texts)),
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
