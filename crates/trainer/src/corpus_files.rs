//! The corpus and the tokenizer as files.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use corpus::cache;
use corpus::stories::{Corpus, check_block};
use corpus::tokenizer::{Tokenizer, TrainOptions};
use indicatif::{ProgressBar, ProgressStyle};
use run::settings::DataSettings;
use run::{Data, TokenizerFile};

use crate::files;

/// The corpus of commands that are not told another.
pub(crate) const CORPUS: &str = "data/stories.txt";

/// The bytes of a corpus, read once.
#[derive(Debug)]
pub(crate) struct CorpusFile {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl CorpusFile {
    /// Reads the file at `path`.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = files::read(path).with_context(|| {
            let path = path.display();
            format!("cannot read {path}; make a corpus with `trainer data`, or name another file")
        })?;
        Ok(Self { path: path.to_owned(), bytes })
    }

    /// Where it was read from.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub(crate) fn sha256(&self) -> String {
        cache::sha256(&self.bytes)
    }

    /// The stories in it.
    pub(crate) fn parse(&self) -> Result<Corpus<'_>> {
        Corpus::parse(&self.bytes).with_context(|| self.path.display().to_string())
    }

    /// Token ids of all of it.
    pub(crate) fn encode(&self, tokenizer: &Tokenizer) -> Result<Vec<u32>> {
        Ok(self.parse()?.encode(tokenizer))
    }

    /// Token ids of both parts, of which the last `share` of the stories is held out. Each part
    /// must have `block` tokens.
    pub(crate) fn encode_parts(
        &self,
        tokenizer: &Tokenizer,
        share: f64,
        block: usize,
    ) -> Result<Data> {
        let encode = || -> Result<Data> {
            let (train, validation) = Corpus::parse(&self.bytes)?.split(share)?;
            let train = encode_cached(&train, tokenizer, &self.path);
            let validation = encode_cached(&validation, tokenizer, &self.path);
            check_block("train", train.len(), block)?;
            check_block("validation", validation.len(), block)?;
            Ok(Data { train, validation })
        };
        encode().with_context(|| self.path.display().to_string())
    }

    /// Trains a tokenizer on it.
    pub(crate) fn train_tokenizer(&self, data: &DataSettings) -> Result<TokenizerFile> {
        let options = TrainOptions {
            vocab_size: data.vocab_size as u32,
            min_frequency: data.min_frequency,
            initial_alphabet: data.byte_alphabet,
            ..TrainOptions::default()
        };
        let train = || -> Result<TokenizerFile> {
            let corpus = Corpus::parse(&self.bytes)?;
            let texts = corpus.tokenizer_texts(false).into_iter();
            let tokenizer = Tokenizer::train(texts, &options, |_| ())?;
            Ok(TokenizerFile::parse(tokenizer.to_json().into_bytes())?)
        };
        let bar = working("learning the vocabulary");
        let trained = train().with_context(|| self.path.display().to_string());
        bar.finish_and_clear();
        trained
    }
}

/// A sign of life while something of unknown length goes on.
fn working(what: &'static str) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{spinner} {msg} {elapsed}").expect("a valid template");
    let bar = ProgressBar::new_spinner().with_style(style).with_message(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Token ids of a part of the corpus at `path`, kept in a file beside it.
fn encode_cached(part: &Corpus<'_>, tokenizer: &Tokenizer, path: &Path) -> Vec<u32> {
    // A pipe has no place beside it.
    if !path.is_file() {
        return part.encode(tokenizer);
    }
    let key = part.cache_key(tokenizer.to_json().as_bytes());
    let kept = path.with_extension(format!("{}.ids", key.name()));
    if let Ok(bytes) = fs::read(&kept) {
        match cache::read(&bytes, &key) {
            Ok(ids) => return ids,
            Err(error) => log::info!("{}: {error}", kept.display()),
        }
    }
    let bar = working("encoding the corpus");
    let ids = part.encode(tokenizer);
    bar.finish_and_clear();
    let bytes = cache::write(&ids, &key);
    // Without the cache the corpus is encoded again next time.
    files::write_atomically(&kept, |file| Ok(file.write_all(&bytes)?))
        .unwrap_or_else(|error| log::info!("token ids were not cached: {error:#}"));
    ids
}

/// Reads a tokenizer.json.
pub(crate) fn load_tokenizer(path: &Path) -> Result<TokenizerFile> {
    let name = path.display();
    let text =
        files::read_text(path).with_context(|| format!("cannot read the tokenizer {name}"))?;
    TokenizerFile::parse(text.into_bytes()).with_context(|| name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_cached_beside_the_corpus_and_renewed() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("stories.txt");
        fs::write(&path, "Tom ran.\n<|endoftext|>\nLily ran home.\n<|endoftext|>\n")?;
        let data = DataSettings {
            vocab_size: 270,
            min_frequency: 2,
            byte_alphabet: true,
            validation_share: 0.5,
            entropy: 0.0,
        };
        let corpus = CorpusFile::read(&path)?;
        let tokenizer = corpus.train_tokenizer(&data)?;
        let tokenizer = tokenizer.tokenizer();
        let kept = || -> Result<Vec<_>> {
            let entries = fs::read_dir(folder.path())?.flatten().map(|entry| entry.path());
            Ok(entries.filter(|path| path.extension().is_some_and(|end| end == "ids")).collect())
        };
        let first = corpus.encode_parts(tokenizer, 0.5, 2)?;
        assert_eq!(tokenizer.decode(&first.train), "Tom ran.<|endoftext|>");
        assert_eq!(tokenizer.decode(&first.validation), "Lily ran home.<|endoftext|>");
        assert_eq!(kept()?.len(), 2);
        // From the files, and again after one of them was damaged.
        for file in kept()? {
            let again = corpus.encode_parts(tokenizer, 0.5, 2)?;
            assert_eq!((&again.train, &again.validation), (&first.train, &first.validation));
            fs::write(file, "damaged")?;
        }
        let again = corpus.encode_parts(tokenizer, 0.5, 2)?;
        assert_eq!((again.train, again.validation), (first.train, first.validation));
        assert_eq!(kept()?.len(), 2);
        Ok(())
    }
}
