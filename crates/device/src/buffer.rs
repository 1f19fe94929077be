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
pub struct BufferId {
    pub(crate) device: DeviceId,
    pub(crate) index: usize,
}

/// Tells a device from all others that exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DeviceId(usize);

/// What a device is known by: something on the heap, whose address no other has while it lives.
#[derive(Debug, Default)]
pub(crate) struct Identity(Box<u8>);

impl Identity {
    pub(crate) fn id(&self) -> DeviceId {
        DeviceId(std::ptr::from_ref(&*self.0).addr())
    }

    /// The place of a buffer among those of this device.
    ///
    /// # Panics
    /// When the buffer belongs to another device.
    pub(crate) fn index_of(&self, slice: Slice) -> usize {
        assert!(slice.buffer.device == self.id(), "{slice:?} belongs to another device");
        slice.buffer.index
    }
}

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

#[cfg(test)]
mod tests {
    use crate::{Device, DeviceError};

    #[test]
    fn a_buffer_is_used_on_its_device() -> Result<(), DeviceError> {
        let (mut device, mut other) = (Device::cpu(), Device::cpu());
        let (mine, _) = (device.floats("mine", &[1.0])?, other.floats("other", &[2.0])?);
        // Devices may move.
        let mut device = Box::new(device);
        device.write_floats(mine, &[3.0])?;
        assert_eq!(pollster::block_on(device.read_floats(mine))?, [3.0]);
        Ok(())
    }

    #[test]
    #[should_panic(expected = "belongs to another device")]
    fn a_buffer_of_another_device_is_refused() {
        let (mut device, mut other) = (Device::cpu(), Device::cpu());
        let mine = device.floats("mine", &[1.0]).expect("it fits");
        other.floats("other", &[2.0]).expect("it fits");
        other.write_floats(mine, &[3.0]).expect("refused before");
    }
}
