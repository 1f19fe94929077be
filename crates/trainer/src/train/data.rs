//! The corpus as token ids, cut into what is trained on and what is held out.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use corpus::cache;
use corpus::stories::{Boundaries, Corpus, check_block};
use corpus::tokenizer::{Tokenizer, TrainOptions};

use crate::files;
use crate::settings::DataSettings;

/// Token ids of both parts.
#[derive(Debug)]
pub(crate) struct Data {
    pub(crate) train: Vec<u32>,
    pub(crate) validation: Vec<u32>,
}

impl Data {
    /// Encodes the corpus at `path`, of which the last `share` of the stories is held out. Each
    /// part must have `block` tokens.
    pub(crate) fn read(
        path: &Path,
        tokenizer: &Tokenizer,
        share: f64,
        block: usize,
    ) -> Result<Self> {
        let bytes = read(path)?;
        let cut = || -> Result<Self> {
            let (train, validation) = Corpus::parse(&bytes)?.split(share)?;
            let train = encode_cached(&train, tokenizer, path);
            let validation = encode_cached(&validation, tokenizer, path);
            check_block("train", train.len(), block)?;
            check_block("validation", validation.len(), block)?;
            Ok(Self { train, validation })
        };
        cut().with_context(|| path.display().to_string())
    }
}

/// Token ids of the text at `path`, all of it.
pub(crate) fn encode(path: &Path, tokenizer: &Tokenizer) -> Result<Vec<u32>> {
    let bytes = read(path)?;
    let corpus = Corpus::parse(&bytes).with_context(|| path.display().to_string())?;
    Ok(corpus.encode(tokenizer))
}

/// Token ids of a part of the corpus at `path`, kept in a file beside it.
fn encode_cached(part: &Corpus<'_>, tokenizer: &Tokenizer, path: &Path) -> Vec<u32> {
    let key = part.cache_key(tokenizer.to_json().as_bytes());
    let kept = path.with_extension(format!("{}.ids", key.name()));
    if let Ok(bytes) = fs::read(&kept) {
        match cache::read(&bytes, &key) {
            Ok(ids) => return ids,
            Err(error) => log::info!("{}: {error}", kept.display()),
        }
    }
    let ids = part.encode(tokenizer);
    let bytes = cache::write(&ids, &key);
    // A folder that cannot be written to costs but time.
    files::write_atomically(&kept, |file| Ok(file.write_all(&bytes)?))
        .unwrap_or_else(|error| log::info!("token ids were not kept: {error:#}"));
    ids
}

/// Trains a tokenizer on the corpus at `path`.
pub(super) fn train_tokenizer(path: &Path, data: &DataSettings) -> Result<Tokenizer> {
    let bytes = read(path)?;
    let options = TrainOptions {
        vocab_size: data.vocab_size as u32,
        min_frequency: data.min_frequency,
        initial_alphabet: data.byte_alphabet,
        ..TrainOptions::default()
    };
    let train = || -> Result<Tokenizer> {
        let corpus = Corpus::parse(&bytes)?;
        // As the command `tokenizer` does: without marked stories, lines are as good as any cut.
        let texts: Vec<&str> = match corpus.boundaries() {
            Boundaries::EndOfText => corpus.stories().to_vec(),
            Boundaries::BlankLines => corpus.text().split_inclusive('\n').collect(),
        };
        Ok(Tokenizer::train(texts.into_iter(), &options, |_| ())?)
    };
    train().with_context(|| path.display().to_string())
}

/// Reads a tokenizer.json.
pub(crate) fn load_tokenizer(path: &Path) -> Result<Tokenizer> {
    let bytes =
        fs::read(path).with_context(|| format!("cannot read the tokenizer {}", path.display()))?;
    Tokenizer::from_bytes(&bytes).with_context(|| path.display().to_string())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| {
        format!(
            "cannot read {}; make a corpus with `trainer data`, or name another",
            path.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_kept_beside_the_corpus_and_renewed() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("stories.txt");
        fs::write(&path, "Tom ran.\n<|endoftext|>\nLily ran home.\n<|endoftext|>\n")?;
        let data = DataSettings {
            vocab_size: 270,
            min_frequency: 2,
            byte_alphabet: true,
            validation_share: 0.5,
        };
        let tokenizer = train_tokenizer(&path, &data)?;
        let kept = || -> Result<Vec<_>> {
            let entries = fs::read_dir(folder.path())?.flatten().map(|entry| entry.path());
            Ok(entries.filter(|path| path.extension().is_some_and(|end| end == "ids")).collect())
        };
        let first = Data::read(&path, &tokenizer, 0.5, 2)?;
        assert_eq!(tokenizer.decode(&first.train), "Tom ran.<|endoftext|>");
        assert_eq!(tokenizer.decode(&first.validation), "Lily ran home.<|endoftext|>");
        assert_eq!(kept()?.len(), 2);
        // From the files, and again after one of them was damaged.
        for file in kept()? {
            let again = Data::read(&path, &tokenizer, 0.5, 2)?;
            assert_eq!((&again.train, &again.validation), (&first.train, &first.validation));
            fs::write(file, "damaged")?;
        }
        let again = Data::read(&path, &tokenizer, 0.5, 2)?;
        assert_eq!((again.train, again.validation), (first.train, first.validation));
        assert_eq!(kept()?.len(), 2);
        Ok(())
    }
}
