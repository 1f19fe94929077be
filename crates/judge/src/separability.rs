//! A two-sample test: can a simple reader tell texts from real ones?

use serde::{Deserialize, Serialize};

use crate::words::{self, Token};

/// Features: hashes of n-grams. A power of two.
const FEATURES: usize = 1 << 16;
/// Longest n-grams.
const LONGEST: usize = 3;
/// Parts of the texts; each is judged by a reader who learned from the others.
const FOLDS: usize = 5;
/// Passes over the texts of a reader's training, its step size, and the decay of weights in each step.
const EPOCHS: usize = 20;
const RATE: f64 = 0.5;
const DECAY: f64 = 1e-4;

/// How well texts are told from real ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Separability {
    /// Area under the ROC curve: probability that a reader takes a real text for more real than one
    /// of the others; 0.5 if they cannot be told apart, 1 if always.
    pub auc: f64,
    /// Its standard error (Hanley and McNeil 1982), which takes texts for independent.
    pub error: f64,
}

/// How well a logistic regression on hashed 1- to 3-grams of words and marks, in cross-validation,
/// tells `texts` from `real` ones. All are cut to the median number of words of `texts`, so that length
/// says nothing. `None` with too few texts of either kind.
pub fn separability(texts: &[Vec<Token>], real: &[Vec<Token>]) -> Option<Separability> {
    if texts.len() < FOLDS || real.len() < FOLDS {
        return None;
    }
    let mut lengths: Vec<usize> = texts.iter().map(|text| words::count(text)).collect();
    lengths.sort_unstable();
    let length = lengths[lengths.len() / 2];
    let label = |texts: &[Vec<Token>], is_real: bool| -> Vec<Example> {
        let example = |(n, text): (usize, &Vec<Token>)| Example {
            features: features(cut(text, length)),
            is_real,
            fold: n % FOLDS,
        };
        texts.iter().enumerate().map(example).collect()
    };
    let examples = [label(texts, false), label(real, true)].concat();
    let mut scores = [vec![], vec![]];
    for fold in 0..FOLDS {
        let (held_out, learned): (Vec<&Example>, Vec<&Example>) =
            examples.iter().partition(|example| example.fold == fold);
        let reader = Reader::train(&learned);
        for example in held_out {
            scores[usize::from(example.is_real)].push(reader.score(&example.features));
        }
    }
    let [generated, real] = scores;
    let auc = auc(&generated, &real);
    let (n, m) = (real.len() as f64, generated.len() as f64);
    let (q1, q2) = (auc / (2.0 - auc), 2.0 * auc * auc / (1.0 + auc));
    let variance = auc * (1.0 - auc) + (n - 1.0) * (q1 - auc * auc) + (m - 1.0) * (q2 - auc * auc);
    Some(Separability { auc, error: (variance.max(0.0) / (n * m)).sqrt() })
}

/// The text up to its `length`-th word.
fn cut(text: &[Token], length: usize) -> &[Token] {
    let mut words = 0;
    let end = text.iter().position(|token| {
        words += usize::from(matches!(token, Token::Word(_)));
        words > length
    });
    &text[..end.unwrap_or(text.len())]
}

#[derive(Clone)]
struct Example {
    /// Places and values, together of length 1.
    features: Vec<(usize, f64)>,
    is_real: bool,
    fold: usize,
}

/// Roots of the counts of hashed n-grams, scaled to length 1.
fn features(text: &[Token]) -> Vec<(usize, f64)> {
    let grams = (1..=LONGEST).flat_map(|n| text.windows(n));
    let mut places: Vec<usize> = grams.map(place).collect();
    places.sort_unstable();
    let counts: Vec<(usize, f64)> =
        places.chunk_by(|a, b| a == b).map(|run| (run[0], (run.len() as f64).sqrt())).collect();
    let length = counts.iter().map(|(_, value)| value * value).sum::<f64>().sqrt();
    counts.into_iter().map(|(place, value)| (place, value / length)).collect()
}

/// FNV-1a over the tokens of an n-gram.
fn place(gram: &[Token]) -> usize {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    for token in gram {
        match token {
            Token::Word(word) => word.bytes().for_each(&mut add),
            Token::Mark(mark) => mark.to_string().bytes().for_each(&mut add),
            Token::Break => add(b'\n'),
        }
        add(0xff);
    }
    (hash ^ hash >> 32) as usize % FEATURES
}

/// A logistic regression.
struct Reader {
    weights: Vec<f64>,
    bias: f64,
}

