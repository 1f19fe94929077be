//! Reading checkpoints.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use model::Checkpoint;
use safetensors::{Dtype, SafeTensors};

use super::{LOG, MODEL, OPTIMIZER, SETTINGS, STATE, Saved, State, TOKENIZER};

/// Reads everything of the checkpoint in `folder`.
pub(crate) fn load(folder: &Path) -> Result<Saved> {
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let whole = || -> Result<Saved> {
        let state = state(folder)?;
        let model = load_model(&folder.join(MODEL))?;
        let moments = moments(&read(OPTIMIZER)?, state.step)
            .with_context(|| format!("{}", folder.join(OPTIMIZER).display()))?;
        let settings = String::from_utf8(read(SETTINGS)?)
            .with_context(|| format!("{} is not UTF-8", folder.join(SETTINGS).display()))?;
        let (tokenizer, log) = (read(TOKENIZER)?, read(LOG)?);
        Ok(Saved { model, moments, state, tokenizer, settings, log })
    };
    whole().with_context(|| {
        format!(
            "the checkpoint {} cannot be resumed from; remove it to go on from the one before",
            folder.display()
        )
    })
}

/// Reads the state alone.
pub(super) fn state(folder: &Path) -> Result<State> {
    let path = folder.join(STATE);
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))
}

/// Reads a model file.
pub(crate) fn load_model(path: &Path) -> Result<Checkpoint> {
    let bytes =
        fs::read(path).with_context(|| format!("cannot read the checkpoint {}", path.display()))?;
    Checkpoint::from_safetensors(&bytes).with_context(|| format!("{}", path.display()))
}

fn moments(bytes: &[u8], step: u32) -> Result<Vec<(String, Vec<f32>)>> {
    let (_, header) =
        SafeTensors::read_metadata(bytes).context("this is not a complete safetensors file")?;
    let written = header.metadata().as_ref().and_then(|metadata| metadata.get("step"));
    ensure!(
        written.is_some_and(|written| *written == step.to_string()),
        "the optimiser's state is not of step {step}"
    );
    let file =
        SafeTensors::deserialize(bytes).context("this is not a complete safetensors file")?;
    let mut moments = Vec::new();
    for (name, view) in file.tensors() {
        ensure!(view.dtype() == Dtype::F32, "`{name}` is {:?}, it must be F32", view.dtype());
        let values: Vec<f32> =
            view.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        ensure!(
            values.iter().all(|value| value.is_finite()),
            "`{name}` holds a value that is not a number"
        );
        moments.push((name, values));
    }
    Ok(moments)
}
