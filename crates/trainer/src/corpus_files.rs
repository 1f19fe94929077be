//! The corpus and the tokenizer as files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use corpus::cache::{self, Key};
use corpus::stories::{CorpusError, held_out};
use corpus::text::{Piece, Pieces, Survey};
use corpus::tokenizer::{Tokenizer, TrainOptions};
use diffusion::training::{Data, check_length};
use indicatif::{ProgressBar, ProgressStyle};
use run::TokenizerFile;
use run::settings::DataSettings;

use crate::token_file::TokenFile;
use crate::{files, print};

/// Caches of token ids that are kept beside a corpus: its two parts, by two tokenizers or cut at two
/// places.
const CACHES: usize = 4;

/// The corpus of commands that are not told another.
pub(crate) const CORPUS: &str = "data/stories.txt";

/// All bytes of a corpus, for whoever needs its stories at the same time.
pub(crate) fn read_all(path: &Path) -> Result<Vec<u8>> {
    files::read(path).with_context(|| unreadable(path))
}

fn unreadable(path: &Path) -> String {
    let path = files::input_name(path);
    format!("cannot read {path}; make a corpus with `trainer data`, or name another file")
}

/// Bytes of a corpus that are worked on at a time.
const PIECE: usize = 1 << 24;

/// Bytes of a corpus that a tokenizer is trained on: of a longer one, pieces from all over it.
const LEARNED: u64 = 1 << 26;

/// A corpus of any size. A file is read piece by piece, as often as it is needed; what cannot be read
/// twice (a pipe) is kept in memory.
#[derive(Debug)]
pub(crate) struct CorpusFile {
    path: PathBuf,
    /// All bytes of what is no file.
    kept: Option<Vec<u8>>,
    survey: Survey,
}

