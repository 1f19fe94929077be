//! What the host knows about a WGSL file.

use crate::{Element, Real};

/// How a kernel uses a storage buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `var<storage, read>`
    Read,
    /// `var<storage, read_write>`
    Write,
}

/// One storage buffer of a kernel, in the order of its `@binding` number (from 1 on).
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// Name of the WGSL variable.
    pub name: &'static str,
    /// How the kernel uses it.
    pub access: Access,
    /// What it holds.
    pub element: Element,
}

/// A buffer of floats that the kernel only reads.
pub const fn floats(name: &'static str) -> Binding {
    Binding { name, access: Access::Read, element: Element::Float }
}

/// A buffer of words that the kernel only reads.
pub const fn words(name: &'static str) -> Binding {
    Binding { name, access: Access::Read, element: Element::Word }
}

/// A buffer of floats that the kernel writes.
pub const fn floats_mut(name: &'static str) -> Binding {
    Binding { name, access: Access::Write, element: Element::Float }
}

/// A buffer of words that the kernel writes.
pub const fn words_mut(name: &'static str) -> Binding {
    Binding { name, access: Access::Write, element: Element::Word }
}

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
    /// The floats of a [`floats`] binding.
    pub fn floats(self) -> &'a [E] {
        match self {
            Self::Floats(slice) => slice,
            _ => panic!("the twin asks for floats to read, the kernel declares something else"),
        }
    }

    /// The floats of a [`floats_mut`] binding.
    pub fn floats_mut(self) -> &'a mut [E] {
        match self {
            Self::FloatsMut(slice) => slice,
            _ => panic!("the twin asks for floats to write, the kernel declares something else"),
        }
    }

    /// The words of a [`words`] binding.
    pub fn words(self) -> &'a [u32] {
        match self {
            Self::Words(slice) => slice,
            _ => panic!("the twin asks for words to read, the kernel declares something else"),
        }
    }

    /// The words of a [`words_mut`] binding.
    pub fn words_mut(self) -> &'a mut [u32] {
        match self {
            Self::WordsMut(slice) => slice,
            _ => panic!("the twin asks for words to write, the kernel declares something else"),
        }
    }
}

/// What a CPU twin is called with: the params uniform and the bound buffers.
#[derive(Debug)]
pub struct Args<'a, E> {
    pub(crate) params: &'a [u8],
    pub(crate) buffers: Vec<Arg<'a, E>>,
}

impl<'a, E> Args<'a, E> {
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

/// The CPU form of a kernel: one generic function, in both precisions. Made by [`crate::twin!`].
#[derive(Clone, Copy, Debug)]
pub struct Twin {
    /// What the CPU device runs.
    pub f32: fn(Args<'_, f32>),
    /// The oracle of the tests. It is no part of the page: a sixth of its bytes would be this.
    #[cfg(not(target_arch = "wasm32"))]
    pub f64: fn(Args<'_, f64>),
}

/// The [`Twin`] that a generic function is.
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

/// The files that `#import NAME` can name.
pub type Sources = &'static [(&'static str, &'static str)];

/// Values for the `const NAME: u32 = ...;` lines of a kernel.
pub type Constants = Vec<(&'static str, u32)>;

/// The host's declaration of one WGSL file: entry point `main`, the uniform `params` at
/// binding 0, and storage buffers from binding 1 on.
#[derive(Debug)]
pub struct Kernel {
    /// File name without `.wgsl`; also the label in traces and profiles.
    pub name: &'static str,
    /// Text of the file, imports not yet expanded.
    pub source: &'static str,
    /// Files that it may import.
    pub imports: Sources,
    /// Storage buffers of bindings 1, 2, ...
    pub bindings: &'static [Binding],
    /// Size of the uniform at binding 0, in bytes.
    pub params_size: usize,
    /// Whether the shader uses subgroup operations: native only, never a default.
    pub subgroups: bool,
    /// The same computation on the CPU.
    pub twin: Twin,
}

/// Why a kernel's source could not be put together.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum SourceError {
    /// `#import` of a file that is not registered.
    #[error("unknown import `{0}`")]
    UnknownImport(String),
    /// A constant to replace is missing, or declared more than once.
    #[error("expected exactly one `const {name}: u32`, found {found}")]
    Constant {
        /// Name of the constant.
        name: String,
        /// How many declarations there were.
        found: usize,
    },
}

impl Kernel {
    /// Expands `#import` lines and replaces the values of top-level `u32` constants: the only
    /// preprocessing our WGSL gets.
    pub fn assemble(&self, constants: &[(&str, u32)]) -> Result<String, SourceError> {
        let mut text = String::new();
        for line in self.source.lines() {
            if let Some(name) = line.strip_prefix("#import ") {
                let (_, imported) = self
                    .imports
                    .iter()
                    .find(|(known, _)| *known == name.trim())
                    .ok_or_else(|| SourceError::UnknownImport(name.trim().to_owned()))?;
                text.push_str(imported);
            } else {
                text.push_str(line);
            }
            text.push('\n');
        }
        for (name, value) in constants {
            text = replace_constant(&text, name, *value)?;
        }
        Ok(text)
    }
}

fn replace_constant(text: &str, name: &str, value: u32) -> Result<String, SourceError> {
    let declaration = format!("const {name}: u32 = ");
    let found = text.lines().filter(|line| line.starts_with(&declaration)).count();
    if found != 1 {
        return Err(SourceError::Constant { name: name.to_owned(), found });
    }
    let lines = text.lines().map(|line| {
        if line.starts_with(&declaration) {
            format!("{declaration}{value}u;\n")
        } else {
            format!("{line}\n")
        }
    });
    Ok(lines.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernel(source: &'static str) -> Kernel {
        fn nothing<E>(_: Args<'_, E>) {}
        Kernel {
            name: "test",
            source,
            imports: &[("tile", "fn tile() {}")],
            bindings: &[],
            params_size: 0,
            subgroups: false,
            twin: twin!(nothing),
        }
    }

    #[test]
    fn imports_and_constants_are_replaced() {
        let text = kernel("#import tile\nconst WIDTH: u32 = 8u;\n").assemble(&[("WIDTH", 16)]);
        assert_eq!(text.unwrap(), "fn tile() {}\nconst WIDTH: u32 = 16u;\n");
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = kernel("#import nowhere").assemble(&[]).unwrap_err();
        assert_eq!(error.to_string(), "unknown import `nowhere`");
        let error = kernel("fn main() {}").assemble(&[("WIDTH", 1)]).unwrap_err();
        assert_eq!(error.to_string(), "expected exactly one `const WIDTH: u32`, found 0");
    }
}
