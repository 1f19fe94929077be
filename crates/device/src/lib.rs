//! Kernels, recordings of a step, and the two devices that run one.
//!
//! A [`Kernel`] is a WGSL file and its CPU twin under one name. Host code pushes [`Launch`]es of
//! kernels onto a [`Recording`]; a [`Device`] compiles the recording into a [`Program`] once and
//! runs it as often as wanted. There are three kinds of device:
//!
//! * [`Gpu`] runs the WGSL through wgpu (Vulkan, Metal, DX12, or WebGPU in a browser);
//! * [`Cpu`] runs the twins, in f32 where there is no GPU and in f64 as the oracle of the tests;
//! * [`Plan`] holds nothing: it counts what another one would need.
//!
//! Nothing outside this crate names wgpu. There are no globals: buffers, pipelines and counters
//! belong to a device.

mod buffer;
mod capabilities;
mod cpu;
mod error;
mod gpu;
mod interface;
mod kernel;
mod pages;
mod plan;
mod real;
mod recording;
mod target;
mod twin;

pub use buffer::{ALIGNMENT, BufferId, Element, Slice};
pub(crate) use buffer::{DeviceId, Identity};
pub use capabilities::{Capabilities, MatrixUnits, Missing, Requirements};
pub use cpu::Cpu;
pub use error::DeviceError;
pub use gpu::{AdapterChoice, AdapterSummary, Gpu};
pub use interface::{
    Access, Binding, Buffers, Field, MAX_PARAMS_SIZE, Params, Scalar, floats, floats_mut, words,
    words_mut,
};
pub use kernel::{Constants, Kernel, SourceError, Sources};
pub use pages::Pages;
pub use plan::Plan;
pub use real::Real;
pub use recording::{Launch, Recording};
pub use target::{Device, Program, Timing};
pub use twin::{Arg, Args, Twin};
