//! Host side of every operation: its WGSL, its CPU twin, its grid.
