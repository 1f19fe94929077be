//! What an adapter can do, and what a kernel needs of it.

use std::fmt;

/// What a device can do beyond the limits that WebGPU guarantees to every page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Lanes of a subgroup, where subgroup operations are available and the size is fixed.
    pub subgroup_size: Option<u32>,
    /// Whether shaders may compute with `f16`.
    pub f16: bool,
    /// Matrix units.
    pub matrices: MatrixUnits,
    /// Whether launches can be timed on the device.
    pub timestamps: bool,
    /// Largest part of a buffer that a kernel can be bound to, in bytes.
    pub max_binding_size: u64,
    /// Largest buffer, in bytes.
    pub max_buffer_size: u64,
    /// Most workgroups of a launch along each dimension of its grid.
    pub max_workgroups: u32,
}

/// Units that multiply square matrices of `f16` and sum up in `f32` (cooperative matrices, tensor cores),
/// by the side of the matrices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MatrixUnits {
    /// 8 x 8.
    pub eight: bool,
    /// 16 x 16.
    pub sixteen: bool,
}

impl MatrixUnits {
    /// Whether there are any of this side.
    pub const fn have(self, side: u32) -> bool {
        match side {
            8 => self.eight,
            16 => self.sixteen,
            _ => false,
        }
    }
}

/// What a kernel needs beyond the limits that WebGPU guarantees; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    /// Subgroup operations, with exactly this many lanes.
    pub subgroup_size: Option<u32>,
    /// `enable f16;`
    pub f16: bool,
    /// Matrix units for matrices of this side, and subgroups of any fixed size, which
    /// the constant `LANES` is set to.
    pub matrices: Option<u32>,
}

impl Requirements {
    /// Runs on every adapter.
    pub const NONE: Self = Self { subgroup_size: None, f16: false, matrices: None };

    /// Matrix units for matrices of this side.
    pub const fn matrices(side: u32) -> Self {
        Self { f16: true, matrices: Some(side), ..Self::NONE }
    }

    /// Subgroup operations with `lanes` lanes.
    pub const fn subgroups(lanes: u32) -> Self {
        Self { subgroup_size: Some(lanes), ..Self::NONE }
    }
}

/// What an adapter lacks for a kernel: the first requirement that is not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Subgroups of another size, of varying size, or none.
    Subgroups {
        /// Lanes that the kernel needs.
        needed: u32,
        /// Lanes that the adapter has, if the number is fixed.
        available: Option<u32>,
    },
    /// No `f16`.
    F16,
    /// No matrix units of this side, or no subgroups of a fixed size to share them.
    Matrices(u32),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subgroups { needed, available: Some(available) } => {
                write!(f, "subgroups of {needed} lanes (the adapter's have {available})")
            }
            Self::Subgroups { needed, available: None } => {
                write!(f, "subgroups of {needed} lanes (the adapter has none of a fixed size)")
            }
            Self::F16 => f.write_str("16-bit floats in shaders"),
            Self::Matrices(side) => write!(f, "units for matrices of {side} x {side}"),
        }
    }
}

impl Capabilities {
    /// The first thing that `needs` asks for and that is not there.
    pub fn missing(&self, needs: &Requirements) -> Option<Missing> {
        match needs.subgroup_size {
            Some(needed) if self.subgroup_size != Some(needed) => {
                Some(Missing::Subgroups { needed, available: self.subgroup_size })
            }
            _ if needs.f16 && !self.f16 => Some(Missing::F16),
            _ => needs
                .matrices
                .filter(|&side| !self.matrices.have(side) || self.subgroup_size.is_none())
                .map(Missing::Matrices),
        }
    }

    /// Whether everything that `needs` asks for is there.
    pub fn meet(&self, needs: &Requirements) -> bool {
        self.missing(needs).is_none()
    }
}
