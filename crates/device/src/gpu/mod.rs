//! Runs recordings through wgpu.

mod adapter;
mod pace;
mod pipeline;
mod program;
mod transfer;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

pub use adapter::{AdapterChoice, AdapterSummary};
pub(crate) use program::GpuProgram;

use pace::Pace;
use web_time::Instant;

use crate::{BufferId, DeviceError, Element, Identity, Slice};
use pipeline::PipelineKey;

/// A wgpu device with its buffers and compiled kernels.
#[derive(Debug)]
pub struct Gpu {
    pub(crate) identity: Identity,
    device: wgpu::Device,
    queue: wgpu::Queue,
    summary: AdapterSummary,
    buffers: Vec<wgpu::Buffer>,
    pipelines: HashMap<PipelineKey, wgpu::ComputePipeline>,
    memory: u64,
    fault: Arc<Mutex<Option<DeviceError>>>,
    pace: Arc<Mutex<Pace>>,
}

impl Gpu {
    /// Opens an adapter.
    pub async fn open(choice: &AdapterChoice) -> Result<Self, DeviceError> {
        Self::open_nth(choice, 0).await
    }

    /// The same with number `nth` of the adapters that are meant, beginning again behind the last.
    pub async fn open_nth(choice: &AdapterChoice, nth: usize) -> Result<Self, DeviceError> {
        let adapter = adapter::find(choice, nth).await?;
        let (device, queue) = adapter::request_device(&adapter).await?;
        let summary = AdapterSummary::of(&adapter, &device);
        log::info!("adapter: {summary}");
        // The first fault is kept and returned by the next call; wgpu would panic otherwise.
        let fault = Arc::new(Mutex::new(None));
        let keep = Arc::clone(&fault);
        device.on_uncaptured_error(Arc::new(move |error| {
            log::error!("{error}");
            let error = match error {
                wgpu::Error::OutOfMemory { source } => DeviceError::OutOfMemory(source.to_string()),
                other => DeviceError::Refused(other.to_string()),
            };
            keep.lock().expect("no panic while locked").get_or_insert(error);
        }));
        let keep = Arc::clone(&fault);
        device.set_device_lost_callback(move |reason, message| {
            if reason != wgpu::DeviceLostReason::Destroyed {
                *keep.lock().expect("no panic while locked") = Some(DeviceError::Lost(message));
            }
        });
        Ok(Self {
            identity: Identity::default(),
            device,
            queue,
            summary,
            buffers: Vec::new(),
            pipelines: HashMap::new(),
            memory: 0,
            fault,
            pace: Arc::new(Mutex::new(Pace::new(Instant::now()))),
        })
    }

    /// What is known of the adapter.
    pub fn summary(&self) -> &AdapterSummary {
        &self.summary
    }

    /// See [`crate::Device::limit_bindings`].
    pub(crate) fn limit_bindings(&mut self, bytes: u64) {
        let limit = &mut self.summary.capabilities.max_binding_size;
        *limit = bytes.min(*limit);
    }

    /// Bytes of the buffers made so far.
    pub fn memory(&self) -> u64 {
        self.memory
    }

    /// Gives the device up, as if its driver had: every later call returns
    /// [`DeviceError::Lost`].
    pub fn destroy(&self) {
        let lost = DeviceError::Lost("it was given up".to_owned());
        *self.fault.lock().expect("no panic while locked") = Some(lost);
        self.device.destroy();
    }

    /// Makes a buffer of `len` zeros.
    pub fn allocate(
        &mut self,
        label: &str,
        element: Element,
        len: usize,
    ) -> Result<Slice, DeviceError> {
        let buffer = BufferId { device: self.identity.id(), index: self.buffers.len() };
        let slice = Slice { buffer, element, offset: 0, len };
        self.check_limit(
            label,
            "maxBufferSize",
            slice.bytes(),
            self.summary.capabilities.max_buffer_size,
        )?;
        self.buffers.push(self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size: slice.bytes(),
            usage: wgpu::BufferUsages::STORAGE
                | wgpu::BufferUsages::COPY_SRC
                | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        }));
        self.memory += slice.bytes();
        self.check()?;
        Ok(slice)
    }

    fn buffer(&self, slice: Slice) -> &wgpu::Buffer {
        &self.buffers[self.identity.index_of(slice)]
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().expect("no panic while locked")
    }

    /// The fault that wgpu reported since the last call, if any.
    pub(crate) fn check(&self) -> Result<(), DeviceError> {
        let mut fault = self.fault.lock().expect("no panic while locked");
        match fault.as_ref() {
            None => Ok(()),
            // A lost device stays lost.
            Some(DeviceError::Lost(reason)) => Err(DeviceError::Lost(reason.clone())),
            Some(_) => Err(fault.take().expect("just seen")),
        }
    }

    fn check_limit(
        &self,
        what: &str,
        limit: &'static str,
        needed: u64,
        available: u64,
    ) -> Result<(), DeviceError> {
        if needed <= available {
            return Ok(());
        }
        Err(DeviceError::TooSmall {
            adapter: self.summary.name.clone(),
            what: what.to_owned(),
            limit,
            needed,
            available,
        })
    }
}
