//! The folder of an ablation: corpora, tokenizers, runs and what was measured of them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use corpus::cache::sha256;
use corpus::stories::{self, Corpus};
use run::settings::DataSettings;
use serde::{Deserialize, Serialize};

use crate::corpus_files::{CorpusFile, read_all};
use crate::files;

/// Says that a folder is that of an ablation, and of which.
const FILE: &str = "ablation.json";
/// The newest version of that file: what is written, and what can be read.
const VERSION: u32 = 1;

/// What an ablation began with.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Began {
    version: u32,
    title: String,
    /// SHA-256 of the corpus.
    corpus: String,
    validation_share: f64,
}

/// The folder.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    /// Name of the corpus.
    pub(super) corpus: String,
    pub(super) sha256: String,
    /// Stories to train on.
    train: Vec<String>,
    /// Stories that are held out.
    held_out: Vec<String>,
}

impl Place {
    /// Makes the folder, or enters that of the same ablation in order to go on.
    pub(super) fn enter(path: &Path, title: &str, corpus: &Path, share: f64) -> Result<Self> {
        let bytes = read_all(corpus)?;
        let began = Began {
            version: VERSION,
            title: title.to_owned(),
            corpus: sha256(&bytes),
            validation_share: share,
        };
        let marker = path.join(FILE);
        let name = path.display();
        if marker.is_file() {
            let text = files::read_text(&marker)?;
            let before: Began = serde_json::from_str(&text)
                .with_context(|| format!("{} is damaged", marker.display()))?;
            ensure!(
                before.version <= VERSION,
                "the ablation in {name} has format version {}, and this program reads versions up to {VERSION}; use a newer release",
                before.version
            );
            let same = Began { version: VERSION, ..before } == began;
            ensure!(
                same,
                "{name} holds another ablation (its title, corpus or held-out share is another); choose another `--out`"
            );
        } else if path.is_dir() && fs::read_dir(path)?.next().is_some() {
            bail!("{name} is no folder of an ablation, and not empty; choose another `--out`");
        }
        let parsed = Corpus::parse(&bytes).and_then(|parsed| parsed.split(share));
        let (train, held_out) = parsed.with_context(|| files::input_name(corpus))?;
        let owned = |part: &Corpus<'_>| part.stories().iter().map(|&one| one.to_owned()).collect();
        let place = Self {
            path: path.to_owned(),
            corpus: corpus.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            sha256: began.corpus.clone(),
            train: owned(&train),
            held_out: owned(&held_out),
        };
        for folder in ["corpora", "runs", "results"] {
            let folder = path.join(folder);
            fs::create_dir_all(&folder)
                .with_context(|| format!("cannot create the folder {}", folder.display()))?;
        }
        write(&marker, &serde_json::to_vec_pretty(&began)?)?;
        write(&place.training_text(), stories::join(&place.train).as_bytes())?;
        write(&place.held_out_text(), stories::join(&place.held_out).as_bytes())?;
        Ok(place)
    }

    /// Stories to train on.
    pub(super) fn train(&self) -> usize {
        self.train.len()
    }

    /// Stories that are held out.
    pub(super) fn held_out(&self) -> &[String] {
        &self.held_out
    }

    /// The file of all stories to train on.
    pub(super) fn training_text(&self) -> PathBuf {
        self.path.join("corpora/train.txt")
    }

    /// The file of the held-out stories.
    pub(super) fn held_out_text(&self) -> PathBuf {
        self.path.join("corpora/held-out.txt")
    }

    /// The folder of a run.
    pub(super) fn run(&self, name: &str) -> PathBuf {
        self.path.join("runs").join(name)
    }

    /// The file of what was measured of a run.
    pub(super) fn result(&self, name: &str) -> PathBuf {
        self.path.join("results").join(format!("{name}.json"))
    }

    /// A corpus of the first `stories` (or all) to train on and all that are held out, with the share
    /// of these.
    pub(super) fn corpus(&self, stories: Option<usize>) -> Result<(PathBuf, f64)> {
        let count = stories.unwrap_or(self.train.len());
        ensure!(
            count <= self.train.len(),
            "a run asks for {count} stories, and {} has {} to train on; give a larger corpus",
            self.corpus,
            self.train.len()
        );
        let path = self.path.join(format!("corpora/stories-{count}.txt"));
        if !path.is_file() {
            let all = self.train[..count].iter().chain(&self.held_out);
            write(&path, stories::join(all).as_bytes())?;
        }
        let held_out = self.held_out.len();
        Ok((path, held_out as f64 / (count + held_out) as f64))
    }

    /// A tokenizer of all stories to train on, the same for every run with these settings.
    pub(super) fn tokenizer(&self, data: &DataSettings) -> Result<PathBuf> {
        let DataSettings { vocab_size, min_frequency, byte_alphabet, .. } = data;
        let alphabet = if *byte_alphabet { "bytes" } else { "letters" };
        let name = format!("corpora/tokenizer-{vocab_size}-{min_frequency}-{alphabet}.json");
        let path = self.path.join(name);
        if !path.is_file() {
            let tokenizer = CorpusFile::read(&self.training_text())?.train_tokenizer(data)?;
            write(&path, tokenizer.json())?;
        }
        Ok(path)
    }
}

/// Writes a file, completely or not at all.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    files::write_atomically(path, |file| Ok(file.write_all(bytes)?))
}
