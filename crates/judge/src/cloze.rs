//! Story cloze: which of two sentences is the last one of a story? After Mostafazadeh et al. (2016), with
//! endings of other stories, so that nobody has to write wrong ones.

use std::collections::BTreeMap;

use crate::names::names;
use crate::words::{cased, count};

/// A story without its last sentence, and two sentences of which one is the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The story up to there.
    pub context: String,
    /// Its last sentence, with the white space before it.
    pub right: String,
    /// The last sentence of another story, with the names of this one; the white space is the same.
    pub wrong: String,
}

/// Words that a last sentence has at least; shorter ones ("The end.") say nothing.
const LEAST: usize = 4;

/// Words after which a full stop ends no sentence.
const TITLES: [&str; 4] = ["Mr", "Mrs", "Ms", "Dr"];

/// Questions about stories, at most `most`. The wrong ending is of a story from half-way round the
/// list, so that the same stories make the same questions.
pub fn cloze(stories: &[&str], most: usize) -> Vec<Question> {
    let parted: Vec<(&str, &str, &str)> =
        stories.iter().filter_map(|story| parted(story.trim())).collect();
    let people: Vec<Vec<String>> =
        parted.iter().map(|parts| names(&cased(&[parts.0, parts.1, parts.2].concat()))).collect();
    let all = parted.len();
    let question = |at: usize| {
        let (context, space, right) = parted[at];
        let others =
            (0..all).map(|shift| (at + all / 2 + shift) % all).filter(|&other| other != at);
        let wrong = others
            .filter_map(|other| renamed(parted[other].2, &people[other], &people[at]))
            .find(|wrong| wrong != right)?;
        Some(Question {
            context: context.to_owned(),
            right: format!("{space}{right}"),
            wrong: format!("{space}{wrong}"),
        })
    };
    (0..all).filter_map(question).take(most).collect()
}

/// A story as what comes before its last sentence, the white space between, and that sentence; `None`
/// without a whole one.
fn parted(story: &str) -> Option<(&str, &str, &str)> {
    story.ends_with(['.', '!', '?']).then_some(())?;
    let mut spaces = story.char_indices().filter(|(_, c)| c.is_whitespace()).map(|(at, _)| at);
    let boundary = |at: &usize| {
        let before = story[..*at].trim_end_matches(['"', '”']);
        let title = TITLES.iter().any(|title| before.ends_with(&format!("{title}.")));
        before.ends_with(['.', '!', '?']) && !title
    };
    let end = spaces.rfind(boundary)?;
    let last = story[end..].trim_start();
    let space = &story[end..story.len() - last.len()];
    let quotes = last.matches(['"', '“', '”']).count();
    let whole = quotes.is_multiple_of(2) && count(&cased(last)) >= LEAST;
    whole.then_some((&story[..end], space, last))
}

/// A sentence with other names, the first one of its story for the first one of the other and so on;
/// `None` if it names somebody and the other story nobody.
fn renamed(sentence: &str, from: &[String], to: &[String]) -> Option<String> {
    let new = |place: usize| to.get(place).or(to.last()).map(String::as_str);
    let names: BTreeMap<&str, Option<&str>> =
        from.iter().enumerate().map(|(place, name)| (name.as_str(), new(place))).collect();
    let mut out = String::new();
    let mut rest = sentence;
    while !rest.is_empty() {
        let other = |c: char| !c.is_alphanumeric();
        let word = &rest[..rest.find(other).unwrap_or(rest.len())];
        out += match names.get(word) {
            Some(new) => (*new)?,
            None => word,
        };
        rest = &rest[word.len()..];
        let gap = rest.find(char::is_alphanumeric).unwrap_or(rest.len());
        out += &rest[..gap];
        rest = &rest[gap..];
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LILY: &str = "One day Lily saw a cat. It ran.\nLily's mom was very happy.";
    const BEN: &str = "There was a boy named Ben. He met Mr. Tom. \"Hi!\" Ben and Tom ran home.";
    const NOBODY: &str = "The sun was warm. It set behind the hill.";

    #[test]
    fn endings_are_of_another_story_with_the_names_of_this_one() {
        let questions = cloze(&[LILY, BEN], 9);
        assert_eq!(questions[0].context, "One day Lily saw a cat. It ran.");
        assert_eq!(questions[0].right, "\nLily's mom was very happy.");
        assert_eq!(questions[0].wrong, "\nLily and Lily ran home.", "one name for both");
        assert_eq!(questions[1].context, "There was a boy named Ben. He met Mr. Tom. \"Hi!\"");
        assert_eq!(questions[1].wrong, " Ben's mom was very happy.");
        assert_eq!(cloze(&[LILY, BEN], 1).len(), 1);
    }

    #[test]
    fn what_makes_no_question_is_left_out() {
        // Its own ending names nobody, and takes that of nobody with a name.
        let questions = cloze(&[LILY, NOBODY], 9);
        assert_eq!(questions.len(), 1);
        assert_eq!(questions[0].wrong, "\nIt set behind the hill.");
        let strange = ["No end", "One sentence.", "He sat. The end.", "He sat. \"She ran to him."];
        assert_eq!(cloze(&strange, 9), []);
        assert_eq!(cloze(&[NOBODY, NOBODY], 9), [], "the same ending");
    }
}