impl Reader {
    /// Stochastic gradient descent, both kinds weighing the same in total.
    fn train(examples: &[&Example]) -> Self {
        let real = examples.iter().filter(|example| example.is_real).count() as f64;
        let all = examples.len() as f64;
        let mut reader = Self { weights: vec![0.0; FEATURES], bias: 0.0 };
        // Kinds take turns as evenly as their numbers allow.
        let mut order: Vec<(f64, &Example)> = [false, true]
            .into_iter()
            .flat_map(|kind| {
                let same: Vec<&Example> =
                    examples.iter().copied().filter(|example| example.is_real == kind).collect();
                let count = same.len() as f64;
                same.into_iter().enumerate().map(move |(n, one)| ((n as f64 + 0.5) / count, one))
            })
            .collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        for epoch in 0..EPOCHS {
            let rate = RATE * (1.0 - epoch as f64 / EPOCHS as f64);
            for (_, example) in &order {
                let wanted = f64::from(u8::from(example.is_real));
                let share = if example.is_real { real } else { all - real } / all;
                let guess = 1.0 / (1.0 + (-reader.score(&example.features)).exp());
                let step = rate * (wanted - guess) * 0.5 / share;
                reader.bias += step;
                for &(place, value) in &example.features {
                    let weight = &mut reader.weights[place];
                    *weight += step * value - rate * DECAY * *weight;
                }
            }
        }
        reader
    }

    fn score(&self, features: &[(usize, f64)]) -> f64 {
        self.bias + features.iter().map(|&(place, value)| self.weights[place] * value).sum::<f64>()
    }
}

/// Share of the pairs in which the second kind scores higher; ties count half.
fn auc(low: &[f64], high: &[f64]) -> f64 {
    let wins = |high: &f64| -> f64 {
        let win = |low: &f64| match high.total_cmp(low) {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        };
        low.iter().map(win).sum()
    };
    high.iter().map(wins).sum::<f64>() / (low.len() * high.len()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens;

    /// Texts of 30 words out of a few, drawn by a small generator.
    fn texts(seed: u64, count: usize, words: &[&str]) -> Vec<Vec<Token>> {
        let mut state = seed << 32;
        // SplitMix64 (Steele, Lea and Flood 2014).
        let mut word = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            words[((z ^ z >> 31) >> 33) as usize % words.len()]
        };
        (0..count).map(|_| tokens(&(0..30).map(|_| word()).collect::<Vec<_>>().join(" "))).collect()
    }

    const WORDS: [&str; 6] = ["dog", "cat", "ran", "saw", "the", "a"];

    /// Mean over ten pairs of 80 texts each, the second made from its seed by `make`. The error of one
    /// is about 0.046, that of the mean 0.015.
    fn mean_of_ten(make: impl Fn(u64) -> Vec<Vec<Token>>) -> f64 {
        let auc = |seed: u64| {
            let found = separability(&texts(seed, 80, &WORDS), &make(100 + seed)).unwrap();
            assert!((0.03..0.06).contains(&found.error), "{found:?}");
            found.auc
        };
        (1..=10).map(auc).sum::<f64>() / 10.0
    }

    #[test]
    fn texts_from_one_source_cannot_be_told_apart() {
        let auc = mean_of_ten(|seed| texts(seed, 80, &WORDS));
        assert!((auc - 0.5).abs() < 0.05, "{auc}");
    }

    #[test]
    fn texts_with_another_habit_are_told_apart() {
        // The same words, but one comes twice as often.
        let habit = ["dog", "dog", "cat", "ran", "saw", "the", "a"];
        let found = separability(&texts(1, 150, &habit), &texts(2, 150, &WORDS)).unwrap();
        assert!((0.7..0.99).contains(&found.auc), "{found:?}");
        let other = texts(1, 40, &["bird", "flew", "up"]);
        assert_eq!(separability(&other, &texts(2, 60, &WORDS)).map(|found| found.auc), Some(1.0));
    }

    #[test]
    fn length_says_nothing() {
        let auc = mean_of_ten(|seed| {
            let pairs = texts(seed, 160, &WORDS);
            pairs.chunks(2).map(|pair| pair.concat()).collect()
        });
        assert!((auc - 0.5).abs() < 0.05, "{auc}");
    }

    #[test]
    fn few_texts_say_nothing() {
        assert_eq!(separability(&texts(1, 4, &WORDS), &texts(2, 50, &WORDS)), None);
    }

    #[test]
    fn areas_by_hand() {
        assert_eq!(auc(&[1.0, 2.0], &[3.0]), 1.0);
        assert_eq!(auc(&[1.0, 3.0], &[2.0, 3.0]), 0.625);
        assert_eq!(cut(&tokens("a b, c d"), 2), tokens("a b,"));
    }
}
