//! `log.jsonl` in the folder of a run.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use run::Log;

use crate::files;

/// The file that keeps up with a run's log.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    /// Bytes of the log that it has.
    written: usize,
}

impl LogFile {
    /// Begins the file at `path` with `log`. An older one stays until this one is whole.
    pub(super) fn start(path: &Path, log: &Log) -> Result<Self> {
        files::write_atomically(path, |file| Ok(file.write_all(log.bytes())?))?;
        let file = OpenOptions::new()
            .append(true)
            .open(path)
            .map_err(|error| files::explain(path, &error))?;
        Ok(Self { path: path.to_owned(), file, written: log.bytes().len() })
    }

    /// Adds what is new in `log`.
    pub(super) fn update(&mut self, log: &Log) -> Result<()> {
        let new = &log.bytes()[self.written..];
        self.file.write_all(new).map_err(|error| files::explain(&self.path, &error))?;
        self.written = log.bytes().len();
        Ok(())
    }
}
