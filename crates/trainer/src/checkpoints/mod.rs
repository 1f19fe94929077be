//! Checkpoints of a run on disk: `checkpoints/step-000500/`, with the files of
//! [`run::checkpoint`].
//!
//! A folder is written under a temporary name, synced and renamed: one that has its name is whole.

mod load;
mod save;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use run::checkpoint::{FOLDER, MODEL};

pub(crate) use load::{Located, WeightsArgs, load, load_located};
pub(crate) use save::{prune, save, sweep};

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

    use corpus::tokenizer::{Tokenizer, TrainOptions};
    use model::{Card, Checkpoint, Config};
    use run::checkpoint::{STATE, State};
    use run::settings::{Settings, preset};
    use run::{Log, Progress, Saved, Setup, TokenizerFile};

    use super::*;

    fn saved(step: u32, loss: f64) -> Saved {
        let options = TrainOptions { vocab_size: 262, ..TrainOptions::default() };
        let tokenizer = Tokenizer::train(["Tom"].into_iter(), &options, |_| ()).expect("one");
        let vocab_size = tokenizer.vocab_size() as usize;
        let config = Config {
            n_layer: 1,
            n_head: 1,
            n_embd: 8,
            timesteps: 2,
            ..Config::reference(vocab_size)
        };
        let values = vec![loss as f32; config.flat_len()];
        // Gaps between tensors are zeros in a file.
        let mut model =
            Checkpoint { config, card: Card::default(), values: vec![0.0; values.len()] };
        for tensor in config.tensors() {
            model.values[tensor.range()].copy_from_slice(&values[tensor.range()]);
        }
        let loss = Some(loss);
        let tokenizer = tokenizer.to_json().into_bytes();
        Saved {
            setup: Setup {
                settings: Settings::parse(preset("tiny").expect("a preset"), &[])
                    .expect("settings"),
                tokenizer: TokenizerFile::parse(tokenizer).expect("a tokenizer"),
                variants: kernels::Variants::default(),
            },
            progress: Progress {
                model,
                optimizer: vec![("first_moment".to_owned(), values)],
                state: State { step, validation_loss: loss, best_loss: loss, seconds: 1.5 },
                log: Log::default(),
            },
        }
    }

    #[test]
    fn what_is_saved_is_loaded() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let before = saved(7, 2.5);
        let path = save(folder.path(), &before)?;
        assert_eq!(path, folder.path().join("checkpoints/step-000007"));
        let Saved { setup, progress } = load(&path)?;
        assert_eq!(progress.model, before.progress.model);
        assert_eq!(progress.optimizer, before.progress.optimizer);
        assert_eq!(progress.state, before.progress.state);
        assert_eq!(progress.log, before.progress.log);
        assert_eq!(setup.settings, before.setup.settings);
        assert_eq!(setup.variants, before.setup.variants);
        assert_eq!(setup.tokenizer.json(), before.setup.tokenizer.json());
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
        let error = format!("{:#}", save(folder.path(), &saved(1, f64::NAN)).unwrap_err());
        let part = "tensor `token_emb.weight` holds a value that is not a number";
        assert!(error.ends_with(part), "{error}");
        assert!(latest(folder.path())?.is_none());
        Ok(())
    }
}
