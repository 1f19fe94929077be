//! The CPU side of a kernel.

use crate::Real;

/// The bound part of one buffer, as a CPU twin sees it.
#[derive(Debug)]
pub enum Arg<'a, E> {
    /// Floats to read.
    Floats(&'a [E]),
    /// Floats to write.
    FloatsMut(&'a mut [E]),
    /// Words to read.
    Words(&'a [u32]),
    /// Words to write.
    WordsMut(&'a mut [u32]),
}

impl<'a, E> Arg<'a, E> {
    /// The floats of a [`crate::floats`] binding.
    pub fn floats(self) -> &'a [E] {
        match self {
            Self::Floats(slice) => slice,
            _ => panic!("the twin asks for floats to read, the kernel declares something else"),
        }
    }

    /// The floats of a [`crate::floats_mut`] binding.
    pub fn floats_mut(self) -> &'a mut [E] {
        match self {
            Self::FloatsMut(slice) => slice,
            _ => panic!("the twin asks for floats to write, the kernel declares something else"),
        }
    }

    /// The words of a [`crate::words`] binding.
    pub fn words(self) -> &'a [u32] {
        match self {
            Self::Words(slice) => slice,
            _ => panic!("the twin asks for words to read, the kernel declares something else"),
        }
    }

    /// The words of a [`crate::words_mut`] binding.
    pub fn words_mut(self) -> &'a mut [u32] {
        match self {
            Self::WordsMut(slice) => slice,
            _ => panic!("the twin asks for words to write, the kernel declares something else"),
        }
    }
}

/// Arguments of a CPU twin: the params uniform, the compile-time constants and the bound buffers.
#[derive(Debug)]
pub struct Args<'a, E> {
    pub(crate) params: &'a [u8],
    pub(crate) constants: &'a [(&'static str, u32)],
    pub(crate) buffers: Vec<Arg<'a, E>>,
}

impl<'a, E> Args<'a, E> {
    /// The value that the launch gives the constant `name`.
    ///
    /// # Panics
    /// When the launch does not set it: a twin cannot see the default in the WGSL.
    pub fn constant(&self, name: &str) -> u32 {
        let found = self.constants.iter().find(|(known, _)| *known == name);
        found.unwrap_or_else(|| panic!("the launch does not set the constant {name}")).1
    }

    /// A compile-time constant, or the value that it has in the WGSL where the launch does not set it.
    pub fn constant_or(&self, name: &str, in_wgsl: u32) -> u32 {
        self.constants.iter().find(|(known, _)| *known == name).map_or(in_wgsl, |(_, value)| *value)
    }

    /// The uniform at binding 0 and the buffers of bindings 1 to `N`.
    ///
    /// # Panics
    /// When the kernel declares another size of params or number of bindings.
    pub fn take<P: bytemuck::AnyBitPattern, const N: usize>(self) -> (P, [Arg<'a, E>; N]) {
        let count = self.buffers.len();
        let buffers = self.buffers.try_into().unwrap_or_else(|_| {
            panic!("the twin takes {N} buffers, the kernel declares {count}");
        });
        (bytemuck::pod_read_unaligned(self.params), buffers)
    }
}

/// A kernel on the CPU: one generic function, in both precisions. Made by [`crate::twin!`].
#[derive(Clone, Copy, Debug)]
pub struct Twin {
    /// Runs on the CPU device.
    pub f32: fn(Args<'_, f32>),
    /// Runs on the oracle of the tests. Left out of wasm builds, where it would be a sixth of the
    /// binary.
    #[cfg(not(target_arch = "wasm32"))]
    pub f64: fn(Args<'_, f64>),
}

/// Makes a [`Twin`] of a function that is generic over [`Real`].
#[macro_export]
macro_rules! twin {
    ($function:path) => {
        $crate::Twin {
            f32: $function,
            #[cfg(not(target_arch = "wasm32"))]
            f64: $function,
        }
    };
}

/// Chooses between the two precisions of a [`Twin`].
pub(crate) trait RunTwin: Real {
    fn twin(twin: &Twin) -> fn(Args<'_, Self>);
}

impl RunTwin for f32 {
    fn twin(twin: &Twin) -> fn(Args<'_, Self>) {
        twin.f32
    }
}

impl RunTwin for f64 {
    #[cfg(not(target_arch = "wasm32"))]
    fn twin(twin: &Twin) -> fn(Args<'_, Self>) {
        twin.f64
    }

    #[cfg(target_arch = "wasm32")]
    fn twin(_: &Twin) -> fn(Args<'_, Self>) {
        panic!("the oracle is for tests, which do not run in a browser")
    }
}
