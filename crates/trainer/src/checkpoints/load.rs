//! Reading checkpoints.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use model::Checkpoint;
use run::checkpoint::{self, OPTIMIZER, STATE, State, TOKENIZER};
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

/// Which weights of a checkpoint are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Weights {
    /// Their running average over the training
    Average,
    /// Those after the last step
    Latest,
}

/// The flag that says which.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct WeightsArgs {
    /// Weights of a checkpoint [default: the average if the training keeps one (optimizer.average), else
    /// the latest]
    #[arg(long, value_name = "WHICH")]
    pub(crate) weights: Option<Weights>,
}

/// A model with its tokenizer.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    /// The model's file.
    pub(crate) file: PathBuf,
    /// What is in it, or the running average beside it.
    pub(crate) model: Checkpoint,
    /// Whether its weights are such an average.
    pub(crate) averaged: bool,
    /// Its tokenizer.
    pub(crate) tokenizer: TokenizerFile,
}

/// Reads the model that `path` means (see [`locate`](super::locate)) with its tokenizer, which is
/// the one beside it unless another is given.
pub(crate) fn load_located(
    path: &Path,
    tokenizer: Option<&Path>,
    weights: WeightsArgs,
) -> Result<Located> {
    let file = super::locate(path)?;
    let mut model = load_model(&file)?;
    let average = average(&file, &model, weights)?;
    let averaged = average.is_some();
    model.values = average.unwrap_or(model.values);
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
    Ok(Located { file, model, averaged, tokenizer })
}

/// The running average of the weights in the model file, if it is wanted and there is one.
fn average(
    file: &Path,
    model: &Checkpoint,
    WeightsArgs { weights }: WeightsArgs,
) -> Result<Option<Vec<f32>>> {
    if weights == Some(Weights::Latest) {
        return Ok(None);
    }
    let beside = file.with_file_name(OPTIMIZER);
    let average = match model.card.step {
        Some(step) if beside.is_file() => checkpoint::average(&read(&beside)?, step)
            .with_context(|| {
                format!(
                    "{} may hold averaged weights; do without by `--weights latest`",
                    beside.display()
                )
            })?
            .filter(|average| average.len() == model.values.len()),
        _ => None,
    };
    ensure!(
        average.is_some() || weights.is_none(),
        "{} has no averaged weights beside it, as its training kept none (optimizer.average); leave out `--weights average`",
        file.display()
    );
    Ok(average)
}

fn load_model(path: &Path) -> Result<Checkpoint> {
    Checkpoint::from_safetensors(&read(path)?).with_context(|| path.display().to_string())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    files::read(path).with_context(|| format!("cannot read {}", path.display()))
}
