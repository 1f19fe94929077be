//! A text file as stories: splitting, train and validation parts, one stream of token ids.

use rayon::prelude::*;

use crate::tokenizer::{END_OF_TEXT, MASK, PAD, Tokenizer, UNK};

/// Default share of the stories held out for validation.
pub const VALIDATION_SHARE: f64 = 0.1;

/// How the stories are separated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundaries {
    /// By `<|endoftext|>`.
    EndOfText,
    /// No such token, so the file is split at blank lines. These also separate paragraphs, so the
    /// boundaries do not show where a story ends: the whole text is encoded as one stream without
    /// end-of-text tokens.
    BlankLines,
}

/// Why a text cannot be trained on.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CorpusError {
    /// Not UTF-8.
    #[error("the corpus is not UTF-8: byte {offset} cannot be read; save the file as UTF-8")]
    NotUtf8 {
        /// Bytes before the first wrong one.
        offset: usize,
    },
    /// No text.
    #[error("the corpus is empty")]
    Empty,
    /// Nothing to split.
    #[error(
        "the corpus has too few stories ({stories}) to hold out {share} of them for validation; stories are parted by lines with `<|endoftext|>`, or else by blank lines"
    )]
    TooFew {
        /// What there is.
        stories: usize,
        /// What was asked for.
        share: f64,
    },
    /// A share outside 0..1.
    #[error("{0} is no share of the stories; give a number from 0 up to, not including, 1")]
    Share(f64),
}

/// A text and its stories, or a part of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Corpus<'a> {
    text: &'a str,
    stories: Vec<&'a str>,
    boundaries: Boundaries,
}

impl<'a> Corpus<'a> {
    /// Splits the bytes of a text file into stories: at `<|endoftext|>`, or, where it has none, at
    /// blank lines (see [`Boundaries::BlankLines`]). White space around stories does not count.
    ///
    /// # Errors
    /// [`CorpusError::NotUtf8`], [`CorpusError::Empty`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, CorpusError> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| CorpusError::NotUtf8 { offset: error.valid_up_to() })?;
        // A byte order mark is no part of the first story.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let boundaries = match text.contains(END_OF_TEXT) {
            true => Boundaries::EndOfText,
            false => Boundaries::BlankLines,
        };
        let corpus = Self::new(text, boundaries);
        if corpus.stories.is_empty() {
            return Err(CorpusError::Empty);
        }
        Ok(corpus)
    }

    /// A text whose stories are separated in a way that is known; there may be none in it.
    pub(crate) fn new(text: &'a str, boundaries: Boundaries) -> Self {
        let pieces = match boundaries {
            Boundaries::EndOfText => text.split(END_OF_TEXT).collect(),
            Boundaries::BlankLines => at_blank_lines(text),
        };
        let stories = pieces.into_iter().map(str::trim).filter(|story| !story.is_empty()).collect();
        Self { text, stories, boundaries }
    }

    /// The stories, without the white space around them.
    #[must_use]
    pub fn stories(&self) -> &[&'a str] {
        &self.stories
    }

    /// The text that the stories lie in.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// How the stories are separated.
    #[must_use]
    pub fn boundaries(&self) -> &Boundaries {
        &self.boundaries
    }

    /// The texts that a tokenizer is trained on: the stories or, where none are marked, lines, which
    /// are as good as any other cut. `by_line` cuts marked stories into lines, too, as the reference
    /// does.
    #[must_use]
    pub fn tokenizer_texts(&self, by_line: bool) -> Vec<&'a str> {
        match (&self.boundaries, by_line) {
            (Boundaries::EndOfText, false) => self.stories.clone(),
            (Boundaries::EndOfText, true) => {
                self.stories.iter().flat_map(|story| story.split_inclusive('\n')).collect()
            }
            (Boundaries::BlankLines, _) => self.text.split_inclusive('\n').collect(),
        }
    }

    /// Parts the corpus between two stories: the last ones are for validation, see [`held_out`]. Gives
    /// train and validation.
    ///
    /// # Errors
    /// Those of [`held_out`].
    pub fn split(&self, share: f64) -> Result<(Self, Self), CorpusError> {
        let stories = self.stories.len();
        Ok(self.split_at(stories - held_out(stories, share)?))
    }

    /// Parts it behind so many stories.
    pub(crate) fn split_at(&self, stories: usize) -> (Self, Self) {
        let (train, validation) = self.stories.split_at(stories);
        // The text is cut where the first story of validation begins.
        let cut = validation
            .first()
            .map_or(self.text.len(), |first| first.as_ptr() as usize - self.text.as_ptr() as usize);
        let part = |text, stories: &[&'a str]| Self {
            text,
            stories: stories.to_vec(),
            boundaries: self.boundaries,
        };
        (part(&self.text[..cut], train), part(&self.text[cut..], validation))
    }

    /// Names of special tokens that the stories hold, and how often. They are read as text.
    #[must_use]
    pub fn special_names(&self) -> Vec<(&'static str, usize)> {
        let count = |name| (name, self.text.matches(name).count());
        [MASK, PAD, UNK].map(count).into_iter().filter(|&(_, times)| times > 0).collect()
    }

    /// All ids as one stream: each story, then the end-of-text id. A tokenizer without it gets an
    /// empty line between stories; a corpus without boundaries is encoded as it stands. Names of special
    /// tokens inside stories stay text.
    #[must_use]
    pub fn encode(&self, tokenizer: &Tokenizer) -> Vec<u32> {
        if self.boundaries == Boundaries::BlankLines {
            return tokenizer.encode_plain(self.text);
        }
        let after = match tokenizer.end_of_text_id() {
            Some(id) => vec![id],
            None => tokenizer.encode("\n\n"),
        };
        let encoded: Vec<Vec<u32>> =
            self.stories.par_iter().map(|story| tokenizer.encode_plain(story)).collect();
        encoded.iter().flat_map(|ids| ids.iter().chain(&after)).copied().collect()
    }
}

/// How many of the last stories a `share` of them is: rounded, at least one unless `share` is 0.
///
/// # Errors
/// `share` is outside 0..1, or leaves nothing to train on.
pub fn held_out(stories: usize, share: f64) -> Result<usize, CorpusError> {
    if !(0.0..1.0).contains(&share) {
        return Err(CorpusError::Share(share));
    }
    let least = usize::from(share > 0.0);
    let held_out = ((stories as f64 * share).round() as usize).max(least);
    match held_out < stories {
        true => Ok(held_out),
        false => Err(CorpusError::TooFew { stories, share }),
    }
}

/// Writes stories as [`Corpus::parse`] reads them: after each a line `<|endoftext|>`.
pub fn join<S: AsRef<str>>(stories: impl IntoIterator<Item = S>) -> String {
    stories.into_iter().map(|story| format!("{}\n{END_OF_TEXT}\n", story.as_ref())).collect()
}

fn at_blank_lines(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        if line.trim().is_empty() {
            pieces.push(&text[start..at]);
            start = at + line.len();
        }
        at += line.len();
    }
    pieces.push(&text[start..]);
    pieces
}
