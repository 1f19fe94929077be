//! Reading checkpoints.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use model::Checkpoint;
use run::checkpoint::{STATE, State, TOKENIZER};
use run::{Saved, TokenizerFile};

use crate::corpus_files::load_tokenizer;
use crate::files;

/// Reads everything of the checkpoint in `folder`.
pub(crate) fn load(folder: &Path) -> Result<Saved> {
    let read = |name: &'static str| -> Result<Vec<u8>> {
        let bytes = read(&folder.join(name))?;
        match model::stranger(&bytes) {
            Some(stranger) => bail!("{name}: {stranger}"),
            None => Ok(bytes),
        }
    };
    Saved::load(read).with_context(|| {
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

/// A model with its tokenizer.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    /// The model's file.
    pub(crate) file: PathBuf,
    /// What is in it.
    pub(crate) model: Checkpoint,
    /// Its tokenizer.
    pub(crate) tokenizer: TokenizerFile,
}

/// Reads the model that `path` means (see [`locate`](super::locate)) with its tokenizer, which is
/// the one beside it unless another is given.
pub(crate) fn load_located(path: &Path, tokenizer: Option<&Path>) -> Result<Located> {
    let file = super::locate(path)?;
    let model = load_model(&file)?;
    let beside = file.with_file_name(TOKENIZER);
    let path = tokenizer.unwrap_or(&beside);
    let tokenizer = match tokenizer {
        Some(path) => load_tokenizer(path)?,
        None => load_tokenizer(&beside).context("the tokenizer that belongs to the model")?,
    };
    let model::Config { vocab_size, mask_id, .. } = model.config;
    tokenizer
        .tokenizer()
        .check_model(vocab_size as u32, mask_id, model.card.end_of_text)
        .with_context(|| path.display().to_string())?;
    Ok(Located { file, model, tokenizer })
}

fn load_model(path: &Path) -> Result<Checkpoint> {
    Checkpoint::from_safetensors(&read(path)?).with_context(|| path.display().to_string())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    files::read(path).with_context(|| format!("cannot read {}", path.display()))
}
