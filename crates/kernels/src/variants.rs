//! Which shader variant each operation uses.

use device::{Capabilities, Kernel};
use serde::{Deserialize, Serialize};

use crate::gemm::Op;
use crate::{attention, gemm};

/// A row of a table of variants: everything that tells one from the others.
#[derive(Debug)]
pub struct Variant<Name: 'static> {
    /// Its name, in settings of runs and in measurements.
    pub name: Name,
    /// Its kernels. What they need of an adapter, [`Kernel::requires`] says.
    pub kernels: &'static [&'static Kernel],
    /// Rows and columns of the result that a workgroup makes.
    pub tile: [usize; 2],
    /// What it divides the sizes of an operation by: others it cannot take.
    pub divides: &'static [usize],
}

impl<Name> Variant<Name> {
    /// Whether an adapter with these capabilities can run it.
    pub fn runs_on(&self, capabilities: &Capabilities) -> bool {
        self.kernels.iter().all(|kernel| capabilities.meet(&kernel.requires))
    }

    /// Whether it takes an operation of these sizes, in the order of `divides`.
    fn takes(&self, sizes: &[usize]) -> bool {
        sizes.iter().zip(self.divides).all(|(size, by)| size.is_multiple_of(*by))
    }
}

/// Names of the variants of an operation, in the order of their table.
pub trait Table: Copy + PartialEq + 'static {
    /// One row per variant. The first takes all sizes and runs on every adapter that keeps WebGPU's
    /// promises: it stands in for the others.
    const ROWS: &'static [Variant<Self>];

    /// The variant for an operation of these sizes.
    fn row(self, sizes: &[usize]) -> &'static Variant<Self> {
        let named = |row: &&Variant<Self>| row.name == self && row.takes(sizes);
        Self::ROWS.iter().find(named).unwrap_or(&Self::ROWS[0])
    }

    /// The variants that an adapter with these capabilities can run.
    fn on(capabilities: &Capabilities) -> impl Iterator<Item = Self> {
        Self::ROWS.iter().filter(|row| row.runs_on(capabilities)).map(|row| row.name)
    }
}

/// The least precise numbers that a matrix product may round its inputs to, the most precise first; it sums
/// up in f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// It rounds nothing.
    #[default]
    F32,
    /// 11 significant bits.
    F16,
}

/// Variants of the matrix product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GemmVariant {
    /// Tiles in workgroup memory: for GPUs.
    #[default]
    Tile,
    /// The same, but the inner dimension of weights' gradients is shared between workgroups: for GPUs
    /// that their few tiles leave idle.
    Split,
    /// Matrix units for matrices of 8 x 8 (Apple), which round inputs to f16; gradients are split.
    Matrix8,
    /// Matrix units for matrices of 16 x 16 (NVIDIA, AMD), likewise.
    Matrix16,
    /// Registers alone: for drivers on a CPU.
    Direct,
    /// Registers and subgroup broadcast: for drivers on a CPU with subgroups of [`LANES`].
    Subgroup,
}

/// Sizes are `[m, n, k]`.
impl Table for GemmVariant {
    const ROWS: &'static [Variant<Self>] = &[
        Variant { name: Self::Tile, kernels: &[&gemm::TILE], tile: [64, 64], divides: &[1, 1, 1] },
        Variant { name: Self::Split, kernels: &[&gemm::TILE], tile: [64, 64], divides: &[1, 1, 1] },
        Variant {
            name: Self::Matrix8,
            kernels: &[&gemm::MATRIX_8],
            tile: [64, 64],
            divides: &[1, 1, 1],
        },
        Variant {
            name: Self::Matrix16,
            kernels: &[&gemm::MATRIX_16],
            tile: [64, 64],
            divides: &[1, 1, 1],
        },
        Variant {
            name: Self::Direct,
            kernels: &[&gemm::DIRECT],
            tile: [16, 64],
            divides: &[16, 64, 4],
        },
        Variant {
            name: Self::Subgroup,
            kernels: &[&gemm::SUBGROUP],
            tile: [64, 64],
            divides: &[64, 64, 4],
        },
    ];
}

impl GemmVariant {
    /// The variants of an operation that an adapter with these capabilities can run, as precise as
    /// they must be.
    pub fn of(
        op: Op,
        capabilities: &Capabilities,
        precision: Precision,
    ) -> impl Iterator<Item = Self> {
        Self::on(capabilities).filter(move |&variant| {
            variant.precision() <= precision && (variant != Self::Split || op == Op::Tn)
        })
    }

    /// What it rounds its inputs to.
    pub fn precision(self) -> Precision {
        match self.row(&[]).kernels[0].requires.matrices {
            Some(_) => Precision::F16,
            None => Precision::F32,
        }
    }

    /// Whether the inner dimension of gradients of weights is shared between workgroups.
    pub(crate) fn splits(self) -> bool {
        matches!(self, Self::Split | Self::Matrix8 | Self::Matrix16)
    }
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

/// The size is the width of a head; kernels are those of the forward pass, of the gradient of queries
/// and of that of keys and values.
impl Table for AttentionVariant {
    const ROWS: &'static [Variant<Self>] = &[
        Variant {
            name: Self::Tile,
            kernels: &[&attention::FORWARD, &attention::BACKWARD_Q, &attention::BACKWARD_KV],
            tile: [64, 1],
            divides: &[1],
        },
        Variant {
            name: Self::Subgroup,
            kernels: &[
                &attention::SUBGROUP_FORWARD,
                &attention::SUBGROUP_BACKWARD_Q,
                &attention::SUBGROUP_BACKWARD_KV,
            ],
            tile: [32, 1],
            divides: &[4],
        },
    ];
}

/// Lanes of a subgroup that the subgroup variants are written for.
pub const LANES: u32 = 8;

/// A choice of variants; the default runs on every adapter that keeps WebGPU's promises.
///
/// The classes that a choice is made for are operations, whatever their sizes: wherever it was
/// measured, the fastest variant of an operation was so at all sizes of a training step (llvmpipe:
/// subgroups; an H200: the tile).
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
    /// One variant for every product.
    pub fn products(variant: GemmVariant) -> Self {
        Self { gemm_nt: variant, gemm_nn: variant, gemm_tn: variant, ..Self::default() }
    }

    /// The same where an adapter with these capabilities can run them, the default elsewhere: a
    /// choice may come from another adapter.
    pub fn on(self, capabilities: &Capabilities) -> Self {
        fn known<Name: Table + Default>(name: Name, capabilities: &Capabilities) -> Name {
            Name::on(capabilities).find(|known| *known == name).unwrap_or_default()
        }
        let gemm = |name: GemmVariant| known(name, capabilities);
        Self {
            gemm_nt: gemm(self.gemm_nt),
            gemm_nn: gemm(self.gemm_nn),
            gemm_tn: gemm(self.gemm_tn),
            attention: known(self.attention, capabilities),
        }
    }
}
