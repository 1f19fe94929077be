//! What a network learns to predict.

use std::fmt;
use std::str::FromStr;

use kernels::attention::Mask;
use serde::{Deserialize, Serialize};

use crate::{Config, ConfigError};

/// What a network learns to predict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Objective {
    /// Clean tokens at masked positions (absorbing-state diffusion).
    #[default]
    Masked,
    /// The same, with positions that are masked in spans.
    Span,
    /// Every token from those before it. The input of a position is the token before its own, that
    /// of the first is `[MASK]`: so the likelihood of a text is that of all its tokens.
    Autoregressive,
}

impl Objective {
    /// All objectives.
    pub const ALL: [Self; 3] = [Self::Masked, Self::Span, Self::Autoregressive];

    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Masked => "masked",
            Self::Span => "span",
            Self::Autoregressive => "autoregressive",
        }
    }

    /// Which positions see each other.
    pub const fn attention(self) -> Mask {
        match self {
            Self::Masked | Self::Span => Mask::Full,
            Self::Autoregressive => Mask::Causal,
        }
    }

    /// Whether the input of a position is the token before its own.
    pub const fn shifts(self) -> bool {
        match self {
            Self::Masked | Self::Span => false,
            Self::Autoregressive => true,
        }
    }

    /// Refuses networks that cannot learn this, with a sentence.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(self, config: &Config) -> Result<(), ConfigError> {
        match self {
            Self::Autoregressive if config.timestep_embedding => Err(ConfigError::new(
                "the objective `autoregressive` has no time to tell the network; set model.timestep_embedding to false",
            )),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An objective that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("objective `{0}`")]
pub struct UnknownObjective(String);

impl FromStr for Objective {
    type Err = UnknownObjective;

    fn from_str(name: &str) -> Result<Self, UnknownObjective> {
        let found = Self::ALL.into_iter().find(|objective| objective.name() == name);
        found.ok_or_else(|| UnknownObjective(name.to_owned()))
    }
}
