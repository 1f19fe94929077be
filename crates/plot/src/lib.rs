//! Curves and pictures of a denoising.

pub mod trace;

pub use trace::{Frame, Piece, State, Trace, TraceError};
