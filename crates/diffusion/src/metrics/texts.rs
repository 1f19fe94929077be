//! Metrics of generated texts.

use std::collections::{HashMap, HashSet};

/// Mean share of generated positions whose token differs between consecutive states of a
/// generation; masks count as tokens. `states` are `(length)` each, the initial one first.
/// 0 when there is nothing to compare.
pub fn change_rate<S: AsRef<[u32]>>(states: &[S], generated: &[bool]) -> f64 {
    let positions = generated.iter().filter(|&&g| g).count();
    let pairs = states.len().saturating_sub(1);
    let differing: usize = states
        .windows(2)
        .map(|pair| {
            let tokens = pair[0].as_ref().iter().zip(pair[1].as_ref()).zip(generated);
            tokens.filter(|((a, b), generated)| **generated && a != b).count()
        })
        .sum();
    differing as f64 / (positions * pairs).max(1) as f64
}

/// Distinct-n: different n-grams among all n-grams of `texts`; none spans two texts. 0 without
/// any.
pub fn distinct<S: AsRef<[u32]>>(texts: &[S], n: usize) -> f64 {
    let all = || texts.iter().flat_map(|text| text.as_ref().windows(n));
    all().collect::<HashSet<_>>().len() as f64 / all().count().max(1) as f64
}

/// Mean over the texts of the entropy of their own token frequencies, in nats: low where a text
/// repeats itself, which a low perplexity hides. Empty texts count as 0.
pub fn unigram_entropy<S: AsRef<[u32]>>(texts: &[S]) -> f64 {
    let entropy = |text: &[u32]| -> f64 {
        let mut counts = HashMap::new();
        text.iter().for_each(|token| *counts.entry(token).or_insert(0u32) += 1);
        // Sorted, because the order of additions must not depend on a hash.
        let mut counts: Vec<u32> = counts.into_values().collect();
        counts.sort_unstable();
        let share = |count: u32| f64::from(count) / text.len() as f64;
        counts.into_iter().map(|count| -share(count) * share(count).ln()).sum()
    };
    texts.iter().map(|text| entropy(text.as_ref())).sum::<f64>() / texts.len().max(1) as f64
}

/// Finds n-grams of the training text in other texts: a measure of memorisation.
#[derive(Clone, Debug)]
pub struct Overlap<'a> {
    known: HashSet<&'a [u32]>,
    n: usize,
}

impl<'a> Overlap<'a> {
    /// Indexes all n-grams of `training`; 13 is the usual n.
    ///
    /// # Panics
    /// When `n` is 0.
    pub fn new(training: &'a [u32], n: usize) -> Self {
        Self { known: training.windows(n).collect(), n }
    }

    /// Share of the n-grams of `texts` that occur in the training text; 0 without any.
    pub fn share<S: AsRef<[u32]>>(&self, texts: &[S]) -> f64 {
        let all = || texts.iter().flat_map(|text| text.as_ref().windows(self.n));
        let found = all().filter(|gram| self.known.contains(gram)).count();
        found as f64 / all().count().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_counted_where_text_is_generated() {
        let states = [[9, 2, 2, 2], [8, 5, 2, 2], [7, 5, 6, 2], [6, 5, 6, 3]];
        let rate = change_rate(&states, &[false, true, true, true]);
        assert!((rate - 1.0 / 3.0).abs() < 1e-12, "{rate}");
        assert_eq!(change_rate(&states[..1], &[true; 4]), 0.0);
    }

    #[test]
    fn distinct_n_grams() {
        let texts = [vec![1, 2, 1, 2], vec![2, 1]];
        assert_eq!(distinct(&texts, 1), 2.0 / 6.0);
        assert_eq!(distinct(&texts, 2), 2.0 / 4.0);
        assert_eq!(distinct(&texts, 3), 1.0);
        assert_eq!(distinct(&texts, 5), 0.0);
    }

    #[test]
    fn repetition_lowers_the_unigram_entropy() {
        let texts = [vec![1, 1, 1, 1], vec![1, 2, 3, 4]];
        assert!((unigram_entropy(&texts) - 4f64.ln() / 2.0).abs() < 1e-12);
        assert_eq!(unigram_entropy::<Vec<u32>>(&[]), 0.0);
    }

    #[test]
    fn copied_n_grams() {
        let training: Vec<u32> = (0..40).collect();
        let overlap = Overlap::new(&training, 13);
        let copied: Vec<u32> = (3..16).chain([90]).collect();
        assert_eq!(overlap.share(&[copied]), 0.5);
        assert_eq!(overlap.share(&[(3..15).collect::<Vec<u32>>()]), 0.0);
    }
}
