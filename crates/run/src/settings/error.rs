//! Why settings cannot be used.

use std::fmt::Display;

use model::ConfigError;
use optim::OptimizerConfigError;

/// Why settings cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SettingsError {
    /// Not TOML.
    #[error("line {line} is not valid TOML: {reason}")]
    Syntax {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A key that does not exist.
    #[error("unknown key `{key}`{near}")]
    UnknownKey {
        /// The key.
        key: String,
        /// Keys that resemble it, as the end of a sentence.
        near: String,
    },
    /// A key without its section that is in several.
    #[error("the key `{key}` is in more than one section{near}")]
    AmbiguousKey {
        /// The key.
        key: String,
        /// The full keys, as the end of a sentence.
        near: String,
    },
    /// A change that is only a key.
    #[error("the change `{0}` has no value; write it as `train.steps=400`")]
    NoValue(String),
    /// A key that is not there.
    #[error("the key `{0}` is missing")]
    MissingKey(String),
    /// A value of the wrong kind.
    #[error("{0}")]
    Value(String),
    /// A value outside its range.
    #[error("{key} is {value}, it must be {wanted}")]
    Range {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        wanted: String,
    },
    /// A value that a run that has begun cannot change.
    #[error(
        "`{key}` is {kept} in this run and cannot change to {asked}: {reason}; leave it, or begin a new run"
    )]
    Fixed {
        /// The key.
        key: String,
        /// Its value in the run.
        kept: String,
        /// Its value as asked for.
        asked: String,
        /// Why it cannot change.
        reason: &'static str,
    },
    /// A network that cannot be built.
    #[error(transparent)]
    Model(#[from] ConfigError),
    /// An optimizer that cannot work.
    #[error(transparent)]
    Optimizer(#[from] OptimizerConfigError),
}

impl SettingsError {
    pub(super) fn range(key: &'static str, value: impl Display, wanted: impl Into<String>) -> Self {
        Self::Range { key, value: value.to_string(), wanted: wanted.into() }
    }
}
