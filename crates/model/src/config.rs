//! Sizes of the network.

use std::ops::Not;

use kernels::draw_batch::MAX_LEVELS;
use kernels::gate::GATE_CHANNELS;
use serde::{Deserialize, Serialize};

use crate::TensorInfo;

/// Sizes of the network; every one is fixed when it is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Number of blocks.
    pub n_layer: usize,
    /// Attention heads per block.
    pub n_head: usize,
    /// Width of the residual stream (C).
    pub n_embd: usize,
    /// Longest sequence, in tokens (L).
    pub block_size: usize,
    /// Number of tokens (V).
    pub vocab_size: usize,
    /// Diffusion steps (T).
    pub timesteps: usize,
    /// Id of the token `[MASK]`.
    pub mask_id: u32,
    /// Whether an embedding of T + 1 rows tells the network the time; without it the share of
    /// `[MASK]` has to. Files that do not say have one.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub timestep_embedding: bool,
    /// Whether the values of every block are mixed with those of the first one by a learned weight.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub value_mixing: bool,
    /// Whether the normalised embedding is added to the residual stream before every block by
    /// learned weights.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub embedding_shortcut: bool,
    /// Whether outputs of the blocks of the first half are added before those of the second half
    /// by learned weights, as in a U-Net.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub skips: bool,
    /// Whether learned gates scale the heads' outputs.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub head_gates: bool,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_yes(value: &bool) -> bool {
    *value
}

/// Why no network of these sizes can be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("impossible model: {0}")]
pub struct ConfigError(String);

impl ConfigError {
    pub(crate) fn new(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}

impl Config {
    /// The seed's network: 6 layers, 6 heads, 384 wide, 256 tokens, 100 steps.
    pub const fn reference(vocab_size: usize) -> Self {
        Self {
            n_layer: 6,
            n_head: 6,
            n_embd: 384,
            block_size: 256,
            vocab_size,
            timesteps: 100,
            mask_id: 2,
            timestep_embedding: true,
            value_mixing: false,
            embedding_shortcut: false,
            skips: false,
            head_gates: false,
        }
    }

    /// Width of a head (D).
    pub const fn head_dim(&self) -> usize {
        self.n_embd / self.n_head
    }

    /// Number of parameters.
    pub fn parameters(&self) -> usize {
        self.tensors().iter().map(TensorInfo::len).sum()
    }

    /// Refuses sizes that cannot be built, with a sentence that says which and why.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let fail = |reason: String| Err(ConfigError(reason));
        let counts = [
            ("n_layer", self.n_layer, 1_000),
            ("n_head", self.n_head, 1_000),
            ("n_embd", self.n_embd, 65_536),
            ("block_size", self.block_size, 65_536),
            ("vocab_size", self.vocab_size, 1_000_000),
            ("timesteps", self.timesteps, MAX_LEVELS),
        ];
        for (name, value, most) in counts {
            if value == 0 || value > most {
                return fail(format!("{name} is {value}, it must be between 1 and {most}"));
            }
        }
        if !self.n_embd.is_multiple_of(8) {
            return fail(format!("n_embd is {}, it must be a multiple of 8", self.n_embd));
        }
        if !self.n_embd.is_multiple_of(self.n_head) {
            let Self { n_embd, n_head, .. } = self;
            return fail(format!("n_embd {n_embd} is not a multiple of n_head {n_head}"));
        }
        if !self.head_dim().is_multiple_of(4) || self.head_dim() > 128 {
            let head_dim = self.head_dim();
            return fail(format!(
                "n_embd / n_head is {head_dim}, it must be a multiple of 4 and at most 128 (heads are read four channels at a time)"
            ));
        }
        if self.head_gates && self.n_embd < GATE_CHANNELS {
            return fail(format!(
                "head_gates read {GATE_CHANNELS} channels, and n_embd is {}",
                self.n_embd
            ));
        }
        if self.mask_id as usize >= self.vocab_size {
            let Self { mask_id, vocab_size, .. } = self;
            return fail(format!("mask_id {mask_id} is not below vocab_size {vocab_size}"));
        }
        // In a browser addresses have 32 bits.
        let wide = |n: usize| n as u128;
        let mut parameters = 0;
        self.declare(|names, [rows, columns], _| {
            parameters += wide(names.len()) * wide(rows) * wide(columns);
        });
        let values = [
            ("its parameters", parameters),
            ("the logits of a block", wide(self.block_size) * wide(self.vocab_size)),
            ("a hidden layer of a block", 4 * wide(self.block_size) * wide(self.n_embd)),
        ];
        for (what, count) in values {
            if 4 * count > isize::MAX as u128 {
                return fail(format!("{what} are {count} numbers, more than fit into memory here"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_counts_of_the_seed() {
        assert_eq!(Config::reference(2048).parameters(), 12_228_480);
        assert_eq!(Config::reference(66).parameters(), 10_706_304);
    }

    #[test]
    fn impossible_sizes_are_named() {
        let error = |change: fn(&mut Config)| {
            let mut config = Config::reference(2048);
            change(&mut config);
            config.validate().unwrap_err().to_string()
        };
        assert!(error(|c| c.n_layer = 0).contains("n_layer is 0"));
        assert!(error(|c| c.n_embd = 100).contains("multiple of 8"));
        assert!(error(|c| c.n_head = 5).contains("n_head 5"));
        let narrow = error(|c| (c.n_embd, c.n_head, c.head_gates) = (8, 1, true));
        assert!(narrow.contains("head_gates read 12 channels, and n_embd is 8"), "{narrow}");
        assert!(error(|c| c.n_head = 384).contains("must be a multiple of 4"));
        assert!(error(|c| c.n_head = 64).contains("n_embd / n_head is 6"));
        // More cannot be drawn: see `draw_batch`.
        assert!(error(|c| c.timesteps = 65_536).contains("timesteps is 65536"));
        assert!(error(|c| c.mask_id = 4096).contains("mask_id 4096"));
        assert!(Config::reference(2048).validate().is_ok());
    }
}
