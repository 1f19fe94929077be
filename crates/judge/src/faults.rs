//! Faults of language that can be found without understanding the text.

use crate::words::{self, Token, cased, tokens};
use crate::{Known, names};

/// The kinds of faults, in the order in which they are reported.
pub const KINDS: [&str; 9] = [
    "doubled words",
    "a for an, an for a",
    "doubled punctuation",
    "quotes that never close",
    "sentences that end in a determiner",
    "unknown words",
    "names introduced, then dropped",
    "names from nowhere",
    "he or she for nobody",
];

/// The kind of faults that takes a text to know.
const UNKNOWN: usize = 5;

/// Words that a sentence does not end in.
const DETERMINERS: [&str; 8] = ["a", "an", "the", "my", "your", "our", "their", "every"];

/// Beginnings of words with a vowel letter that sound like a consonant.
const CONSONANT_SOUND: [&str; 6] = ["one", "once", "uni", "use", "usu", "eu"];

/// Beginnings of words with a consonant letter that sound like a vowel.
const VOWEL_SOUND: [&str; 4] = ["hour", "honest", "honor", "heir"];

/// Numbers of faults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Words of the texts.
    pub words: usize,
    /// Faults of each of [`KINDS`].
    pub counts: [usize; 9],
}

impl Faults {
    /// The faults of texts; words are unknown that `known` does not have.
    pub fn of<S: AsRef<str>>(texts: &[S], known: Option<&Known>) -> Self {
        let mut faults = Self::default();
        for text in texts {
            let [doubled, articles, marks, quotes, ends, unknown, people @ ..] = &mut faults.counts;
            for (count, found) in people.iter_mut().zip(names::faults(&cased(text.as_ref()))) {
                *count += found;
            }
            let text = tokens(text.as_ref());
            faults.words += words::count(&text);
            for pair in text.windows(2) {
                match (&pair[0], &pair[1]) {
                    (Token::Word(a), Token::Word(b)) => {
                        *doubled += usize::from(a == b);
                        *articles += usize::from(wrong_article(a, b));
                    }
                    (Token::Word(word), Token::Mark('.' | '!' | '?')) => {
                        *ends += usize::from(DETERMINERS.contains(&word.as_str()));
                    }
                    _ => (),
                }
            }
            *marks += doubled_marks(&text);
            *quotes += unclosed_quotes(&text);
            if let Some(known) = known {
                *unknown += text.iter().filter(|token| !known.has(token)).count();
            }
        }
        faults
    }

    /// Faults per 1,000 words; unknown words only if any are known.
    pub fn per_thousand(&self, known: bool) -> Vec<Option<f64>> {
        let rate = |&count: &usize| Some(1e3 * count as f64 / self.words.max(1) as f64);
        let mut rates: Vec<Option<f64>> = self.counts.iter().map(rate).collect();
        if !known {
            rates[UNKNOWN] = None;
        }
        rates
    }
}

fn wrong_article(article: &str, word: &str) -> bool {
    let begins = |list: &[&str]| list.iter().any(|beginning| word.starts_with(beginning));
    let vowel = word.starts_with(['a', 'e', 'i', 'o', 'u']);
    let sounds = if vowel { !begins(&CONSONANT_SOUND) } else { begins(&VOWEL_SOUND) };
    let letters = word.starts_with(char::is_alphabetic) && word.len() > 1;
    letters && (article == "a" && sounds || article == "an" && !sounds)
}

/// Runs of marks that no sentence has: more than one of `. , ; : ! ?`, unless they are three dots or
/// more, or nothing but `!` and `?`.
fn doubled_marks(text: &[Token]) -> usize {
    let mark = |token: &Token| match token {
        Token::Mark(c @ ('.' | ',' | ';' | ':' | '!' | '?')) => Some(*c),
        _ => None,
    };
    let runs = text.chunk_by(|a, b| mark(a).is_some() && mark(b).is_some());
    let fault = |run: &&[Token]| {
        let dots = run.len() >= 3 && run.iter().all(|token| mark(token) == Some('.'));
        let loud = run.iter().all(|token| matches!(mark(token), Some('!' | '?')));
        run.len() > 1 && !dots && !loud
    };
    runs.filter(fault).count()
}

/// Paragraphs with an odd number of quotation marks. The last one does not count where the text is cut
/// off.
fn unclosed_quotes(text: &[Token]) -> usize {
    let cut = !matches!(text.last(), Some(Token::Mark('.' | '!' | '?' | '"')));
    let odd = |paragraph: &[Token]| {
        let quotes = paragraph.iter().filter(|token| **token == Token::Mark('"'));
        !quotes.count().is_multiple_of(2)
    };
    let mut paragraphs: Vec<&[Token]> = text.split(|token| *token == Token::Break).collect();
    if cut {
        paragraphs.pop();
    }
    paragraphs.into_iter().filter(|paragraph| odd(paragraph)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str) -> [usize; 6] {
        let known =
            Known::new("a an the dog cat apple hour unicorn ran to saw was said hi very", 13);
        let Faults { counts, .. } = Faults::of(&[text], Some(&known));
        counts[..6].try_into().expect("six kinds")
    }

    #[test]
    fn every_kind_is_found_once() {
        assert_eq!(counts("The dog dog ran."), [1, 0, 0, 0, 0, 0]);
        assert_eq!(counts("A apple."), [0, 1, 0, 0, 0, 0]);
        assert_eq!(counts("The dog saw an cat."), [0, 1, 0, 0, 0, 0]);
        assert_eq!(counts("The dog,, the cat."), [0, 0, 1, 0, 0, 0]);
        assert_eq!(counts("The dog ran.,"), [0, 0, 1, 0, 0, 0]);
        assert_eq!(counts("\"Hi, said the dog."), [0, 0, 0, 1, 0, 0]);
        assert_eq!(counts("The dog saw the. The cat ran."), [0, 0, 0, 0, 1, 0]);
        assert_eq!(counts("The dogg ran."), [0, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn good_text_has_no_faults() {
        let good = "\"Hi!\" said a dog. An hour... a unicorn ran to an apple?! The cat was very, very.\n\"Hi,\"";
        assert_eq!(counts(good), [0; 6]);
        assert_eq!(counts("The cat. The cat said \"hi"), [0; 6], "where a text is cut off");
    }

    #[test]
    fn rates_are_per_thousand_words() {
        let faults = Faults::of(&["dog dog ran ran", "hi"], None);
        assert_eq!(faults.per_thousand(false)[..2], [Some(400.0), Some(0.0)]);
        assert_eq!(faults.per_thousand(false)[UNKNOWN], None);
    }

    #[test]
    fn names_and_pronouns_are_counted() {
        let text = "There was a girl named Lily. He ran. It was warm. Then Ben came.";
        assert_eq!(Faults::of(&[text, text], None).counts[6..], [0, 2, 2]);
    }
}
