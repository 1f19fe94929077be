//! Which shader variant each operation uses.

use device::{Capabilities, Kernel};
use serde::{Deserialize, Serialize};

use crate::{attention, gemm};

/// A choice of variants; the default runs on every adapter that keeps WebGPU's promises.
///
/// The tile takes any size; the other variants ask for sizes that they divide, and the tile stands in
/// for them elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Variants {
    /// `c = a bᵀ`.
    pub gemm_nt: GemmVariant,
    /// `c = a b`.
    pub gemm_nn: GemmVariant,
    /// `c = aᵀ b`.
    pub gemm_tn: GemmVariant,
    /// Attention, forward and backward.
    pub attention: AttentionVariant,
}

impl Variants {
    /// The same where an adapter with these capabilities can run them, the default elsewhere: a
    /// choice may come from another adapter.
    pub fn on(self, capabilities: &Capabilities) -> Self {
        let gemm = |variant: GemmVariant| {
            if variant.runs_on(capabilities) { variant } else { GemmVariant::default() }
        };
        Self {
            gemm_nt: gemm(self.gemm_nt),
            gemm_nn: gemm(self.gemm_nn),
            gemm_tn: gemm(self.gemm_tn),
            attention: if self.attention.runs_on(capabilities) {
                self.attention
            } else {
                AttentionVariant::default()
            },
        }
    }
}

/// Variants of the matrix product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GemmVariant {
    /// Tiles in workgroup memory: for GPUs.
    #[default]
    Tile,
    /// Registers alone: for drivers on a CPU.
    Direct,
    /// Registers and subgroup broadcast: for drivers on a CPU with subgroups of [`LANES`].
    Subgroup,
}

/// Variants of attention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttentionVariant {
    /// Runs of keys in workgroup memory: for GPUs.
    #[default]
    Tile,
    /// Subgroup broadcast: for drivers on a CPU with subgroups of [`LANES`].
    Subgroup,
}

/// Lanes of a subgroup that the subgroup variants are written for.
pub const LANES: u32 = 8;

impl GemmVariant {
    /// Every variant.
    pub const ALL: [Self; 3] = [Self::Tile, Self::Direct, Self::Subgroup];

    /// Whether an adapter with these capabilities can run it.
    pub fn runs_on(self, capabilities: &Capabilities) -> bool {
        capabilities.meet(&self.kernel().requires)
    }

    pub(crate) fn kernel(self) -> &'static Kernel {
        match self {
            Self::Tile => &gemm::TILE,
            Self::Direct => &gemm::DIRECT,
            Self::Subgroup => &gemm::SUBGROUP,
        }
    }
}

impl AttentionVariant {
    /// Every variant.
    pub const ALL: [Self; 2] = [Self::Tile, Self::Subgroup];

    /// Whether an adapter with these capabilities can run it.
    pub fn runs_on(self, capabilities: &Capabilities) -> bool {
        let forward = match self {
            Self::Tile => &attention::FORWARD,
            Self::Subgroup => &attention::SUBGROUP_FORWARD,
        };
        capabilities.meet(&forward.requires)
    }
}
