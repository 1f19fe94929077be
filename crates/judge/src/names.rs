//! Names and pronouns: who comes into a story, and whether the story knows.

use std::collections::BTreeSet;

use crate::people::{self, Gender};
use crate::words::Token;

/// Capitalized words in the middle of a sentence that name nobody.
const OTHERS: [&str; 32] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "christmas",
    "halloween",
    "easter",
    "god",
    "earth",
    "english",
    "i'm",
    "i'll",
    "i'd",
    "i've",
    "ok",
    "tv",
    "oh",
];

/// Sentences of a story in which everybody may be new.
const OPENING: usize = 2;

/// Sentences that a story needs after an introduction in order to have dropped somebody.
const ENOUGH: usize = 2;

/// Numbers of faults in a text with its upper case: names that are introduced ("a girl named Lily") and
/// never come again, neither by name nor by pronoun; names that come up after the opening without an
/// introduction; pronouns that agree with nobody so far although somebody of the other gender is there.
pub(crate) fn faults(text: &[Token]) -> [usize; 3] {
    let story = Story::new(text);
    [story.dropped(), story.unannounced(), story.disagreements()]
}

/// The names in a text, in order of appearance.
pub(crate) fn names(text: &[Token]) -> Vec<String> {
    let mut found: Vec<String> = vec![];
    for name in Story::new(text).names.iter().flatten() {
        if !found.contains(name) {
            found.push(name.clone());
        }
    }
    found
}

/// A text in which names are known.
struct Story<'a> {
    text: &'a [Token],
    /// Its words in lower case, without `'s`; empty for anything else.
    words: Vec<String>,
    /// The name at each place that has one, without `'s`.
    names: Vec<Option<String>>,
    /// Sentences that have ended before each place.
    sentence: Vec<usize>,
}

impl<'a> Story<'a> {
    fn new(text: &'a [Token]) -> Self {
        let plain = |token: &Token| match token {
            Token::Word(word) => word.strip_suffix("'s").unwrap_or(word).to_owned(),
            _ => String::new(),
        };
        let cased: Vec<String> = text.iter().map(plain).collect();
        let words: Vec<String> = cased.iter().map(|word| word.to_lowercase()).collect();
        let mut ended = 0;
        let sentence = text.iter().map(|token| {
            let before = ended;
            ended += usize::from(matches!(token, Token::Mark('.' | '!' | '?')));
            before
        });
        let sentence = sentence.collect();

        let small: BTreeSet<&str> = cased
            .iter()
            .filter(|word| word.starts_with(char::is_lowercase))
            .map(String::as_str)
            .collect();
        let inside =
            |at: usize| at > 0 && matches!(text[at - 1], Token::Word(_) | Token::Mark(','));
        let capital = |at: usize| {
            let (word, lower) = (&cased[at], words[at].as_str());
            let mut letters = word.chars();
            let shaped = letters.next().is_some_and(char::is_uppercase)
                && letters.next().is_some_and(char::is_lowercase);
            let taken = OTHERS.contains(&lower) || people::of_noun(lower).is_some();
            shaped && !taken && people::of_pronoun(lower).is_none() && !small.contains(lower)
        };
        let is_name =
            |at: &usize| capital(*at) && (inside(*at) || people::of_name(&words[*at]).is_some());
        let known: BTreeSet<&str> =
            (0..text.len()).filter(is_name).map(|at| cased[at].as_str()).collect();
        let names = cased.iter().map(|word| known.contains(word.as_str()).then(|| word.clone()));
        let names = names.collect();
        Self { text, words, names, sentence }
    }

    /// The word at a place, counted back from another one.
    fn before(&self, at: usize, back: usize) -> &str {
        at.checked_sub(back).map_or("", |place| &self.words[place])
    }

    fn mark(&self, at: usize, mark: char) -> bool {
        self.text.get(at) == Some(&Token::Mark(mark))
    }

    /// Whether the name at a place is given: "a girl named Lily", "his name was Tom".
    fn given(&self, at: usize) -> bool {
        let [one, two] = [1, 2].map(|back| self.before(at, back));
        matches!(one, "named" | "called") || two == "name" && matches!(one, "was" | "is")
    }

    fn first(&self, at: usize) -> bool {
        self.names[at].is_some() && !self.names[..at].contains(&self.names[at])
    }

    /// Whether the name at a place, its first, tells who that is.
    fn introduced(&self, at: usize) -> bool {
        let noun = |place: Option<usize>| {
            place.is_some_and(|place| people::of_noun(&self.words[place]).is_some())
        };
        let comma = at.checked_sub(1).is_some_and(|place| self.mark(place, ','));
        let apposed = self.mark(at + 1, ',')
            && self.words.get(at + 2).is_some_and(|word| {
                ["a", "an", "the", "his", "her", "their", "my", "our", "who"].contains(&&**word)
            });
        let one = self.before(at, 1);
        let speaks = one == "i'm" || one == "am" && self.before(at, 2) == "i";
        // "her friends Tim and Sue": what holds for one holds for the next.
        let joined = (comma || one == "and")
            && at.checked_sub(2).is_some_and(|place| self.first(place) && self.introduced(place));
        self.sentence[at] < OPENING
            || self.given(at)
            || noun(at.checked_sub(1))
            || comma && noun(at.checked_sub(2))
            || apposed
            || speaks
            || joined
    }

