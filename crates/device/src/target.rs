//! One interface to the devices.

use std::fmt;

use web_time::Instant;

use crate::gpu::GpuProgram;
use crate::twin::RunTwin;
use crate::{
    Capabilities, Cpu, DeviceError, DeviceId, Element, Gpu, Identity, Launch, Plan, Real,
    Recording, Slice,
};

/// Something that runs recordings.
#[derive(Debug)]
pub enum Device {
    /// Shaders through wgpu.
    Gpu(Box<Gpu>),
    /// The shaders' twins in f32.
    Cpu(Cpu<f32>),
    /// The shaders' twins in f64: the oracle of the tests.
    Oracle(Cpu<f64>),
    /// Nothing: memory is counted, not taken.
    Plan(Plan),
}

/// A recording made ready for one device.
#[derive(Debug)]
pub struct Program {
    device: DeviceId,
    recording: Recording,
    gpu: Option<GpuProgram>,
}

impl Program {
    /// What it runs.
    pub fn recording(&self) -> &Recording {
        &self.recording
    }
}

/// How long one launch took.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// Name of the kernel.
    pub kernel: &'static str,
    /// Time, in seconds.
    pub seconds: f64,
    /// Floating-point operations; 0 if its condition skipped it.
    pub flop: u64,
    /// Least traffic with memory, in bytes; 0 if its condition skipped it.
    pub bytes: u64,
    /// Whether it ran: its condition may have skipped it.
    pub ran: bool,
}

impl Device {
    /// A CPU device.
    pub fn cpu() -> Self {
        Self::Cpu(Cpu::new())
    }

    /// The f64 oracle.
    pub fn oracle() -> Self {
        Self::Oracle(Cpu::new())
    }

    /// A device that holds nothing, and whose [`Device::memory`] says what this one would need for the same.
    /// It takes every call; what is read from it is zero.
    pub fn plan(&self) -> Self {
        Self::Plan(Plan::new(self.capabilities(), self.to_string()))
    }

    /// The GPU behind it, if it is one.
    pub fn gpu(&self) -> Option<&Gpu> {
        match self {
            Self::Gpu(gpu) => Some(gpu),
            Self::Cpu(_) | Self::Oracle(_) | Self::Plan(_) => None,
        }
    }

    /// What it can do. The CPU runs the twin of every kernel, but has no variants to choose from:
    /// it needs none of what kernels require of adapters, and offers none of it.
    pub fn capabilities(&self) -> Capabilities {
        let max_binding_size = match self {
            Self::Gpu(gpu) => return gpu.summary().capabilities,
            Self::Cpu(cpu) => cpu.max_binding_size,
            Self::Oracle(cpu) => cpu.max_binding_size,
            Self::Plan(plan) => return plan.capabilities,
        };
        Capabilities {
            timestamps: true,
            max_binding_size: max_binding_size.unwrap_or(u64::MAX),
            max_buffer_size: u64::MAX,
            max_workgroups: u32::MAX,
            ..Capabilities::default()
        }
    }

    /// Lowers the size of what a kernel can be bound to, as if the adapter could do no more: how
    /// large models are laid out shows at small sizes then.
    pub fn limit_bindings(&mut self, bytes: u64) {
        match self {
            Self::Gpu(gpu) => gpu.limit_bindings(bytes),
            Self::Cpu(cpu) => cpu.max_binding_size = Some(bytes),
            Self::Oracle(cpu) => cpu.max_binding_size = Some(bytes),
            Self::Plan(plan) => plan.capabilities.max_binding_size = bytes,
        }
    }

    /// Bytes held by its buffers.
    pub fn memory(&self) -> u64 {
        match self {
            Self::Gpu(gpu) => gpu.memory(),
            Self::Cpu(cpu) => cpu.memory(),
            Self::Oracle(cpu) => cpu.memory(),
            Self::Plan(plan) => plan.memory,
        }
    }

    /// Makes a buffer of `len` zeros. Buffers live as long as the device.
    pub fn allocate(
        &mut self,
        label: &str,
        element: Element,
        len: usize,
    ) -> Result<Slice, DeviceError> {
        match self {
            Self::Gpu(gpu) => gpu.allocate(label, element, len),
            Self::Cpu(cpu) => Ok(cpu.allocate(element, len)),
            Self::Oracle(cpu) => Ok(cpu.allocate(element, len)),
            Self::Plan(plan) => Ok(plan.allocate(element, len)),
        }
    }

