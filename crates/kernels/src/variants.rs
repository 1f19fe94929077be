//! Which shader variant each operation uses.

use serde::{Deserialize, Serialize};

/// A choice of variants; the default runs on every adapter that keeps WebGPU's promises.
///
/// The tile takes any size; the other variants ask for sizes that they divide, and the tile stands in
/// for them elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
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

    /// Whether it runs on an adapter whose subgroups have that many lanes.
    pub fn runs_with(self, subgroup: Option<u32>) -> bool {
        self != Self::Subgroup || subgroup == Some(LANES)
    }
}

impl AttentionVariant {
    /// Every variant.
    pub const ALL: [Self; 2] = [Self::Tile, Self::Subgroup];

    /// Whether it runs on an adapter whose subgroups have that many lanes.
    pub fn runs_with(self, subgroup: Option<u32>) -> bool {
        self != Self::Subgroup || subgroup == Some(LANES)
    }
}
