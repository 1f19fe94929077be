//! The folder of a run: which folders are runs, and that only one training writes to one.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use run::checkpoint::{LOG, RUN, SETTINGS, STATE, TOKENIZER};

use crate::checkpoints;

/// Held by the training that writes to the folder.
const LOCK: &str = "lock";

/// How long to wait for a training that is coming to its end.
const PATIENCE: Duration = Duration::from_secs(2);

/// A run's folder, locked as long as this lives.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// `None` once the folder has been left.
    lock: Option<File>,
    /// Whether it holds more than the lock.
    begun: bool,
    /// Whether it was made for this run.
    made: bool,
}

impl Folder {
    /// Makes the folder of a new run, or enters that of one to be resumed.
    pub(super) fn enter(path: &Path, resume: bool) -> Result<Self> {
        let name = path.display();
        let is_run = is_run(path)?;
        if resume && !is_run {
            let above = path.parent().and_then(Path::parent);
            if let (true, Some(run)) = (path.join(STATE).is_file(), above) {
                bail!("{name} is a checkpoint; resume its run with `--out {}`", run.display());
            }
            bail!("there is no run in {name} to resume; leave out `--resume`");
        }
        if !resume {
            ensure!(
                !is_run,
                "{name} already holds a run; go on with it by `--resume`, or choose another `--out`"
            );
            if let Some(other) = foreign(path)? {
                bail!("{name} holds `{other}`, which no training made; choose another `--out`");
            }
        }
        let made = !path.exists();
        fs::create_dir_all(path)
            .with_context(|| format!("cannot create the run's folder {name}"))?;
        let lock = File::create(path.join(LOCK))
            .with_context(|| format!("cannot write in the run's folder {name}"))?;
        let mut taken = lock.try_lock();
        let begun = Instant::now();
        // One that was just killed may take a moment to go.
        while matches!(taken, Err(TryLockError::WouldBlock)) && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(50));
            taken = lock.try_lock();
        }
        match taken {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("another training is writing to {name}; choose another `--out`")
            }
            // Some network file systems have no locks: go on without.
            Err(TryLockError::Error(error)) => log::warn!("{name} not locked: {error}"),
        }
        checkpoints::sweep(path)?;
        Ok(Self { path: path.to_owned(), lock: Some(lock), begun: is_run, made })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Path of a file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The run begins: from now on the folder stays.
    pub(super) fn begin(&mut self) {
        self.begun = true;
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.lock.take());
        if !self.begun {
            // A run that could not begin leaves nothing; what cannot be removed is in nobody's way.
            let _ = fs::remove_file(self.file(LOCK));
            if self.made {
                let _ = fs::remove_dir(&self.path);
            }
        }
    }
}

/// Whether the folder is that of a run that has begun: it has checkpoints, or what a run has before
/// its first. Older programs did not write the file that says so, but a log.
pub(crate) fn is_run(path: &Path) -> Result<bool> {
    let has = |name: &str| path.join(name).is_file();
    let said = has(RUN) || (has(LOCK) && has(LOG));
    Ok(checkpoints::latest(path)?.is_some() || (said && has(SETTINGS) && has(TOKENIZER)))
}

/// The name of something in the folder of a new run that no training made. Hidden files are
/// somebody's, too, but in nobody's way.
fn foreign(path: &Path) -> Result<Option<String>> {
    // A run that was killed while it began.
    if !path.is_dir() || path.join(RUN).is_file() {
        return Ok(None);
    }
    let entries =
        fs::read_dir(path).with_context(|| format!("cannot list the folder {}", path.display()))?;
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names
        .filter(|name| !name.starts_with('.') && name != LOCK && name != "lost+found")
        .collect();
    names.sort();
    Ok(names.into_iter().next())
}
