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
    /// Starts the file at `path` anew.
    pub(super) fn start(path: &Path) -> Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .open(path)
            .map_err(|error| files::explain(path, &error))?;
        Ok(Self { path: path.to_owned(), file, written: 0 })
    }

    /// Adds what is new in `log`.
    pub(super) fn update(&mut self, log: &Log) -> Result<()> {
        let new = &log.bytes()[self.written..];
        self.file.write_all(new).map_err(|error| files::explain(&self.path, &error))?;
        self.written = log.bytes().len();
        Ok(())
    }
}
