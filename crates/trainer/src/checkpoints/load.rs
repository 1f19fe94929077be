//! Reading checkpoints.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use model::Checkpoint;
use run::Saved;
use run::checkpoint::{STATE, State};

/// Reads everything of the checkpoint in `folder`.
pub(crate) fn load(folder: &Path) -> Result<Saved> {
    Saved::load(|name| read(&folder.join(name))).with_context(|| {
        format!(
            "the checkpoint {} cannot be resumed from; remove it to go on from the one before",
            folder.display()
        )
    })
}

/// Reads the state alone.
pub(super) fn state(folder: &Path) -> Result<State> {
    let (state, _) =
        State::parse(&read(&folder.join(STATE))?).with_context(|| folder.display().to_string())?;
    Ok(state)
}

/// Reads a model file.
pub(crate) fn load_model(path: &Path) -> Result<Checkpoint> {
    Checkpoint::from_safetensors(&read(path)?).with_context(|| path.display().to_string())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
