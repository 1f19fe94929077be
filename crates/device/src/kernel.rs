//! The host's view of a WGSL file.

use crate::{Binding, Buffers, Field, Params, Requirements, Twin};

/// The files that `#import NAME` can name.
pub type Sources = &'static [(&'static str, &'static str)];

/// Values for the `const NAME: u32 = ...;` lines of a kernel.
pub type Constants = Vec<(&'static str, u32)>;

/// The host's declaration of one WGSL file: entry point `main`, the uniform `params` at
/// binding 0, and storage buffers from binding 1 on.
#[derive(Debug)]
#[non_exhaustive]
pub struct Kernel {
    /// File name without `.wgsl`; also the label in traces and profiles.
    pub name: &'static str,
    /// Text of the file, imports not yet expanded.
    pub source: &'static str,
    /// Files that it may import.
    pub imports: Sources,
    /// Storage buffers of bindings 1, 2, ...
    pub bindings: &'static [Binding],
    /// Fields of the uniform at binding 0.
    pub params: &'static [Field],
    /// What an adapter must have to run it; only variants beside a default need anything.
    pub requires: Requirements,
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
    /// A kernel with params `P` and buffers `B` that runs on every adapter.
    pub const fn new<P: Params, B: Buffers>(
        name: &'static str,
        source: &'static str,
        imports: Sources,
        twin: Twin,
    ) -> Self {
        Self {
            name,
            source,
            imports,
            bindings: B::BINDINGS,
            params: P::FIELDS,
            requires: Requirements::NONE,
            twin,
        }
    }

    /// The same, for adapters that have what it requires.
    pub const fn requires(mut self, requires: Requirements) -> Self {
        self.requires = requires;
        self
    }

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
    use crate::{Args, twin};

    crate::params! {
        struct Size { size: u32 }
    }

    crate::buffers! {
        struct Output { out: floats_mut }
    }

    fn kernel(source: &'static str) -> Kernel {
        fn nothing<E>(_: Args<'_, E>) {}
        Kernel::new::<Size, Output>("test", source, &[("tile", "fn tile() {}")], twin!(nothing))
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
