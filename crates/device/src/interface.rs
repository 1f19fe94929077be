//! The interface between host and shader: storage buffers and the params uniform.

use crate::{Element, Slice};

/// How a kernel uses a storage buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `var<storage, read>`
    Read,
    /// `var<storage, read_write>`
    Write,
}

/// One storage buffer of a kernel, in the order of its `@binding` number (from 1 on).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// Named slices for all storage buffers of a kernel. Made by [`crate::buffers!`].
pub trait Buffers: Copy {
    /// Declarations, in the order of `@binding`.
    const BINDINGS: &'static [Binding];

    /// The slices, in the same order.
    fn slices(self) -> Vec<Slice>;
}

/// Declares a struct of [`Slice`]s whose fields are the storage buffers of a kernel, under the
/// names of the WGSL variables and in the order of their bindings. Fields are [`floats`],
/// [`words`], [`floats_mut`] or [`words_mut`].
#[macro_export]
macro_rules! buffers {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $($(#[$field_meta:meta])* $field:ident: $kind:ident),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        $vis struct $name {
            $($(#[$field_meta])* $vis $field: $crate::Slice),+
        }

        impl $crate::Buffers for $name {
            const BINDINGS: &'static [$crate::Binding] = &[$($crate::$kind(stringify!($field))),+];

            fn slices(self) -> Vec<$crate::Slice> {
                vec![$(self.$field),+]
            }
        }
    };
}

/// Most bytes of a params uniform: WebGPU guarantees uniform bindings at multiples of 256 bytes,
/// and every launch gets one such place.
pub const MAX_PARAMS_SIZE: usize = 256;

/// A field of a params uniform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, the same in Rust and WGSL.
    pub name: &'static str,
    /// Its type.
    pub element: Element,
}

/// A type of [`Field`].
pub trait Scalar {
    /// What it is in WGSL.
    const ELEMENT: Element;
}

impl Scalar for f32 {
    const ELEMENT: Element = Element::Float;
}

impl Scalar for u32 {
    const ELEMENT: Element = Element::Word;
}

/// The uniform at binding 0. Made by [`crate::params!`].
pub trait Params: bytemuck::Pod {
    /// Its fields, in order.
    const FIELDS: &'static [Field];
}

/// Declares the params uniform of a kernel: a struct of `u32` and `f32`, in the order of the WGSL
/// struct.
#[macro_export]
macro_rules! params {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $($(#[$field_meta:meta])* $field:ident: $type:ty),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
        $vis struct $name {
            $($(#[$field_meta])* $field: $type),+
        }

        impl $crate::Params for $name {
            const FIELDS: &'static [$crate::Field] = &[$($crate::Field {
                name: stringify!($field),
                element: <$type as $crate::Scalar>::ELEMENT,
            }),+];
        }

        const _: () = assert!(size_of::<$name>() <= $crate::MAX_PARAMS_SIZE, "params are too large");
    };
}
