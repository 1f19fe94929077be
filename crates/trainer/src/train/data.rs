//! The corpus as token ids, cut into what is trained on and what is held out.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use corpus::tokenizer::{END_OF_TEXT, Tokenizer, TrainOptions};

use crate::settings::Settings;

/// Token ids of both splits.
#[derive(Debug)]
pub(crate) struct Data {
    pub(crate) train: Vec<u32>,
    pub(crate) validation: Vec<u32>,
}

impl Data {
    /// Encodes the corpus at `path` and holds out its last `share`.
    pub(crate) fn read(path: &Path, tokenizer: &Tokenizer, share: f64) -> Result<Self> {
        let mut train = encode(&read_text(path)?, tokenizer);
        let at = cut(&train, tokenizer.end_of_text_id(), share);
        let validation = train.split_off(at);
        Ok(Self { train, validation })
    }
}

/// Token ids of a text, with the end-of-text token behind each story.
pub(crate) fn encode(text: &str, tokenizer: &Tokenizer) -> Vec<u32> {
    let end = tokenizer.end_of_text_id();
    stories(text).flat_map(|story| tokenizer.encode(story).into_iter().chain(end)).collect()
}

/// Where the validation split begins: after the last story that ends within the first
/// `1 - share` of the tokens, or right there if no story's end is near.
fn cut(ids: &[u32], end: Option<u32>, share: f64) -> usize {
    let at = ((1.0 - share) * ids.len() as f64) as usize;
    let nearest = at.saturating_sub(ids.len() / 50);
    let boundary = ids[nearest..at].iter().rposition(|&id| Some(id) == end);
    boundary.map_or(at, |found| nearest + found + 1)
}

/// The stories of a corpus: apart by `<|endoftext|>`; a text without is one long story.
fn stories(text: &str) -> impl Iterator<Item = &str> {
    text.split(END_OF_TEXT).map(str::trim).filter(|story| !story.is_empty())
}

/// Trains a tokenizer on the corpus at `path`.
pub(super) fn train_tokenizer(path: &Path, settings: &Settings) -> Result<Tokenizer> {
    let text = read_text(path)?;
    let data = &settings.data;
    let options = TrainOptions {
        vocab_size: data.vocab_size as u32,
        min_frequency: data.min_frequency,
        initial_alphabet: data.byte_alphabet,
        ..TrainOptions::default()
    };
    Tokenizer::train(stories(&text), &options, |_| ())
        .with_context(|| format!("no tokenizer for {}", path.display()))
}

/// Reads a tokenizer.json.
pub(crate) fn load_tokenizer(path: &Path) -> Result<Tokenizer> {
    let bytes =
        fs::read(path).with_context(|| format!("cannot read the tokenizer {}", path.display()))?;
    Tokenizer::from_bytes(&bytes).with_context(|| format!("{}", path.display()))
}

/// Reads a text file that holds at least one story.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| {
        format!(
            "cannot read the corpus {}; make one with `trainer data`, or name one by `--data`",
            path.display()
        )
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        anyhow::anyhow!(
            "the corpus {} is not valid UTF-8 at byte {at}; convert it to UTF-8",
            path.display()
        )
    })?;
    ensure!(
        stories(&text).next().is_some(),
        "the corpus {} holds no story; make one with `trainer data`",
        path.display()
    );
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_are_cut_between_stories() {
        let mut ids = vec![5; 1000];
        assert_eq!(cut(&ids, Some(3), 0.1), 900);
        ids[895] = 3;
        assert_eq!(cut(&ids, Some(3), 0.1), 896);
        assert_eq!(cut(&ids, None, 0.1), 900);
        // Too far back to matter.
        ids[895] = 5;
        ids[500] = 3;
        assert_eq!(cut(&ids, Some(3), 0.1), 900);
    }

    #[test]
    fn stories_are_told_apart() {
        let text = "\nOne.\n\nStill one.\n<|endoftext|>\nTwo.\n<|endoftext|>\n";
        assert_eq!(stories(text).collect::<Vec<_>>(), ["One.\n\nStill one.", "Two."]);
        assert_eq!(stories(" \n").count(), 0);
    }
}
