//! The corpus and the tokenizer as files.

use std::cell::OnceCell;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use corpus::cache;
use corpus::stories::Corpus;
use corpus::tokenizer::{Tokenizer, TrainOptions};
use diffusion::training::check_length;
use indicatif::{ProgressBar, ProgressStyle};
use run::settings::DataSettings;
use run::{Data, TokenizerFile};

use crate::{files, print};

/// Caches of token ids that are kept beside a corpus: its two parts, by two tokenizers or cut at two
/// places.
const CACHES: usize = 4;

/// The corpus of commands that are not told another.
pub(crate) const CORPUS: &str = "data/stories.txt";

/// The bytes of a corpus, read once.
#[derive(Debug)]
pub(crate) struct CorpusFile {
    path: PathBuf,
    bytes: Vec<u8>,
    /// SHA-256 of the bytes, once somebody has asked.
    hash: OnceCell<[u8; 32]>,
}

impl CorpusFile {
    /// Reads the file at `path`.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = files::read(path).with_context(|| {
            let path = files::input_name(path);
            format!("cannot read {path}; make a corpus with `trainer data`, or name another file")
        })?;
        Ok(Self { path: path.to_owned(), bytes, hash: OnceCell::new() })
    }

    /// Where it was read from.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub(crate) fn sha256(&self) -> String {
        cache::hex(self.hash())
    }

    fn hash(&self) -> &[u8; 32] {
        self.hash.get_or_init(|| cache::digest(&self.bytes))
    }

    /// The stories in it.
    pub(crate) fn parse(&self) -> Result<Corpus<'_>> {
        Corpus::parse(&self.bytes).with_context(|| files::input_name(&self.path))
    }

    /// Token ids of all of it.
    pub(crate) fn encode(&self, tokenizer: &Tokenizer) -> Result<Vec<u32>> {
        let corpus = self.parse()?;
        self.note_names(&corpus);
        Ok(encode(&corpus, tokenizer))
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
            let corpus = Corpus::parse(&self.bytes)?;
            self.note_names(&corpus);
            let (train, validation) = corpus.split(share)?;
            let train = self.encode_cached(&train, &format!("before {share}"), tokenizer);
            let validation = self.encode_cached(&validation, &format!("behind {share}"), tokenizer);
            check_length("training", train.len(), block)?;
            check_length("validation", validation.len(), block)?;
            Ok(Data { train, validation })
        };
        encode().with_context(|| files::input_name(&self.path))
    }

    /// Says that names of special tokens are text, which somebody may not have meant.
    fn note_names(&self, corpus: &Corpus<'_>) {
        let names = corpus.special_names();
        if !names.is_empty() {
            let names = names.iter().map(|(name, times)| format!("{name} ({times} times)"));
            print::note(format_args!(
                "{} holds {}, which is read as text, not as a special token",
                files::input_name(&self.path),
                names.collect::<Vec<_>>().join(" and ")
            ));
        }
    }

    /// Token ids of the `part` that is called `which`, kept in a file beside the corpus.
    fn encode_cached(&self, part: &Corpus<'_>, which: &str, tokenizer: &Tokenizer) -> Vec<u32> {
        // A pipe has no place beside it.
        if !self.path.is_file() {
            return encode(part, tokenizer);
        }
        let key = part.cache_key(self.hash(), which, tokenizer.to_json().as_bytes());
        let kept = self.path.with_extension(format!("{}.ids", key.name()));
        if let Ok(bytes) = fs::read(&kept) {
            match cache::read(&bytes, &key) {
                Ok(ids) => {
                    // The least recently used one goes first; without the time any other does.
                    let _ = File::options()
                        .append(true)
                        .open(&kept)
                        .and_then(|file| file.set_modified(SystemTime::now()));
                    return ids;
                }
                Err(error) => log::info!("{}: {error}", kept.display()),
            }
        }
        let ids = encode(part, tokenizer);
        let bytes = cache::write(&ids, &key);
        // Without the cache the corpus is encoded again next time.
        match files::write_atomically(&kept, |file| Ok(file.write_all(&bytes)?)) {
            Ok(()) => sweep(&self.path),
            Err(error) => log::info!("token ids were not cached: {error:#}"),
        }
        ids
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
        let trained = train().with_context(|| files::input_name(&self.path));
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

/// Token ids of a text, with a sign of life.
fn encode(text: &Corpus<'_>, tokenizer: &Tokenizer) -> Vec<u32> {
    let bar = working("encoding the text");
    let ids = text.encode(tokenizer);
    bar.finish_and_clear();
    ids
}

/// Removes all but the newest caches of the corpus at `path`: each change of the corpus or of its
/// tokenizer makes others.
fn sweep(path: &Path) {
    let entries = path.parent().map(|folder| match folder.as_os_str().is_empty() {
        true => fs::read_dir("."),
        false => fs::read_dir(folder),
    });
    let Some(Ok(entries)) = entries else { return };
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ours = |file: &Path| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let key = name
            .strip_prefix(&*stem)
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|rest| rest.strip_suffix(".ids"));
        let mut start = [0; cache::MAGIC.len()];
        key.is_some_and(|key| key.len() == 16 && key.bytes().all(|c| c.is_ascii_hexdigit()))
            && File::open(file).and_then(|mut file| file.read_exact(&mut start)).is_ok()
            && start == *cache::MAGIC
    };
    let mut caches: Vec<(SystemTime, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .filter(|(_, file)| ours(file))
        .collect();
    caches.sort();
    for (_, file) in caches.iter().rev().skip(CACHES) {
        // It is in nobody's way; the next one tries again.
        let _ = fs::remove_file(file);
    }
}

/// Reads a tokenizer.json.
pub(crate) fn load_tokenizer(path: &Path) -> Result<TokenizerFile> {
    let name = files::input_name(path);
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

        // Others of the same corpus do not pile up, and what is no cache stays.
        let foreign = folder.path().join("stories.0123456789abcdef.ids");
        fs::write(&foreign, "my own ids")?;
        let mut newest = None;
        for round in 2..6 {
            fs::write(&path, "Tom ran home.\n<|endoftext|>\n".repeat(round))?;
            newest = Some(CorpusFile::read(&path)?.encode_parts(tokenizer, 0.5, 2)?);
        }
        assert_eq!(kept()?.len(), CACHES + 1);
        assert_eq!(fs::read(&foreign)?, b"my own ids");
        // The newest ones are still used.
        let again = CorpusFile::read(&path)?.encode_parts(tokenizer, 0.5, 2)?;
        let newest = newest.expect("four of them");
        assert_eq!((again.train, again.validation), (newest.train, newest.validation));
        assert_eq!(kept()?.len(), CACHES + 1);
        Ok(())
    }
}