impl CorpusFile {
    /// Looks at the file at `path`.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let kept = match path.is_file() {
            true => None,
            false => Some(read_all(path)?),
        };
        let survey = match &kept {
            Some(bytes) => Survey::of(&bytes[..]),
            None => File::open(path).and_then(Survey::of),
        };
        let survey = survey.with_context(|| unreadable(path))?;
        Ok(Self { path: path.to_owned(), kept, survey })
    }

    /// Where it was read from.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub(crate) fn sha256(&self) -> String {
        cache::hex(&self.survey.sha256)
    }

    /// Hands all of it on, a piece after the other.
    fn for_pieces(&self, mut work: impl FnMut(&Piece) -> Result<()>) -> Result<()> {
        let text: Box<dyn Read> = match &self.kept {
            Some(bytes) => Box::new(&bytes[..]),
            None => Box::new(File::open(&self.path)?),
        };
        let mut pieces = Pieces::new(text, self.survey.boundaries, PIECE);
        while let Some(piece) = pieces.next_piece()? {
            work(&piece)?;
        }
        Ok(())
    }

    /// How many stories there are. Says that names of special tokens are text, which somebody may not
    /// have meant.
    fn count_stories(&self) -> Result<usize> {
        let (mut stories, mut names) = (0, BTreeMap::new());
        self.for_pieces(|piece| {
            let corpus = piece.corpus()?;
            stories += corpus.stories().len();
            for (name, times) in corpus.special_names() {
                *names.entry(name).or_insert(0) += times;
            }
            Ok(())
        })?;
        if stories == 0 {
            return Err(CorpusError::Empty.into());
        }
        if !names.is_empty() {
            let names = names.iter().map(|(name, times)| format!("{name} ({times} times)"));
            print::note(format_args!(
                "{} holds {}, which is read as text, not as a special token",
                files::input_name(&self.path),
                names.collect::<Vec<_>>().join(" and ")
            ));
        }
        Ok(stories)
    }

    /// Token ids of all of it.
    pub(crate) fn encode(&self, tokenizer: &Tokenizer) -> Result<Vec<u32>> {
        let encode = || -> Result<Vec<u32>> {
            let mut ids = vec![];
            self.encode_to(tokenizer, self.count_stories()?, |part, _| {
                ids.extend(part);
                Ok(())
            })?;
            Ok(ids)
        };
        encode().with_context(|| files::input_name(&self.path))
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
            let data = match self.kept {
                // Nothing has a place beside a pipe.
                Some(_) => self.encode_here(tokenizer, share)?,
                None => self.encode_beside(tokenizer, share)?,
            };
            let [train, validation] = data.lengths();
            check_length("training", train, block)?;
            check_length("validation", validation, block)?;
            Ok(data)
        };
        encode().with_context(|| files::input_name(&self.path))
    }

    /// Token ids of both parts, in memory.
    fn encode_here(&self, tokenizer: &Tokenizer, share: f64) -> Result<Data> {
        let stories = self.count_stories()?;
        let (mut train, mut validation) = (vec![], vec![]);
        self.encode_to(tokenizer, stories - held_out(stories, share)?, |ids, held_out| {
            validation.extend(held_out);
            train.extend(ids);
            Ok(())
        })?;
        Ok(Data::new(train, validation))
    }

    /// Token ids of both parts, in two files beside the corpus.
    fn encode_beside(&self, tokenizer: &Tokenizer, share: f64) -> Result<Data> {
        let json = tokenizer.to_json();
        let [train, validation] = ["before", "behind"].map(|part| {
            let key = self.survey.cache_key(&format!("{part} {share}"), json.as_bytes());
            (self.path.with_extension(format!("{}.ids", key.name())), key)
        });
        let open = |(path, key): &(PathBuf, Key)| match TokenFile::open(path, key) {
            Ok(file) => Some(file),
            Err(error) => {
                log::info!("{}: {error}", path.display());
                None
            }
        };
        if let (Some(train), Some(validation)) = (open(&train), open(&validation)) {
            return Ok(Data::new(train, validation));
        }
        let stories = self.count_stories()?;
        let stories = stories - held_out(stories, share)?;
        let size = tokenizer.vocab_size();
        let written = files::write_atomically(&train.0, |first| {
            files::write_atomically(&validation.0, |second| {
                let mut first = cache::Writer::new(first, &train.1, size)?;
                let mut second = cache::Writer::new(second, &validation.1, size)?;
                self.encode_to(tokenizer, stories, |ids, held_out| {
                    first.push(&ids)?;
                    Ok(second.push(&held_out)?)
                })?;
                first.finish()?;
                second.finish()?;
                Ok(())
            })
        });
        match written {
            Ok(()) => sweep(&self.path),
            Err(error) => log::info!("token ids were not kept: {error:#}"),
        }
        match (open(&train), open(&validation)) {
            (Some(train), Some(validation)) => Ok(Data::new(train, validation)),
            // A full disk, a folder that is not ours: they are encoded again next time.
            _ => self.encode_here(tokenizer, share),
        }
    }

    /// Encodes all of it: hands on the ids of each piece, those of the first `stories` of the corpus and
    /// those of the others.
    fn encode_to(
        &self,
        tokenizer: &Tokenizer,
        stories: usize,
        mut take: impl FnMut(Vec<u32>, Vec<u32>) -> Result<()>,
    ) -> Result<()> {
        let style = "{spinner} encoding the text {bytes} of {total_bytes}  {eta} left";
        let bar = ProgressBar::new(self.survey.bytes)
            .with_style(ProgressStyle::with_template(style).expect("a valid template"));
        bar.enable_steady_tick(Duration::from_millis(200));
        let mut left = stories;
        let encoded = self.for_pieces(|piece| {
            let [first, second] = piece.split_at(left)?;
            left -= first.stories().len();
            bar.inc(piece.bytes() as u64);
            take(first.encode(tokenizer), second.encode(tokenizer))
        });
        bar.finish_and_clear();
        encoded
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
            let (every, mut number, mut learned) =
                (self.survey.bytes.div_ceil(LEARNED).max(1), 0, vec![]);
            self.for_pieces(|piece| {
                let corpus = piece.corpus()?;
                if number % every == 0 {
                    let texts = corpus.tokenizer_texts(false);
                    learned.extend(texts.into_iter().map(str::to_owned));
                }
                number += 1;
                Ok(())
            })?;
            if learned.is_empty() {
                return Err(CorpusError::Empty.into());
            }
            let tokenizer = Tokenizer::train(learned.into_iter(), &options, |_| ())?;
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
    use diffusion::training::Tokens;

    use super::*;

    fn ids(data: Data) -> Result<[Vec<u32>; 2]> {
        let all = |tokens: &dyn Tokens| tokens.read(0..tokens.len());
        Ok([all(&*data.train)?, all(&*data.validation)?])
    }

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
        let first = ids(corpus.encode_parts(tokenizer, 0.5, 2)?)?;
        assert_eq!(tokenizer.decode(&first[0]), "Tom ran.<|endoftext|>");
        assert_eq!(tokenizer.decode(&first[1]), "Lily ran home.<|endoftext|>");
        assert_eq!(kept()?.len(), 2);
        // From the files, and again after one of them was damaged.
        for file in kept()? {
            assert_eq!(ids(corpus.encode_parts(tokenizer, 0.5, 2)?)?, first);
            fs::write(file, "damaged")?;
        }
        let open = corpus.encode_parts(tokenizer, 0.5, 2)?;
        assert_eq!(kept()?.len(), 2);
        // Whoever has opened them has them, whatever becomes of their names.
        if cfg!(unix) {
            kept()?.into_iter().try_for_each(fs::remove_file)?;
            assert_eq!(ids(open)?, first);
        }
        // Without a place for them, and of what is no file.
        let kept_corpus = CorpusFile { kept: Some(fs::read(&path)?), ..CorpusFile::read(&path)? };
        assert_eq!(ids(kept_corpus.encode_parts(tokenizer, 0.5, 2)?)?, first);

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
        assert_eq!(ids(again)?, ids(newest.expect("four of them"))?);
        assert_eq!(kept()?.len(), CACHES + 1);
        Ok(())
    }
}
