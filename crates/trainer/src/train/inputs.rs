//! `run.json`: what a run began with beside its settings and its tokenizer.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use corpus::cache;
use run::checkpoint::{RUN, RUN_VERSION};
use serde::{Deserialize, Serialize};

use super::Plan;
use crate::compute::{ComputeArgs, Kind};
use crate::corpus_files::CorpusFile;
use crate::files;

/// A file that a run depends on.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Source {
    /// Where it was when it was last read.
    pub(super) path: PathBuf,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub(super) sha256: String,
}

impl Source {
    fn new(path: &Path, sha256: String) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        // JSON holds text; a name that is none can be given again.
        Self { path: path.to_string_lossy().into_owned().into(), sha256 }
    }

    /// The file at `path` as it is.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = files::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self::new(path, cache::sha256(&bytes)))
    }

    /// Refuses a file that is not what it was; `what` it is called in the sentence.
    pub(super) fn check(&self, what: &str) -> Result<()> {
        let now = Self::read(&self.path)?;
        ensure!(
            now.sha256 == self.sha256,
            "{} is not the {what} that the run began with (its SHA-256 is another); begin a new run in another `--out`",
            self.path.display()
        );
        Ok(())
    }
}

/// What a run depends on that lies outside its folder.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Inputs {
    version: u32,
    pub(super) corpus: Source,
    /// The model whose weights it began with, if they were not random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) init: Option<Source>,
    device: Option<Kind>,
    adapter: Option<String>,
}

impl Inputs {
    /// Those of a run that begins or goes on by `plan`.
    pub(super) fn new(corpus: &CorpusFile, init: Option<Source>, compute: &ComputeArgs) -> Self {
        Self {
            version: RUN_VERSION,
            corpus: Source::new(corpus.path(), corpus.sha256()),
            init,
            device: compute.device,
            adapter: compute.adapter.clone(),
        }
    }

    /// Reads those of the run in `folder`; `None` if it is older than this file.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(RUN);
        if !path.exists() {
            return Ok(None);
        }
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let read = || -> Result<Self> {
            let text = files::read_text(&path)?;
            let Version { version } = serde_json::from_str(&text).context("the file is damaged")?;
            ensure!(
                version <= RUN_VERSION,
                "the run has format version {version}, and this program reads versions up to {RUN_VERSION}; use a newer release"
            );
            let mut inputs: Self = serde_json::from_str(&text).context("the file is damaged")?;
            // A run from the page brings its corpus in its folder.
            inputs.corpus.path = folder.join(inputs.corpus.path);
            Ok(inputs)
        };
        read().map(Some).with_context(|| path.display().to_string())
    }

    /// Writes them into `folder`.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let json = serde_json::to_vec_pretty(self)?;
        files::write_atomically(&folder.join(RUN), |file| Ok(file.write_all(&json)?))
    }

    /// What to compute on: as asked, else as before.
    pub(super) fn compute(&self, plan: &Plan) -> ComputeArgs {
        let mut compute = plan.compute.clone();
        if compute.device.is_none() && compute.adapter.is_none() {
            (compute.device, compute.adapter) = (self.device, self.adapter.clone());
        }
        compute
    }

    /// What changes by computing on another device.
    pub(super) fn device_changes(&self, compute: &ComputeArgs) -> Option<String> {
        let said = |device: Option<Kind>, adapter: &Option<String>| {
            let device = device.unwrap_or(Kind::Auto);
            let device = device.to_possible_value().expect("no device is hidden");
            let adapter = adapter.as_deref().map(|name| format!(" `{name}`")).unwrap_or_default();
            format!("{}{adapter}", device.get_name())
        };
        let before = said(self.device, &self.adapter);
        let now = said(compute.device, &compute.adapter);
        (before != now).then(|| format!("device from {before} to {now}, which rounds otherwise"))
    }
}
