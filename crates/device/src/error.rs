//! What can go wrong with a device.

use crate::{Missing, SourceError};

/// Why a device could not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DeviceError {
    /// No adapter answered.
    #[error("no GPU adapter was found ({0}); install a Vulkan driver (or Metal/DX12 driver)")]
    NoAdapter(String),
    /// An adapter was asked for by name and is not there.
    #[error("no GPU adapter's name contains `{wanted}`; there are: {found}")]
    NoSuchAdapter {
        /// What was asked for.
        wanted: String,
        /// Names of those that exist.
        found: String,
    },
    /// The adapter gave no device.
    #[error("the adapter `{adapter}` gave no device: {reason}")]
    NoDevice {
        /// Name of the adapter.
        adapter: String,
        /// Its answer.
        reason: String,
    },
    /// A limit of the adapter is too small for what is needed.
    #[error(
        "the adapter `{adapter}` is too small: {what} needs {limit} of {needed}, it has {available}; choose a smaller batch or model"
    )]
    TooSmall {
        /// Name of the adapter.
        adapter: String,
        /// What needed it.
        what: String,
        /// WebGPU's name of the limit.
        limit: &'static str,
        /// How much is needed.
        needed: u64,
        /// How much there is.
        available: u64,
    },
    /// A tensor that kernels are bound to as a whole is larger than they can be bound to.
    #[error(
        "`{tensor}` takes {needed} bytes, and kernels of {device} can be bound to {available} at a time; make the batch or the sequences smaller"
    )]
    TensorTooLarge {
        /// Label of the tensor.
        tensor: String,
        /// The device.
        device: String,
        /// Its size in bytes.
        needed: u64,
        /// The most bytes of a binding.
        available: u64,
    },
    /// A kernel needs something that the adapter lacks.
    #[error("kernel `{kernel}` cannot run on `{adapter}`: it needs {missing}")]
    Unsupported {
        /// Which kernel.
        kernel: &'static str,
        /// Name of the adapter.
        adapter: String,
        /// The first thing that it lacks.
        missing: Missing,
    },
    /// A shader could not be put together.
    #[error("kernel `{kernel}`: {source}")]
    Source {
        /// Which kernel.
        kernel: &'static str,
        /// What was wrong.
        source: SourceError,
    },
    /// The device is gone (driver reset, unplugged, or put to sleep by the browser).
    #[error("the GPU device was lost ({0}); what was saved before is intact")]
    Lost(String),
    /// Out of GPU memory.
    #[error(
        "the GPU is out of memory ({0}); choose a smaller batch or model, or close other programs"
    )]
    OutOfMemory(String),
    /// The driver or wgpu refused a command.
    #[error("the GPU refused a command: {0}")]
    Refused(String),
}
