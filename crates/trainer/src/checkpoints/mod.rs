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
    /// Shader variants, so that a resumed run computes with the same; `forms` in older checkpoints.
    #[serde(alias = "forms")]
    pub(crate) variants: kernels::Variants,
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
        let loss = match load::state(&path) {
            Ok(state) => state.validation_loss,
            Err(error) => {
                log::warn!("{error:#}, so it cannot be the best checkpoint");
                None
            }
        };
        if let Some(loss) = loss
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

#[cfg(test)]
mod tests {
    use std::fs;

    use model::{Card, Checkpoint, Config};

    use super::*;

    fn saved(step: u32, loss: f64) -> Saved {
        let config =
            Config { n_layer: 1, n_head: 1, n_embd: 8, timesteps: 2, ..Config::reference(10) };
        let values = vec![loss as f32; config.flat_len()];
        // Gaps between tensors are zeros in a file.
        let mut model =
            Checkpoint { config, card: Card::default(), values: vec![0.0; values.len()] };
        for tensor in config.tensors() {
            model.values[tensor.range()].copy_from_slice(&values[tensor.range()]);
        }
        Saved {
            model,
            moments: vec![("first_moment".to_owned(), values)],
            state: State {
                step,
                generator_counter: step + 1,
                seed: 3,
                validation_loss: Some(loss),
                best_loss: Some(loss),
                seconds: 1.5,
                variants: kernels::Variants::default(),
            },
            tokenizer: b"tokenizer".to_vec(),
            settings: "settings".to_owned(),
            log: b"log".to_vec(),
        }
    }

    #[test]
    fn what_is_saved_is_loaded() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let before = saved(7, 2.5);
        let path = save(folder.path(), &before)?;
        assert_eq!(path, folder.path().join("checkpoints/step-000007"));
        let after = load(&path)?;
        assert_eq!((after.model, after.moments), (before.model, before.moments));
        assert_eq!((after.state, after.settings), (before.state, before.settings));
        assert_eq!((after.tokenizer, after.log), (before.tokenizer, before.log));
        Ok(())
    }

    #[test]
    fn the_newest_and_the_best_are_kept() -> Result<()> {
        let folder = tempfile::tempdir()?;
        for (step, loss) in [(10, 3.0), (20, 1.0), (30, 2.0), (40, 2.5), (50, 2.2)] {
            save(folder.path(), &saved(step, loss))?;
            prune(folder.path(), 2)?;
        }
        let steps: Vec<_> = list(folder.path())?.into_iter().map(|(step, _)| step).collect();
        assert_eq!(steps, [20, 40, 50]);
        assert_eq!(latest(folder.path())?, Some(folder.path().join("checkpoints/step-000050")));
        let best = folder.path().join("checkpoints/step-000020");
        assert_eq!(locate(folder.path())?, best.join(MODEL));
        assert_eq!(locate(&best)?, best.join(MODEL));
        // A damaged state is no reason to stop; what is half written is no checkpoint.
        fs::write(best.join(STATE), "{")?;
        let next = folder.path().join("checkpoints/step-000050");
        assert_eq!(locate(folder.path())?, next.join(MODEL));
        fs::create_dir(folder.path().join("checkpoints/.step-000060.part"))?;
        assert_eq!(list(folder.path())?.len(), 3);
        sweep(folder.path())?;
        assert_eq!(fs::read_dir(folder.path().join("checkpoints"))?.count(), 3);
        Ok(())
    }

    #[test]
    fn a_network_that_is_not_a_number_is_not_saved() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let error = save(folder.path(), &saved(1, f64::NAN)).unwrap_err().to_string();
        assert_eq!(error, "tensor `token_emb.weight` holds a value that is not a number");
        assert!(latest(folder.path())?.is_none());
        Ok(())
    }
}
