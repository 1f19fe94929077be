//! Handles of device memory.

/// What a buffer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// `f32` in WGSL; `f32` or `f64` on the CPU device.
    Float,
    /// `u32`.
    Word,
}

impl Element {
    /// Size of an element in bytes on a GPU.
    pub const fn size(self) -> u64 {
        match self {
            Self::Float | Self::Word => 4,
        }
    }
}

/// Handle of a buffer that a device owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BufferId(pub(crate) usize);

/// Slices start at a multiple of this many elements: WebGPU promises storage bindings at
/// multiples of 256 bytes.
pub const ALIGNMENT: usize = 64;

/// A contiguous part of a buffer; what a kernel is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The buffer.
    pub buffer: BufferId,
    /// What it holds.
    pub element: Element,
    /// First element, a multiple of [`ALIGNMENT`].
    pub offset: usize,
    /// Number of elements.
    pub len: usize,
}

impl Slice {
    /// Elements `start..start + len` of this slice.
    ///
    /// # Panics
    /// When the part lies outside, or does not start at a multiple of [`ALIGNMENT`].
    pub fn part(self, start: usize, len: usize) -> Self {
        assert!(start + len <= self.len, "part {start}+{len} of {} elements", self.len);
        assert!(start.is_multiple_of(ALIGNMENT), "part starts at {start}, not at a multiple of 64");
        Self { offset: self.offset + start, len, ..self }
    }

    /// Size in bytes on a GPU.
    pub fn bytes(self) -> u64 {
        self.element.size() * self.len as u64
    }

    /// Offset in its buffer, in bytes on a GPU.
    pub(crate) fn byte_offset(self) -> u64 {
        self.element.size() * self.offset as u64
    }
}