    /// Makes a buffer of `len` zero floats that kernels are bound to as a whole.
    ///
    /// # Errors
    /// [`DeviceError::TensorTooLarge`] when they cannot be bound to that much, and as
    /// [`Device::allocate`].
    pub fn allocate_whole(&mut self, label: &str, len: usize) -> Result<Slice, DeviceError> {
        let needed = Element::Float.size() * len as u64;
        let available = self.capabilities().max_binding_size;
        if needed > available {
            let (tensor, device) = (label.to_owned(), self.to_string());
            return Err(DeviceError::TensorTooLarge { tensor, device, needed, available });
        }
        self.allocate(label, Element::Float, len)
    }

    /// Makes a buffer of floats.
    pub fn floats(&mut self, label: &str, data: &[f32]) -> Result<Slice, DeviceError> {
        let slice = self.allocate(label, Element::Float, data.len())?;
        self.write_floats(slice, data)?;
        Ok(slice)
    }

    /// Makes a buffer of words.
    pub fn words(&mut self, label: &str, data: &[u32]) -> Result<Slice, DeviceError> {
        let slice = self.allocate(label, Element::Word, data.len())?;
        self.write_words(slice, data)?;
        Ok(slice)
    }

    /// Writes floats to the beginning of a slice.
    pub fn write_floats(&mut self, slice: Slice, data: &[f32]) -> Result<(), DeviceError> {
        match self {
            Self::Gpu(gpu) => return gpu.write(slice, bytemuck::cast_slice(data)),
            Self::Cpu(cpu) => cpu.floats_mut(slice)[..data.len()].copy_from_slice(data),
            Self::Oracle(cpu) => {
                let target = cpu.floats_mut(slice).iter_mut();
                target.zip(data).for_each(|(target, &value)| *target = value.into());
            }
            Self::Plan(_) => (),
        }
        Ok(())
    }

    /// Writes words to the beginning of a slice.
    pub fn write_words(&mut self, slice: Slice, data: &[u32]) -> Result<(), DeviceError> {
        match self {
            Self::Gpu(gpu) => return gpu.write(slice, bytemuck::cast_slice(data)),
            Self::Cpu(cpu) => cpu.words_mut(slice)[..data.len()].copy_from_slice(data),
            Self::Oracle(cpu) => cpu.words_mut(slice)[..data.len()].copy_from_slice(data),
            Self::Plan(_) => (),
        }
        Ok(())
    }

    /// The floats of a slice, after everything that was run before.
    pub async fn read_floats(&self, slice: Slice) -> Result<Vec<f32>, DeviceError> {
        Ok(match self {
            Self::Gpu(gpu) => bytemuck::pod_collect_to_vec(&gpu.read(slice).await?),
            Self::Cpu(cpu) => cpu.floats(slice).to_vec(),
            Self::Oracle(cpu) => cpu.floats(slice).iter().map(|&value| value as f32).collect(),
            Self::Plan(_) => vec![0.0; slice.len],
        })
    }

    /// As [`Device::read_floats`], in the precision of the device.
    pub async fn read_wide(&self, slice: Slice) -> Result<Vec<f64>, DeviceError> {
        Ok(match self {
            Self::Oracle(cpu) => cpu.floats(slice).to_vec(),
            _ => self.read_floats(slice).await?.into_iter().map(f64::from).collect(),
        })
    }

    /// The words of a slice, after everything that was run before.
    pub async fn read_words(&self, slice: Slice) -> Result<Vec<u32>, DeviceError> {
        Ok(match self {
            Self::Gpu(gpu) => bytemuck::pod_collect_to_vec(&gpu.read(slice).await?),
            Self::Cpu(cpu) => cpu.words(slice).to_vec(),
            Self::Oracle(cpu) => cpu.words(slice).to_vec(),
            Self::Plan(_) => vec![0; slice.len],
        })
    }

    /// The bits of several slices, after everything that was run before: one wait for all. Floats
    /// are those of [`f32::to_bits`].
    pub async fn read_bits(&self, slices: &[Slice]) -> Result<Vec<Vec<u32>>, DeviceError> {
        if let Self::Gpu(gpu) = self {
            let all: Vec<u32> = bytemuck::pod_collect_to_vec(&gpu.read_all(slices).await?);
            let mut rest = all.as_slice();
            let part = |slice: &Slice| {
                let (part, after) = rest.split_at(slice.len);
                rest = after;
                part.to_vec()
            };
            return Ok(slices.iter().map(part).collect());
        }
        let mut parts = Vec::with_capacity(slices.len());
        for &slice in slices {
            parts.push(match slice.element {
                Element::Word => self.read_words(slice).await?,
                Element::Float => {
                    self.read_floats(slice).await?.into_iter().map(f32::to_bits).collect()
                }
            });
        }
        Ok(parts)
    }

