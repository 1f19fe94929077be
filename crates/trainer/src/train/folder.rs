//! The folder of a run, and that only one training writes to it.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::checkpoints;

/// A run's folder, locked as long as this lives.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder of a new run, or enters that of one to be resumed.
    pub(super) fn enter(path: &Path, resume: bool) -> Result<Self> {
        if resume && !path.is_dir() {
            bail!("there is no run in {} to resume; leave out `--resume`", path.display());
        }
        fs::create_dir_all(path)
            .with_context(|| format!("cannot create the run's folder {}", path.display()))?;
        let lock = File::create(path.join("lock"))
            .with_context(|| format!("cannot write in the run's folder {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("another training is writing to {}; choose another `--out`", path.display())
            }
            // Some network file systems have no locks: go on without.
            Err(TryLockError::Error(error)) => log::warn!("{} not locked: {error}", path.display()),
        }
        checkpoints::sweep(path)?;
        if !resume && checkpoints::latest(path)?.is_some() {
            bail!(
                "{} already holds a run; go on with it by `--resume`, or choose another `--out`",
                path.display()
            );
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Path of a file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}
