//! Matrix products of the CPU twins.

#[cfg(not(target_arch = "wasm32"))]
mod library;
mod matrix;
#[cfg(any(target_arch = "wasm32", test))]
mod tiles;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use library::{multiply, multiply_shared};
pub(crate) use matrix::Matrix;
#[cfg(target_arch = "wasm32")]
pub(crate) use tiles::{multiply, multiply_shared};
