//! `--device` and `--adapter`: what a command computes on, and with which shader variants.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use device::{AdapterChoice, Device, DeviceError, Gpu};
use kernels::Variants;
use pollster::block_on;

use crate::files;

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
        let open = |choice| block_on(Gpu::open(&choice));
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

/// The fastest shader variants on a device: measured once per adapter and driver, and kept in the
/// user's cache folder. The CPU has but one variant.
pub(crate) fn variants(device: &mut Device) -> Result<Variants> {
    let Some(gpu) = device.gpu() else { return Ok(Variants::default()) };
    let path = kept(&gpu.summary().to_string());
    // A file that another version wrote is measured again.
    let known = path.as_ref().and_then(|path| serde_json::from_slice(&fs::read(path).ok()?).ok());
    if let Some(known) = known {
        return Ok(known);
    }
    let measured = block_on(kernels::tune::measure(device))?;
    if let Some(path) = path {
        let keep = || -> Result<()> {
            fs::create_dir_all(path.parent().unwrap_or(&path))?;
            let json = serde_json::to_vec_pretty(&measured)?;
            files::write_atomically(&path, |file| Ok(file.write_all(&json)?))
        };
        // Measuring again next time is no harm.
        keep().unwrap_or_else(|error| log::warn!("the shader variants were not kept: {error:#}"));
    }
    Ok(measured)
}

/// Where the variants of an adapter are kept, if there is a cache folder.
fn kept(adapter: &str) -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let cache = variable("XDG_CACHE_HOME")
        .or_else(|| variable("LOCALAPPDATA"))
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache")))?;
    let name: String =
        adapter.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    Some(cache.join("cinnabar").join("variants").join(format!("{name}.json")))
}
