//! What a network learns to predict.

use std::fmt;
use std::str::FromStr;

use kernels::attention::Mask;
use kernels::draw_batch::Noise;
use serde::{Deserialize, Serialize};

use crate::{Config, ConfigError};

/// What a network learns to predict. Files have it as a text, see [`Objective::from_str`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Objective {
    /// Clean tokens at masked positions (absorbing-state diffusion).
    #[default]
    Masked,
    /// The same, with positions that are masked in spans.
    Span,
    /// Every token of a text in which some are replaced by random ones (uniform diffusion: D3PM, arXiv
    /// 2107.03006; UDLM, arXiv 2412.10193). Nobody says which.
    Uniform,
    /// The replaced tokens of such a text alone. What stands at a replaced position says nothing of the
    /// token, so this network learns what to expect from the other positions: the leave-one-out
    /// posterior (arXiv 2605.22765), which [`Objective::Uniform`] has to be asked for.
    Replaced,
    /// Clean tokens at masked positions, in blocks of so many positions (BD3-LM, arXiv 2503.09573): a
    /// block knows its own visible tokens and all of the blocks before it, which are clean.
    Block(usize),
    /// Every token from those before it. The input of a position is the token before its own, that
    /// of the first is `[MASK]`: so the likelihood of a text is that of all its tokens.
    Autoregressive,
}

impl Objective {
    /// Which positions see each other, among those that the network sees in training.
    pub const fn attention(self) -> Mask {
        match self {
            Self::Masked | Self::Span | Self::Uniform | Self::Replaced => Mask::Full,
            Self::Block(block) => Mask::BlockDiffusion(block),
            Self::Autoregressive => Mask::Causal,
        }
    }

    /// Whether the input of a position is the token before its own.
    pub const fn shifts(self) -> bool {
        match self {
            Self::Masked | Self::Span | Self::Uniform | Self::Replaced | Self::Block(_) => false,
            Self::Autoregressive => true,
        }
    }

    /// Positions that the network sees in training of a text of `length` tokens: in block diffusion it
    /// stands there twice, noisy and clean.
    pub const fn positions(self, length: usize) -> usize {
        match self {
            Self::Block(_) => 2 * length,
            _ => length,
        }
    }

    /// Parts of a text of `length` tokens that have noise levels of their own.
    pub const fn parts(self, length: usize) -> usize {
        match self {
            Self::Block(block) => length / block,
            _ => 1,
        }
    }

    /// Whether corrupted tokens are random ones rather than `[MASK]`.
    pub const fn replaces(self) -> bool {
        matches!(self, Self::Uniform | Self::Replaced)
    }

    /// What a corrupted token becomes: `[MASK]`, or any token behind it. The special tokens come first
    /// in a vocabulary, up to `[MASK]`; the end of a text behind it is a token of texts.
    pub fn noise(self, config: &Config) -> Noise {
        let Config { mask_id, vocab_size, .. } = *config;
        if self.replaces() {
            let count = (vocab_size as u32).saturating_sub(mask_id + 1);
            Noise { first: mask_id + 1, count }
        } else {
            Noise { first: mask_id, count: 1 }
        }
    }

    /// Refuses networks that cannot learn this, with a sentence.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(self, config: &Config) -> Result<(), ConfigError> {
        match self {
            Self::Block(block) if block == 0 || !config.block_size.is_multiple_of(block) => {
                Err(ConfigError::new(&format!(
                    "blocks of {block} tokens do not divide the {} tokens that the network sees; set diffusion.block to a divisor of model.block_size",
                    config.block_size
                )))
            }
            Self::Autoregressive if config.timestep_embedding => Err(ConfigError::new(
                "the objective `autoregressive` has no time to tell the network; set model.timestep_embedding to false",
            )),
            Self::Uniform | Self::Replaced if self.noise(config).count < 2 => {
                Err(ConfigError::new(&format!(
                    "the objective `{self}` replaces tokens by any behind [MASK], which is token {} of {}; it needs a vocabulary with at least two there",
                    config.mask_id, config.vocab_size
                )))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Masked => f.write_str("masked"),
            Self::Span => f.write_str("span"),
            Self::Uniform => f.write_str("uniform"),
            Self::Replaced => f.write_str("replaced"),
            Self::Block(block) => write!(f, "block:{block}"),
            Self::Autoregressive => f.write_str("autoregressive"),
        }
    }
}

/// An objective that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("objective `{0}`")]
pub struct UnknownObjective(String);

impl FromStr for Objective {
    type Err = UnknownObjective;

    /// `masked`, `span`, `uniform`, `replaced`, `autoregressive`, or `block:16` with the length of a block.
    fn from_str(name: &str) -> Result<Self, UnknownObjective> {
        let block = || name.strip_prefix("block:")?.parse().ok();
        match name {
            "masked" => Ok(Self::Masked),
            "span" => Ok(Self::Span),
            "uniform" => Ok(Self::Uniform),
            "replaced" => Ok(Self::Replaced),
            "autoregressive" => Ok(Self::Autoregressive),
            _ => block().map(Self::Block).ok_or_else(|| UnknownObjective(name.to_owned())),
        }
    }
}

impl From<Objective> for String {
    fn from(objective: Objective) -> Self {
        objective.to_string()
    }
}

impl TryFrom<String> for Objective {
    type Error = UnknownObjective;

    fn try_from(name: String) -> Result<Self, UnknownObjective> {
        name.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objectives_are_read_as_they_are_written() {
        for objective in [
            Objective::Masked,
            Objective::Span,
            Objective::Uniform,
            Objective::Replaced,
            Objective::Block(16),
            Objective::Autoregressive,
        ] {
            let json = serde_json::to_string(&objective).expect("JSON");
            assert_eq!(json, format!("\"{objective}\""));
            assert_eq!(serde_json::from_str::<Objective>(&json).expect("an objective"), objective);
        }
        assert_eq!(Objective::Block(16).to_string(), "block:16");
        for name in ["block", "block:", "block:x", "block:-1", "Masked", ""] {
            let error = name.parse::<Objective>().expect_err("no objective").to_string();
            assert_eq!(error, format!("objective `{name}`"));
        }
    }

    #[test]
    fn blocks_divide_a_text() {
        let config = Config { block_size: 64, ..Config::reference(97) };
        assert!([1, 4, 16, 64].iter().all(|&block| Objective::Block(block).check(&config).is_ok()));
        for block in [0, 5, 128] {
            let error = Objective::Block(block).check(&config).expect_err("no divisor").to_string();
            let sentence = format!("blocks of {block} tokens do not divide the 64 tokens");
            assert!(error.contains(&sentence), "{error}");
        }
    }
}
