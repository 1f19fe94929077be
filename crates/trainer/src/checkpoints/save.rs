//! Writing checkpoints, and removing old ones.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use run::Saved;
use run::checkpoint::FOLDER;

use super::{best, list};

/// Writes a checkpoint of the run in `folder` and returns its folder. What was written stays out
/// of sight until all of it is on the disk.
pub(crate) fn save(folder: &Path, saved: &Saved) -> Result<PathBuf> {
    let folder = folder.join(FOLDER);
    let step = saved.progress.state.step;
    let target = folder.join(run::checkpoint::folder(step));
    let part = folder.join(format!(".step-{step:06}.part"));
    let write = || -> Result<()> {
        write_folder(&part, saved)?;
        fs::rename(&part, &target)?;
        Ok(sync_folder(&folder)?)
    };
    let written = write();
    if written.is_err() {
        // Gives back the space of a full disk; the error that matters is the first.
        let _ = fs::remove_dir_all(&part);
    }
    written.with_context(|| {
        format!("cannot write the checkpoint {}; earlier ones are intact", target.display())
    })?;
    Ok(target)
}

fn write_folder(folder: &Path, saved: &Saved) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    saved.store(|name, bytes| -> Result<()> {
        let mut file = File::create(folder.join(name))?;
        file.write_all(bytes)?;
        Ok(file.sync_all()?)
    })?;
    Ok(sync_folder(folder)?)
}

/// Makes the names in a folder durable; only Unix can open a folder for that.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Removes all but the newest `keep` checkpoints and the best.
pub(crate) fn prune(folder: &Path, keep: usize) -> Result<()> {
    let best = best(folder)?;
    let all = list(folder)?;
    let surplus = all.len().saturating_sub(keep);
    for (step, path) in &all[..surplus] {
        if best.as_ref() != Some(path) {
            // Renamed first, so that a half-removed folder is never taken for a checkpoint.
            let old = path.with_file_name(format!(".step-{step:06}.old"));
            fs::rename(path, &old)
                .and_then(|()| fs::remove_dir_all(&old))
                .with_context(|| format!("cannot remove the old checkpoint {}", path.display()))?;
        }
    }
    Ok(())
}

/// Clears up after a run that was killed: removes what was half written or half removed.
pub(crate) fn sweep(folder: &Path) -> Result<()> {
    let folder = folder.join(FOLDER);
    if !folder.exists() {
        return Ok(());
    }
    let clear = || -> io::Result<()> {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with(".step-") {
                fs::remove_dir_all(path)?;
            }
        }
        Ok(())
    };
    clear().with_context(|| format!("cannot clear up in {}", folder.display()))
}
