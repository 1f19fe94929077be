//! Curves and pictures of a denoising.
