//! Curves and pictures of a denoising.
//!
//! A [`Trace`] records a denoising, [`layout`] turns a frame of it into shapes ([`draw`]), and the
//! shapes become pixels natively (feature `raster`), on a canvas in the page, or an SVG file.
//! [`replay`] makes a web page of its own that plays a trace.

mod caption;
mod clock;
pub mod compare;
pub mod curve;
pub mod draw;
#[cfg(feature = "gif")]
pub mod gif;
pub mod layout;
#[cfg(feature = "raster")]
pub mod raster;
pub mod replay;
pub mod svg;
pub mod tensorboard;
pub mod terminal;
pub mod theme;
pub mod trace;
mod wrap;

pub use clock::Clock;
pub use trace::{Frame, Piece, State, Trace, TraceError};
