//! Copies between host and GPU.

use super::Gpu;
use crate::{DeviceError, Slice};

impl Gpu {
    /// Writes `bytes` to the beginning of a slice, before the next run.
    pub(crate) fn write(&self, slice: Slice, bytes: &[u8]) -> Result<(), DeviceError> {
        assert!(bytes.len() as u64 <= slice.bytes(), "more bytes than the slice holds");
        self.queue.write_buffer(self.buffer(slice), slice.byte_offset(), bytes);
        self.check()
    }

    /// The bytes of a slice, after all that was sent before.
    pub(crate) async fn read(&self, slice: Slice) -> Result<Vec<u8>, DeviceError> {
        self.read_buffer(self.buffer(slice), slice.byte_offset(), slice.bytes()).await
    }

    /// The bytes of several slices, one after the other, in one copy and one wait.
    pub(crate) async fn read_all(&self, slices: &[Slice]) -> Result<Vec<u8>, DeviceError> {
        let parts =
            slices.iter().map(|&slice| (self.buffer(slice), slice.byte_offset(), slice.bytes()));
        self.read_parts(&parts.collect::<Vec<_>>()).await
    }

    pub(super) async fn read_buffer(
        &self,
        source: &wgpu::Buffer,
        offset: u64,
        size: u64,
    ) -> Result<Vec<u8>, DeviceError> {
        self.read_parts(&[(source, offset, size)]).await
    }

    /// Parts of buffers (offset and size in bytes), one after the other.
    async fn read_parts(
        &self,
        parts: &[(&wgpu::Buffer, u64, u64)],
    ) -> Result<Vec<u8>, DeviceError> {
        let size = parts.iter().map(|(_, _, size)| size).sum();
        let staging = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("staging"),
            size,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder = self.device.create_command_encoder(&Default::default());
        let mut at = 0;
        for &(source, offset, size) in parts {
            encoder.copy_buffer_to_buffer(source, offset, &staging, at, size);
            at += size;
        }
        self.queue.submit([encoder.finish()]);
        let (sender, receiver) = futures_channel::oneshot::channel();
        staging.map_async(wgpu::MapMode::Read, .., move |result| {
            // The receiver is gone only when the caller gave up waiting.
            let _ = sender.send(result);
        });
        let lost = |reason: String| DeviceError::Lost(reason);
        // Natively this waits and calls back; in a browser the event loop does.
        self.device
            .poll(wgpu::PollType::wait_indefinitely())
            .map_err(|error| lost(error.to_string()))?;
        let mapped = receiver.await.map_err(|_| lost("no answer".to_owned()))?;
        self.check()?;
        mapped.map_err(|error| lost(error.to_string()))?;
        let range = staging.get_mapped_range(..).map_err(|error| lost(error.to_string()))?;
        Ok(range.to_vec())
    }
}
