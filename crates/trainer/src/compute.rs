//! `--device` and `--adapter`: what a command computes on.

use anyhow::Result;
use clap::{Args, ValueEnum};
use device::{AdapterChoice, Device, DeviceError, Gpu};

/// What to compute on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A real GPU, else the CPU.
    Auto,
    /// A GPU, also one that a software driver imitates.
    Gpu,
    /// The CPU.
    Cpu,
}

/// Flags of every command that computes.
#[derive(Clone, Debug, Args)]
pub(crate) struct ComputeArgs {
    /// What to compute on: a real GPU or else the CPU; a GPU, even a software one; the CPU
    #[arg(long, value_enum, default_value_t = Kind::Auto, value_name = "DEVICE")]
    pub(crate) device: Kind,

    /// Part of the name of the GPU to use, in any case
    #[arg(long, value_name = "NAME")]
    pub(crate) adapter: Option<String>,
}

impl ComputeArgs {
    /// Opens the device.
    pub(crate) fn open(&self) -> Result<Device> {
        let open = |choice| pollster::block_on(Gpu::open(&choice));
        let gpu = match (self.device, &self.adapter) {
            (Kind::Cpu, Some(_)) => {
                anyhow::bail!("`--adapter` names a GPU, so it cannot go with `--device cpu`")
            }
            (Kind::Cpu, None) => return Ok(Device::cpu()),
            (_, Some(name)) => open(AdapterChoice::Named(name.clone()))?,
            (Kind::Gpu, None) => open(AdapterChoice::Any)?,
            (Kind::Auto, None) => match open(AdapterChoice::Hardware) {
                Err(DeviceError::NoAdapter(reason)) => {
                    log::info!("no GPU ({reason}); computing on the CPU");
                    return Ok(Device::cpu());
                }
                other => other?,
            },
        };
        Ok(Device::Gpu(Box::new(gpu)))
    }
}