    /// What a text says of a name's gender, else what the name itself says.
    fn gender(&self, name: &str) -> Gender {
        let places = (0..self.text.len()).filter(|&at| self.names[at].as_deref() == Some(name));
        let told = places.filter(|&at| self.given(at)).find_map(|at| match self.before(at, 2) {
            "name" => people::of_pronoun(self.before(at, 3)),
            noun => people::of_noun(noun),
        });
        told.or_else(|| people::of_name(&name.to_lowercase())).unwrap_or(Gender::Open)
    }

    fn dropped(&self) -> usize {
        let last = self.sentence.last().copied().unwrap_or(0);
        let dropped = |&at: &usize| {
            let Some(name) = &self.names[at] else { return false };
            let gender = self.gender(name);
            let next = (at + 1..self.text.len()).find(|&next| self.given(next) && self.first(next));
            let meant = |word: &String| match people::of_pronoun(word) {
                Some(pronoun) => gender == Gender::Open || pronoun == gender,
                None => matches!(word.as_str(), "they" | "them" | "it" | "its"),
            };
            let again = self.names[at + 1..].contains(&self.names[at]);
            let meant = self.words[at + 1..next.unwrap_or(self.text.len())].iter().any(meant);
            self.given(at)
                && self.first(at)
                && !again
                && !meant
                && last >= self.sentence[at] + ENOUGH
        };
        (0..self.text.len()).filter(dropped).count()
    }

    fn unannounced(&self) -> usize {
        (0..self.text.len()).filter(|&at| self.first(at) && !self.introduced(at)).count()
    }

    fn disagreements(&self) -> usize {
        let (mut male, mut female, mut open, mut faults) = (false, false, false, 0);
        for (word, name) in self.words.iter().zip(&self.names) {
            if let Some(pronoun) = people::of_pronoun(word) {
                let (same, other) = match pronoun {
                    Gender::Male => (&mut male, female),
                    _ => (&mut female, male),
                };
                faults += usize::from(other && !*same && !open);
                // Whoever that is, there is somebody now.
                *same |= other;
                continue;
            }
            let somebody = match name {
                Some(name) => Some(self.gender(name)),
                None => people::of_noun(word),
            };
            match somebody {
                Some(Gender::Male) => male = true,
                Some(Gender::Female) => female = true,
                Some(Gender::Open) => open = true,
                None => {}
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::cased;

    fn counts(text: &str) -> [usize; 3] {
        faults(&cased(text))
    }

    #[test]
    fn whoever_is_introduced_and_forgotten_counts() {
        let begun = "There was a girl named Lily. The sun was warm. ";
        assert_eq!(counts(&format!("{begun}The day was long.")), [1, 0, 0]);
        assert_eq!(counts(&format!("{begun}She ran home.")), [0; 3], "by pronoun");
        assert_eq!(counts(&format!("{begun}\"Hi,\" said Lily.")), [0; 3], "by name");
        assert_eq!(counts("There was a girl named Lily."), [0; 3], "too short to tell");
        let other = "His name was Tom. There was a girl named Lily. She ran. She sat. She slept.";
        assert_eq!(counts(other), [1, 0, 0], "`she` is not Tom");
    }

    #[test]
    fn whoever_comes_from_nowhere_counts() {
        let begun = "Lily sat. It was warm. She slept. ";
        for (next, expected) in [
            ("Then Sara came.", 1),
            ("Then Sara came. Then Sara ran. Then Ben ran.", 2),
            ("Then her friend Sara came.", 0),
            ("Then her friend, Sara, came.", 0),
            ("Then her friends Sara and Ben came.", 0),
            ("Then Sara, her sister, came.", 0),
            ("A bird called Blue came.", 0),
            ("\"I am Sara.\"", 0),
            ("Then Mom came on Monday.", 0),
            ("Then Lily's mom came.", 0),
        ] {
            assert_eq!(counts(&format!("{begun}{next}"))[1], expected, "{next}");
        }
        assert_eq!(counts("One day, Lily and Ben met Zorg.")[1], 0, "all are new");
    }

    #[test]
    fn pronouns_need_somebody_of_their_gender() {
        for (text, expected) in [
            ("There was a girl named Lily. He ran. He sat.", 1),
            ("There was a girl named Lily. She ran.", 0),
            ("There was a girl named Lily. Her dad came. He ran.", 0),
            ("There was a girl named Lily. She had a dog. He ran.", 0),
            ("Tim was happy. She ran to her house.", 1),
            ("There was a girl named Tim. She ran.", 0),
            ("There was a cat named Lily. He ran.", 0),
            ("Zorg was a king. She ran.", 1),
            ("One day, Zorg met a king. She ran.", 0),
            ("He ran.", 0),
        ] {
            assert_eq!(counts(text)[2], expected, "{text}");
        }
    }

    #[test]
    fn names_are_in_order() {
        let text = "One day Ben met Zorg. Zorg's mom saw Lily. The Sun was there. I saw the sun.";
        assert_eq!(names(&cased(text)), ["Ben", "Zorg", "Lily"]);
    }
}
