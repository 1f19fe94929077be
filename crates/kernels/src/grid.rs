//! Sizes of grids, and of what a thread of the CPU device takes.

/// Invocations of a workgroup in kernels with one invocation per element.
pub(crate) const WORKGROUP: usize = 256;

/// Elements that a thread of the CPU device takes at a time in such kernels.
pub(crate) const CHUNK: usize = 16_384;

/// WebGPU's limit of workgroups per dimension.
const MOST: usize = 65_535;

/// One invocation per element; `shaders/common/elements.wgsl` finds the element.
pub(crate) fn elements(count: usize) -> [u32; 3] {
    fold(count.div_ceil(WORKGROUP))
}

/// `count` workgroups, folded into y where they do not fit x.
pub(crate) fn fold(count: usize) -> [u32; 3] {
    let y = count.div_ceil(MOST);
    [count.div_ceil(y) as u32, y as u32, 1]
}

/// Invocations that share a row of `width` elements: a power of two, 32 to 256.
pub(crate) fn per_row(width: usize) -> u32 {
    (width as u32).next_power_of_two().clamp(32, 256)
}
