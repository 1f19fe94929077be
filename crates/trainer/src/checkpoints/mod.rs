//! Checkpoints of a run: `checkpoints/step-000500/` with everything that a training resumes from.
//!
//! | file | holds |
//! |---|---|
//! | `model.safetensors` | parameters in f32 under the seed's tensor names; config and schedule in its metadata |
//! | `optimizer.safetensors` | the optimiser's moments |
//! | `state.json` | [`State`]: step, generator counter, seed, losses |
//! | `tokenizer.json`, `settings.toml`, `log.jsonl` | of the run, as they were |
//!
//! A folder is written beside its place, synced and renamed: one that has its name is whole.

mod load;
mod save;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

pub(crate) use load::{load, load_model};
pub(crate) use save::{prune, save, sweep};

/// Folder of the checkpoints in a run's folder.
const FOLDER: &str = "checkpoints";
pub(crate) const MODEL: &str = "model.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const STATE: &str = "state.json";
pub(crate) const TOKENIZER: &str = "tokenizer.json";
pub(crate) const SETTINGS: &str = "settings.toml";
pub(crate) const LOG: &str = "log.jsonl";

/// Where a training stood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    /// Optimiser steps done.
    pub(crate) step: u32,
    /// Counter of the generator that draws batches, timesteps and masks: the next step's number.
    pub(crate) generator_counter: u32,
    /// Seed of the generator.
    pub(crate) seed: u64,
    /// Masked loss on the fixed validation batches, nats.
    pub(crate) validation_loss: Option<f64>,
    /// Lowest such loss up to here.
    pub(crate) best_loss: Option<f64>,
    /// Seconds of training, over all parts of the run.
    pub(crate) seconds: f64,
    /// Shader forms, so that a resumed run computes with the same.
    pub(crate) forms: kernels::Forms,
}

/// A checkpoint in memory.
#[derive(Clone, Debug)]
pub(crate) struct Saved {
    pub(crate) model: model::Checkpoint,
    /// Name and values of each of the optimiser's buffers.
    pub(crate) moments: Vec<(String, Vec<f32>)>,
    pub(crate) state: State,
    pub(crate) tokenizer: Vec<u8>,
    pub(crate) settings: String,
    pub(crate) log: Vec<u8>,
}

/// The checkpoints of the run in `folder`, oldest first.
pub(crate) fn list(folder: &Path) -> Result<Vec<(u32, PathBuf)>> {
    let folder = folder.join(FOLDER);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(&folder)
        .with_context(|| format!("cannot list the checkpoints in {}", folder.display()))?;
    let mut found: Vec<_> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let step = name.to_str()?.strip_prefix("step-")?.parse().ok()?;
            Some((step, entry.path()))
        })
        .collect();
    found.sort();
    Ok(found)
}

/// The newest checkpoint of the run in `folder`.
pub(crate) fn latest(folder: &Path) -> Result<Option<PathBuf>> {
    Ok(list(folder)?.pop().map(|(_, path)| path))
}

/// The checkpoint of the run in `folder` with the lowest validation loss; of equals, the newest.
pub(crate) fn best(folder: &Path) -> Result<Option<PathBuf>> {
    let mut best: Option<(f64, PathBuf)> = None;
    for (_, path) in list(folder)? {
        if let Some(loss) = load::state(&path)?.validation_loss
            && best.as_ref().is_none_or(|(lowest, _)| loss <= *lowest)
        {
            best = Some((loss, path));
        }
    }
    Ok(best.map(|(_, path)| path))
}

/// The model file that `path` means: a `.safetensors` file, a folder with one (a checkpoint or a
/// shipped model), or a run's folder, of which the best checkpoint is taken, else the newest.
pub(crate) fn locate(path: &Path) -> Result<PathBuf> {
    if path.is_file() {
        return Ok(path.to_owned());
    }
    if path.join(MODEL).is_file() {
        return Ok(path.join(MODEL));
    }
    if let Some(found) = best(path)?.map_or_else(|| latest(path), |found| Ok(Some(found)))? {
        return Ok(found.join(MODEL));
    }
    if path.exists() {
        bail!(
            "{} holds no checkpoint; give a .safetensors file, a checkpoint's folder, or a run's folder",
            path.display()
        );
    }
    bail!("the checkpoint {} does not exist", path.display())
}
