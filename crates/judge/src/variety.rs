//! Variety of texts, and what they copy.

use std::collections::HashSet;

use crate::words::{Token, tokens};

fn words(text: &[Token]) -> Vec<&str> {
    text.iter()
        .filter_map(|token| match token {
            Token::Word(word) => Some(word.as_str()),
            _ => None,
        })
        .collect()
}

/// Distinct-n: different n-grams of words among all, in the first `most` words of the texts together.
/// The more words, the lower it is: compare sets of equal size. 0 without any.
pub fn distinct(texts: &[Vec<Token>], n: usize, most: usize) -> f64 {
    let (mut left, mut seen, mut all) = (most, HashSet::new(), 0);
    for text in texts {
        let mut words = words(text);
        words.truncate(left);
        left -= words.len();
        for gram in words.windows(n) {
            seen.insert(gram.to_vec());
            all += 1;
        }
    }
    seen.len() as f64 / all.max(1) as f64
}

/// Words and n-grams of a training text.
#[derive(Clone, Debug)]
pub struct Known {
    words: HashSet<String>,
    grams: HashSet<Vec<String>>,
    n: usize,
}

impl Known {
    /// Indexes a text.
    ///
    /// # Panics
    /// When `n` is 0.
    pub fn new(text: &str, n: usize) -> Self {
        let text = tokens(text);
        let words = words(&text);
        let owned = |gram: &[&str]| gram.iter().map(|&word| word.to_owned()).collect();
        Self {
            grams: words.windows(n).map(owned).collect(),
            words: words.into_iter().map(str::to_owned).collect(),
            n,
        }
    }

    /// Whether a word occurs in the text; marks and numbers are always known.
    pub fn has(&self, token: &Token) -> bool {
        match token {
            Token::Word(word) => {
                self.words.contains(word) || word.chars().all(|c| c.is_ascii_digit())
            }
            _ => true,
        }
    }

    /// Share of the n-grams of texts that occur in the text; 0 without any.
    pub fn share(&self, texts: &[Vec<Token>]) -> f64 {
        let (mut found, mut all) = (0usize, 0usize);
        for text in texts {
            for gram in words(text).windows(self.n) {
                let gram: Vec<String> = gram.iter().map(|&word| word.to_owned()).collect();
                found += usize::from(self.grams.contains(&gram));
                all += 1;
            }
        }
        found as f64 / all.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetition_is_seen_in_equal_numbers_of_words() {
        let texts = [tokens("the dog saw the dog."), tokens("the cat")];
        assert_eq!(distinct(&texts, 1, 100), 4.0 / 7.0);
        assert_eq!(distinct(&texts, 2, 100), 4.0 / 5.0, "no pair spans two texts");
        assert_eq!(distinct(&texts, 1, 3), 1.0);
        assert_eq!(distinct(&texts, 3, 2), 0.0);
    }

    #[test]
    fn copies_are_found() {
        let known = Known::new("The dog ran to the red house.", 3);
        let share = known.share(&[tokens("A dog ran to the blue house"), tokens("hi")]);
        // "dog ran to", "ran to the" of five.
        assert_eq!(share, 0.4);
        assert!(known.has(&Token::Word("7".into())) && known.has(&Token::Mark('.')));
        assert!(!known.has(&Token::Word("blue".into())));
    }
}
