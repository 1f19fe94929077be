//! What the log of a training says: curves, and sentences about them.

use crate::protocol::{Record, Split};

/// Points of the log, each with the step it belongs to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves {
    /// Loss of the steps, in nats.
    pub train: Vec<(u32, f64)>,
    /// Loss on held-out text, in nats.
    pub validation: Vec<(u32, f64)>,
    /// Share of hidden words of held-out text that were guessed.
    pub accuracy: Option<f64>,
    /// Bound of held-out text in bits per byte.
    pub bits: Vec<(u32, f64)>,
    /// Tokens per second of the latest steps.
    pub tokens_per_second: Option<f64>,
}

impl Curves {
    /// Those of a log.
    pub fn of(records: &[Record]) -> Self {
        let mut curves = Self::default();
        for record in records {
            match *record {
                Record::Step { step, loss, tokens_per_second, .. } => {
                    curves.train.push((step, loss));
                    curves.tokens_per_second = Some(tokens_per_second);
                }
                Record::Evaluation {
                    step,
                    split: Split::Validation,
                    loss,
                    accuracy,
                    bits_per_byte,
                    ..
                } => {
                    curves.validation.push((step, loss));
                    curves.accuracy = Some(accuracy);
                    curves.bits.extend(bits_per_byte.map(|bits| (step, bits)));
                }
                _ => {}
            }
        }
        curves
    }
}

/// What can be said about a training at this moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Telling {
    /// Tokens of the vocabulary.
    pub vocabulary: u32,
    /// Entropy of the frequencies of words in nats, if it is known.
    pub unigram: Option<f64>,
    /// The latest loss on held-out text, in nats.
    pub loss: Option<f64>,
    /// The share of hidden words that were guessed.
    pub accuracy: Option<f64>,
    /// The latest bits per byte, and what the grammar leaves open.
    pub bits: Option<(f64, f64)>,
}

/// Sentences about it: where the loss stands between guessing and knowing.
pub fn telling(telling: &Telling) -> Vec<String> {
    let Telling { vocabulary, unigram, loss, accuracy, bits } = *telling;
    let start = f64::from(vocabulary.max(2)).ln();
    let guessing = format!(
        "Guessing among {vocabulary} words costs ln {vocabulary} = {start:.2} nats for each: that is \
         the loss of a model that knows nothing."
    );
    let Some(loss) = loss else { return vec![guessing] };
    // Within 3 percent of either mark.
    let knows_frequencies = unigram.map_or(0.8 * start, |unigram| unigram * 1.03);
    let stage = if loss > 0.97 * start {
        guessing
    } else if loss > knows_frequencies {
        format!(
            "It learns which words are frequent: a loss of {loss:.2}, on the way down from ln \
             {vocabulary} = {start:.2}."
        )
    } else if loss > 0.85 * knows_frequencies {
        "It knows how frequent each word is, and little else. This is a plateau: for a while the \
         loss hardly falls, until it sees that words depend on their neighbours."
            .to_owned()
    } else {
        format!(
            "It uses the words around a gap now: a loss of {loss:.2} is a choice among {:.0} words, \
             not {vocabulary}.",
            loss.exp()
        )
    };
    let mut out = vec![stage];
    if let Some(accuracy) = accuracy {
        out.push(format!(
            "Of the hidden words of unseen stories it guesses {:.0}%.",
            accuracy * 100.0
        ));
    }
    if let Some((bits, entropy)) = bits.filter(|(_, entropy)| *entropy > 0.0) {
        out.push(format!(
            "It needs {bits:.2} bits per byte. The grammar that wrote the stories leaves {entropy:.2} \
             open, and no model can do better."
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_sentence(loss: Option<f64>) -> String {
        let told =
            Telling { vocabulary: 1024, unigram: Some(5.8), loss, accuracy: None, bits: None };
        telling(&told).swap_remove(0)
    }

    #[test]
    fn the_stages_are_told_apart() {
        assert!(first_sentence(None).contains("ln 1024 = 6.93"));
        assert!(first_sentence(Some(6.95)).contains("knows nothing"));
        assert!(first_sentence(Some(6.4)).contains("which words are frequent"));
        assert!(first_sentence(Some(5.8)).contains("plateau"));
        assert!(first_sentence(Some(3.0)).contains("among 20 words, not 1024"));
    }

    #[test]
    fn curves_are_what_the_log_says() {
        let step = |step, loss| Record::Step {
            step,
            loss,
            grad_norm: 1.0,
            lr: 0.01,
            tokens_per_second: 500.0,
            skipped: 0,
        };
        let evaluation = |split, loss| Record::Evaluation {
            step: 10,
            split,
            loss,
            accuracy: 0.25,
            entropy: 1.0,
            bits_per_byte: Some(1.5),
            bits_per_byte_error: None,
        };
        let records = [
            step(5, 6.0),
            evaluation(Split::Train, 5.0),
            evaluation(Split::Validation, 5.5),
            step(10, 5.6),
        ];
        let curves = Curves::of(&records);
        assert_eq!(curves.train, [(5, 6.0), (10, 5.6)]);
        assert_eq!(curves.validation, [(10, 5.5)]);
        assert_eq!((curves.bits, curves.accuracy), (vec![(10, 1.5)], Some(0.25)));
    }
}
