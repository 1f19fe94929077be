//! A device without memory, which counts what another would need.

use crate::{BufferId, Capabilities, Element, Identity, Slice};

/// Takes the same calls as the device that it stands for, holds nothing and computes nothing: what is
/// allocated on it is counted.
#[derive(Debug)]
pub struct Plan {
    pub(crate) identity: Identity,
    pub(crate) capabilities: Capabilities,
    pub(crate) name: String,
    buffers: usize,
    pub(crate) memory: u64,
}

impl Plan {
    pub(crate) fn new(capabilities: Capabilities, name: String) -> Self {
        Self { identity: Identity::default(), capabilities, name, buffers: 0, memory: 0 }
    }

    pub(crate) fn allocate(&mut self, element: Element, len: usize) -> Slice {
        let buffer = BufferId { device: self.identity.id(), index: self.buffers };
        let slice = Slice { buffer, element, offset: 0, len };
        self.buffers += 1;
        self.memory += slice.bytes();
        slice
    }
}
