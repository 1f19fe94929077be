//! The files of a checkpoint's folder as bytes: everything that a training resumes from.
//!
//! | file | holds |
//! |---|---|
//! | `model.safetensors` | parameters in f32 under the reference's tensor names; config and [card](model::Card) in its metadata |
//! | `optimizer.safetensors` | the optimizer's buffers in f32, flat, by name; the step in its metadata |
//! | `state.json` | version of this format, step, losses, seconds, shader variants |
//! | `tokenizer.json`, `settings.toml`, `log.jsonl` | of the run, as they were |
//!
//! Version 0, of files without a number, has two members more in `state.json`, `generator_counter`
//! and `seed`, which nothing reads, and may call the variants `forms`.

mod optimizer;
mod state;

use corpus::tokenizer::{Tokenizer, TokenizerError};
use model::Precision;

use crate::{Log, Settings};
pub use optimizer::average;
pub use state::State;

/// The newest version of the folder's format: what is written, and what can be read.
pub const VERSION: u32 = 1;

/// The model file.
pub const MODEL: &str = "model.safetensors";
/// The optimizer's buffers.
pub const OPTIMIZER: &str = "optimizer.safetensors";
/// Where the training stood.
pub const STATE: &str = "state.json";
/// The tokenizer.
pub const TOKENIZER: &str = "tokenizer.json";
/// The settings.
pub const SETTINGS: &str = "settings.toml";
/// The log.
pub const LOG: &str = "log.jsonl";

/// What a run began with beside settings and tokenizer, in the run's own folder.
pub const RUN: &str = "run.json";
/// The newest version of that file.
pub const RUN_VERSION: u32 = 1;
/// Folder of the checkpoints in a run's folder.
pub const FOLDER: &str = "checkpoints";

/// Name of the folder of a checkpoint.
pub fn folder(step: u32) -> String {
    format!("step-{step:06}")
}

/// A file of a checkpoint that cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {reason}")]
pub struct FileError {
    /// Its name.
    pub file: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

/// A tokenizer with the JSON that it was read from: a page reads tokenizers but cannot write them.
#[derive(Clone, Debug)]
pub struct TokenizerFile {
    tokenizer: Tokenizer,
    json: Vec<u8>,
}

impl TokenizerFile {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// As [`Tokenizer::from_bytes`].
    pub fn parse(json: Vec<u8>) -> Result<Self, TokenizerError> {
        Ok(Self { tokenizer: Tokenizer::from_bytes(&json)?, json })
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The tokenizer, without its file.
    pub fn into_tokenizer(self) -> Tokenizer {
        self.tokenizer
    }

    /// Its file.
    pub fn json(&self) -> &[u8] {
        &self.json
    }
}

/// What stays the same in a run.
#[derive(Clone, Debug)]
pub struct Setup {
    /// All settings.
    pub settings: Settings,
    /// The run's tokenizer.
    pub tokenizer: TokenizerFile,
    /// Shader variants: a resumed run computes with the same, so that it ends with the same bits.
    pub variants: kernels::Variants,
}

/// What changes with every step.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The network.
    pub model: model::Checkpoint,
    /// Name and values of each of the optimizer's buffers.
    pub optimizer: Vec<(String, Vec<f32>)>,
    /// Steps, losses, time.
    pub state: State,
    /// What was logged.
    pub log: Log,
}

/// A checkpoint in memory.
#[derive(Clone, Debug)]
pub struct Saved {
    /// What stays the same in a run.
    pub setup: Setup,
    /// Where the training stands.
    pub progress: Progress,
}

impl Saved {
    /// Reads and checks every file; `read` returns the bytes of the file of that name.
    ///
    /// # Errors
    /// Those of `read`, and the first file that is damaged, newer than [`VERSION`], or does not
    /// belong to the others.
    pub fn load<E: From<FileError>>(
        mut read: impl FnMut(&'static str) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let (state, variants) = State::parse(&read(STATE)?)?;
        let model = model::Checkpoint::from_safetensors(&read(MODEL)?).map_err(in_file(MODEL))?;
        let optimizer = optimizer::parse(&read(OPTIMIZER)?, state.step)?;
        let settings = String::from_utf8(read(SETTINGS)?)
            .map_err(|_| FileError { file: SETTINGS, reason: "this is not UTF-8".to_owned() })?;
        let settings = Settings::parse(&settings, &[]).map_err(in_file(SETTINGS))?;
        let tokenizer = TokenizerFile::parse(read(TOKENIZER)?).map_err(in_file(TOKENIZER))?;
        let model::Config { vocab_size, mask_id, .. } = model.config;
        let end_of_text = model.card.end_of_text;
        let checked = tokenizer.tokenizer.check_model(vocab_size as u32, mask_id, end_of_text);
        checked.map_err(in_file(TOKENIZER))?;
        let log = Log::parse(read(LOG)?).map_err(in_file(LOG))?;
        let setup = Setup { settings, tokenizer, variants };
        Ok(Self { setup, progress: Progress { model, optimizer, state, log } })
    }

    /// Hands every file to `write`, one after the other.
    ///
    /// # Errors
    /// Those of `write`, and parameters that are not numbers.
    pub fn store<E: From<FileError>>(
        &self,
        mut write: impl FnMut(&'static str, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let Progress { model, optimizer, state, log } = &self.progress;
        for tensor in model.config.tensors() {
            if !model.values[tensor.range()].iter().all(|value| value.is_finite()) {
                let reason = format!("tensor `{}` holds a value that is not a number", tensor.name);
                return Err(FileError { file: MODEL, reason }.into());
            }
        }
        let weights = model.to_safetensors(Precision::F32).map_err(in_file(MODEL))?;
        write(MODEL, &weights)?;
        drop(weights);
        write(OPTIMIZER, &optimizer::to_bytes(optimizer, state.step)?)?;
        write(STATE, &state.to_json(&self.setup.variants))?;
        write(TOKENIZER, &self.setup.tokenizer.json)?;
        write(SETTINGS, self.setup.settings.to_toml().as_bytes())?;
        write(LOG, log.bytes())
    }
}

/// Makes an error one of `file`.
fn in_file<E: std::error::Error>(file: &'static str) -> impl Fn(E) -> FileError {
    move |error| FileError { file, reason: error.to_string() }
}
