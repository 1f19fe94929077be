//! A corpus of any size, read piece by piece.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use crate::cache::Key;
use crate::stories::{Boundaries, Corpus, CorpusError};
use crate::tokenizer::END_OF_TEXT;

/// Bytes that are read at a time.
const BLOCK: usize = 1 << 20;

/// What one look at a whole text tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Survey {
    /// SHA-256 of all bytes.
    pub sha256: [u8; 32],
    /// How its stories are separated.
    pub boundaries: Boundaries,
    /// How many bytes there are.
    pub bytes: u64,
}

impl Survey {
    /// Reads a text to its end.
    ///
    /// # Errors
    /// Of the reader.
    pub fn of(mut text: impl Read) -> io::Result<Self> {
        let mark = END_OF_TEXT.as_bytes();
        let (mut sum, mut bytes, mut boundaries) = (Sha256::new(), 0, Boundaries::BlankLines);
        // The end of the block before, where a mark may have begun, and a block.
        let mut seen: Vec<u8> = Vec::with_capacity(BLOCK + mark.len());
        loop {
            let kept = seen.len();
            let read = text.by_ref().take(BLOCK as u64).read_to_end(&mut seen)?;
            if read == 0 {
                return Ok(Self { sha256: sum.finalize().into(), boundaries, bytes });
            }
            sum.update(&seen[kept..]);
            bytes += read as u64;
            if boundaries == Boundaries::BlankLines && find_last(&seen, mark).is_some() {
                boundaries = Boundaries::EndOfText;
            }
            seen.drain(..seen.len().saturating_sub(mark.len() - 1));
        }
    }

    /// Key of the token ids in the cache: it depends on the whole text, on which `part` of it they stand
    /// for, and on the tokenizer.json.
    #[must_use]
    pub fn cache_key(&self, part: &str, tokenizer_json: &[u8]) -> Key {
        let mut corpus = Sha256::new();
        corpus.update(format!("{:?}\n{part}\n", self.boundaries));
        corpus.update(self.sha256);
        Key { corpus: corpus.finalize().into(), tokenizer: Sha256::digest(tokenizer_json).into() }
    }
}

/// A text in pieces of about `size` bytes, each of which ends where a story does. A story that is
/// longer lies in one piece all the same.
#[derive(Debug)]
pub struct Pieces<R> {
    text: R,
    boundaries: Boundaries,
    size: usize,
    /// What was read and is in no piece yet.
    rest: Vec<u8>,
    /// Bytes of the pieces so far.
    before: usize,
}

impl<R: Read> Pieces<R> {
    /// The pieces of a text whose stories are separated like this.
    pub fn new(text: R, boundaries: Boundaries, size: usize) -> Self {
        Self { text, boundaries, size, rest: Vec::new(), before: 0 }
    }

    /// The next piece; `None` at the end of the text.
    ///
    /// # Errors
    /// Of the reader.
    pub fn next_piece(&mut self) -> io::Result<Option<Piece>> {
        let mut size = self.size;
        loop {
            let missing = size.saturating_sub(self.rest.len()) as u64;
            let read = self.text.by_ref().take(missing).read_to_end(&mut self.rest)?;
            let end = match (read as u64) < missing {
                true => Some(self.rest.len()),
                false => end_of_story(&self.rest, self.boundaries),
            };
            match end {
                Some(0) => return Ok(None),
                Some(end) => {
                    let after = self.rest.split_off(end);
                    let bytes = std::mem::replace(&mut self.rest, after);
                    let piece = Piece { before: self.before, bytes, boundaries: self.boundaries };
                    self.before += end;
                    return Ok(Some(piece));
                }
                None => size *= 2,
            }
        }
    }
}

/// A part of a text.
#[derive(Debug)]
pub struct Piece {
    /// Bytes of the text before it.
    before: usize,
    bytes: Vec<u8>,
    boundaries: Boundaries,
}

impl Piece {
    /// How many bytes it has.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The stories in it; there may be none.
    ///
    /// # Errors
    /// [`CorpusError::NotUtf8`].
    pub fn corpus(&self) -> Result<Corpus<'_>, CorpusError> {
        let text = std::str::from_utf8(&self.bytes)
            .map_err(|error| CorpusError::NotUtf8 { offset: self.before + error.valid_up_to() })?;
        // A byte order mark is no part of the first story.
        let text = match self.before {
            0 => text.strip_prefix('\u{feff}').unwrap_or(text),
            _ => text,
        };
        Ok(Corpus::new(text, self.boundaries))
    }

    /// The same in two parts, the first of which has at most so many `stories`.
    ///
    /// # Errors
    /// [`CorpusError::NotUtf8`].
    pub fn split_at(&self, stories: usize) -> Result<[Corpus<'_>; 2], CorpusError> {
        let all = self.corpus()?;
        let none = Corpus::new("", self.boundaries);
        Ok(match stories {
            0 => [none, all],
            _ if stories >= all.stories().len() => [all, none],
            _ => all.split_at(stories).into(),
        })
    }
}

/// Where the last story that ends in `bytes` does.
fn end_of_story(bytes: &[u8], boundaries: Boundaries) -> Option<usize> {
    match boundaries {
        Boundaries::EndOfText => {
            let mark = END_OF_TEXT.as_bytes();
            find_last(bytes, mark).map(|place| place + mark.len())
        }
        Boundaries::BlankLines => {
            let mut end = bytes.iter().rposition(|&byte| byte == b'\n')?;
            loop {
                let before = bytes[..end].iter().rposition(|&byte| byte == b'\n')?;
                if bytes[before..end].trim_ascii().is_empty() {
                    return Some(end + 1);
                }
                end = before;
            }
        }
    }
}

fn find_last(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).rposition(|window| window == what)
}
