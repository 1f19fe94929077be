//! Writing checkpoints, and removing old ones.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use model::Precision;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use super::{FOLDER, LOG, MODEL, OPTIMIZER, SETTINGS, STATE, Saved, TOKENIZER, best, list};

/// Writes a checkpoint of the run in `folder` and returns its folder. What was written stays out
/// of sight until all of it is on the disk.
pub(crate) fn save(folder: &Path, saved: &Saved) -> Result<PathBuf> {
    let tensors = saved.model.config.tensors();
    for tensor in &tensors {
        let finite = saved.model.values[tensor.range()].iter().all(|value| value.is_finite());
        ensure!(finite, "tensor `{}` holds a value that is not a number", tensor.name);
    }
    let files = [
        (MODEL, saved.model.to_safetensors(Precision::F32)?),
        (OPTIMIZER, moments(saved)?),
        (STATE, serde_json::to_vec_pretty(&saved.state)?),
        (TOKENIZER, saved.tokenizer.clone()),
        (SETTINGS, saved.settings.clone().into_bytes()),
        (LOG, saved.log.clone()),
    ];
    let folder = folder.join(FOLDER);
    let target = folder.join(format!("step-{:06}", saved.state.step));
    let beside = folder.join(format!(".step-{:06}.part", saved.state.step));
    let written = write_folder(&beside, &files)
        .and_then(|()| fs::rename(&beside, &target))
        .and_then(|()| sync_folder(&folder));
    if written.is_err() {
        // Gives back the space of a full disk; the error that matters is the first.
        let _ = fs::remove_dir_all(&beside);
    }
    written.with_context(|| {
        format!("cannot write the checkpoint {}; earlier ones are intact", target.display())
    })?;
    Ok(target)
}

fn moments(saved: &Saved) -> Result<Vec<u8>> {
    let stored: Vec<Vec<u8>> = saved
        .moments
        .iter()
        .map(|(_, values)| values.iter().flat_map(|value| value.to_le_bytes()).collect())
        .collect();
    let views = saved
        .moments
        .iter()
        .zip(&stored)
        .map(|((name, values), data)| {
            Ok((name.as_str(), TensorView::new(Dtype::F32, vec![values.len()], data)?))
        })
        .collect::<Result<Vec<_>>>()?;
    let step = saved.state.step.to_string();
    let metadata = HashMap::from([("step".to_owned(), step)]);
    Ok(safetensors::serialize(views, Some(metadata))?)
}

fn write_folder(folder: &Path, files: &[(&str, Vec<u8>)]) -> io::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    for (name, bytes) in files {
        let mut file = File::create(folder.join(name))?;
        file.write_all(bytes)?;
        file.sync_all()?;
    }
    sync_folder(folder)
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
