//! The log of a run: `log.jsonl`, one JSON object a line. It is the truth; TensorBoard's file and
//! the loss curves are made from it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::files;

/// One line of the log. Losses and entropies in nats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(crate) enum Record {
    /// A run, or a further part of one, begins.
    Start {
        step: u32,
        device: String,
        parameters: usize,
        vocabulary: usize,
        /// Tokens of a step.
        tokens: usize,
        train_tokens: usize,
        validation_tokens: usize,
    },
    /// Steps up to `step` since the record before: mean loss, mean norm of the gradient before
    /// clipping, and learning rate of the last one.
    Step { step: u32, loss: f64, grad_norm: f64, lr: f64, tokens_per_second: f64 },
    /// An evaluation on fixed batches, after `step` steps.
    Evaluation { step: u32, split: Split, loss: f64, accuracy: f64, entropy: f64 },
    /// A generated text.
    Sample { step: u32, text: String },
    /// The run, or this part of it, ends.
    End { step: u32, seconds: f64, reason: String },
}

/// Part of the corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Split {
    Train,
    Validation,
}

impl Split {
    /// Its name, as in the log.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
        }
    }
}

/// A log that is being written.
#[derive(Debug)]
pub(crate) struct RunLog {
    path: PathBuf,
    file: File,
    bytes: Vec<u8>,
    records: Vec<Record>,
}

impl RunLog {
    /// Starts the log at `path` with what an earlier part of the run wrote, `before`.
    pub(crate) fn start(path: &Path, before: &[u8]) -> Result<Self> {
        let records = parse(before).with_context(|| format!("{}", path.display()))?;
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .open(path)
            .and_then(|mut file| file.write_all(before).map(|()| file))
            .map_err(|error| files::explain(path, &error))?;
        Ok(Self { path: path.to_owned(), file, bytes: before.to_vec(), records })
    }

    /// Adds a line.
    pub(crate) fn push(&mut self, record: Record) -> Result<()> {
        let mut line = serde_json::to_vec(&record)?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(|error| files::explain(&self.path, &error))?;
        self.bytes.extend(line);
        self.records.push(record);
        Ok(())
    }

    /// Everything written so far.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Everything written so far.
    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }
}

/// The records of a log file.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<Record>> {
    let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).zip(1..);
    lines
        .map(|(line, number)| {
            serde_json::from_slice(line)
                .with_context(|| format!("line {number} of the log is damaged"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_goes_on_after_its_first_part() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("log.jsonl");
        let first = Record::Sample { step: 1, text: "Tim said \"hi\".\n".to_owned() };
        let second =
            Record::Step { step: 2, loss: 6.5, grad_norm: 0.5, lr: 1e-3, tokens_per_second: 1e4 };
        let mut log = RunLog::start(&path, b"")?;
        log.push(first.clone())?;
        let before = log.bytes().to_vec();
        let mut log = RunLog::start(&path, &before)?;
        log.push(second.clone())?;
        let written = std::fs::read(&path)?;
        assert_eq!(written, log.bytes());
        assert_eq!(parse(&written)?, [first, second]);
        assert!(parse(b"{\"event\":\"step\"\n").is_err());
        Ok(())
    }
}