    /// Makes a recording ready to run: on a GPU, compiles its kernels and binds its buffers.
    pub fn compile(&mut self, recording: Recording) -> Result<Program, DeviceError> {
        let gpu = match self {
            Self::Gpu(gpu) => Some(gpu.prepare(&recording)?),
            Self::Cpu(_) | Self::Oracle(_) | Self::Plan(_) => None,
        };
        Ok(Program { device: self.identity().id(), recording, gpu })
    }

    fn identity(&self) -> &Identity {
        match self {
            Self::Gpu(gpu) => &gpu.identity,
            Self::Cpu(cpu) => &cpu.identity,
            Self::Oracle(cpu) => &cpu.identity,
            Self::Plan(plan) => &plan.identity,
        }
    }

    /// What a GPU runs of a program.
    fn prepared<'a>(&self, program: &'a Program) -> Option<&'a GpuProgram> {
        assert!(program.device == self.identity().id(), "the program belongs to another device");
        program.gpu.as_ref()
    }

    /// Compiles the kernel of one launch for programs to come, and waits for it: the thread is free
    /// meanwhile, and a caller with many kernels can tell how far it is. A CPU needs none of this.
    pub async fn compile_kernel(&mut self, launch: &Launch) -> Result<(), DeviceError> {
        match self {
            Self::Gpu(gpu) => gpu.warm(launch).await,
            Self::Cpu(_) | Self::Oracle(_) | Self::Plan(_) => Ok(()),
        }
    }

    /// Runs a program that this device compiled. A GPU is not waited for: errors of the run may
    /// be returned by a later call.
    pub fn run(&mut self, program: &Program) -> Result<(), DeviceError> {
        let prepared = self.prepared(program);
        match self {
            Self::Gpu(gpu) => return prepared.map_or(Ok(()), |prepared| gpu.run(prepared)),
            Self::Cpu(cpu) => cpu.run(&program.recording),
            Self::Oracle(cpu) => cpu.run(&program.recording),
            Self::Plan(_) => (),
        }
        Ok(())
    }

    /// Runs a program once and times every launch; on a GPU without timestamps, `None`.
    pub async fn profile(&mut self, program: &Program) -> Result<Option<Vec<Timing>>, DeviceError> {
        let prepared = self.prepared(program);
        let launches = program.recording.launches();
        let seconds = match self {
            Self::Gpu(gpu) => match prepared {
                Some(prepared) if gpu.summary().capabilities.timestamps => {
                    gpu.profile(prepared).await?
                }
                _ => return Ok(None),
            },
            Self::Cpu(cpu) => seconds(cpu, launches),
            Self::Oracle(cpu) => seconds(cpu, launches),
            Self::Plan(_) => return Ok(None),
        };
        // A recording writes its conditions once.
        let flags: Vec<Slice> = launches.iter().filter_map(|launch| launch.when).collect();
        let mut flags = match flags.is_empty() {
            true => Vec::new().into_iter(),
            false => self.read_bits(&flags).await?.into_iter(),
        };
        let timings = launches.iter().zip(seconds).map(|(launch, seconds)| {
            let ran = launch.when.is_none() || flags.next().is_some_and(|flag| flag[0] != 0);
            let (flop, bytes) = if ran { (launch.flop, launch.bytes()) } else { (0, 0) };
            Timing { kernel: launch.kernel.name, seconds, flop, bytes, ran }
        });
        Ok(Some(timings.collect()))
    }
}

/// Seconds of each launch.
fn seconds<E: Real + RunTwin>(cpu: &mut Cpu<E>, launches: &[Launch]) -> Vec<f64> {
    let mut seconds = Vec::with_capacity(launches.len());
    let mut start = Instant::now();
    cpu.each(launches, || {
        let end = Instant::now();
        seconds.push((end - start).as_secs_f64());
        start = end;
    });
    seconds
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gpu(gpu) => write!(f, "{}", gpu.summary()),
            Self::Cpu(_) => f.write_str("CPU (f32 twins of the shaders)"),
            Self::Oracle(_) => f.write_str("CPU (f64 twins of the shaders)"),
            Self::Plan(plan) => write!(f, "memory plan of {}", plan.name),
        }
    }
}
