//! `--device` and `--adapter`: what a command computes on, and with which shader variants.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use device::{AdapterChoice, Device, DeviceError, Gpu};
use kernels::{Precision, Variants};
use model::{Check, Model};
use pollster::block_on;
use serde::{Deserialize, Serialize};

use crate::files;

/// What to compute on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
    /// [default: auto; of a resumed run, its own]
    #[arg(long, value_enum, value_name = "DEVICE", global = true)]
    pub(crate) device: Option<Kind>,

    /// Part of the name of the GPU to use, in any case
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) adapter: Option<String>,

    /// Measure again which shader variants are fastest on the GPU
    #[arg(long, global = true)]
    pub(crate) measure_variants: bool,
}

impl ComputeArgs {
    /// Opens the device.
    pub(crate) fn open(&self) -> Result<Device> {
        self.open_for(0)
    }

    /// Opens the device of number `rank` of those that train together: each takes another GPU, as long as
    /// there are others.
    pub(crate) fn open_for(&self, rank: usize) -> Result<Device> {
        let open = |choice| block_on(Gpu::open_nth(&choice, rank));
        let gpu = match (self.device.unwrap_or(Kind::Auto), &self.adapter) {
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
        let device = Device::Gpu(Box::new(gpu));
        for precision in [Precision::F32, Precision::F16] {
            if let (true, Some(path)) = (self.measure_variants, cached(&device, precision)) {
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != ErrorKind::NotFound => {
                        return Err(files::explain(&path, &error).into());
                    }
                    _ => log::debug!("measuring the shader variants again"),
                }
            }
        }
        Ok(device)
    }
}

/// Refuses a GPU that does not compute what the model's card says; models from before cards had a
/// check are believed.
pub(crate) fn check(
    device: &mut Device,
    model: &Model,
    variants: &Variants,
    check: Option<&Check>,
) -> Result<()> {
    let Some(check) = check.filter(|_| device.gpu().is_some()) else { return Ok(()) };
    let name = device.to_string();
    let found = block_on(writer::deviation(device, model, variants, check))?;
    ensure!(
        found <= writer::TOLERANCE,
        "{name} computes wrongly: it differs by {found:.1e} from what the model's card says; update its driver, or use `--device cpu`"
    );
    log::debug!("{name} differs by {found:.1e} from the model's card");
    Ok(())
}

/// The fastest shader variants on a device: measured once and kept in the user's cache folder,
/// for as long as adapter, driver and shaders stay the same. The CPU has one variant.
pub(crate) fn variants(device: &mut Device, precision: Precision) -> Result<Variants> {
    let Some(path) = cached(device, precision) else {
        return Ok(block_on(kernels::tune::measure(device, precision))?);
    };
    if let Some(known) = fs::read(&path).ok().and_then(|json| read(&json)) {
        return Ok(known.on(&device.capabilities()));
    }
    let measured = block_on(kernels::tune::measure(device, precision))?;
    let keep = || -> Result<()> {
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        let json = serde_json::to_vec_pretty(&measured)?;
        files::write_atomically(&path, |file| Ok(file.write_all(&json)?))
    };
    // Without the file they are measured again next time.
    keep().unwrap_or_else(|error| log::warn!("the shader variants were not kept: {error:#}"));
    Ok(measured)
}

/// The variants of a new training, with a word where the adapter lacks what the settings would allow.
pub(crate) fn training_variants(device: &mut Device, precision: Precision) -> Result<Variants> {
    let variants = variants(device, precision)?;
    let Variants { gemm_nt, gemm_nn, gemm_tn, .. } = variants;
    let on_units = [gemm_nt, gemm_nn, gemm_tn].map(|product| product.precision() == Precision::F16);
    if precision == Precision::F16 && !on_units.contains(&true) {
        log::warn!(
            "train.precision is f16, but {device} has no matrix units that would be faster; it computes in f32"
        );
    }
    Ok(variants)
}

/// Variants from the cache; none when the file has less or more than this program writes.
fn read(json: &[u8]) -> Option<Variants> {
    let known: Variants = serde_json::from_slice(json).ok()?;
    (serde_json::to_vec_pretty(&known).ok()? == json).then_some(known)
}

/// The variants of a checkpoint, as far as `device` can run them.
pub(crate) fn saved_variants(saved: Variants, device: &Device) -> Variants {
    let variants = saved.on(&device.capabilities());
    if variants != saved {
        log::warn!(
            "the run was trained with {saved:?}; {device} cannot run all of them and goes on with {variants:?}"
        );
    }
    variants
}

/// Where the variants of a GPU are kept, if there is a cache folder.
fn cached(device: &Device, precision: Precision) -> Option<PathBuf> {
    let adapter = device.gpu()?.summary().to_string();
    let name: String =
        adapter.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let half = if precision == Precision::F16 { "-f16" } else { "" };
    let file = format!("{name}{half}-{:016x}.json", kernels::shaders_hash());
    Some(dirs::cache_dir()?.join("cinnabar").join("variants").join(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_this_program_wrote_is_read_from_the_cache() {
        let written = serde_json::to_vec_pretty(&Variants::default()).unwrap();
        assert_eq!(read(&written), Some(Variants::default()));
        for other in [
            &b"{}"[..],
            br#"{"gemm_nt": "tile"}"#,
            br#"{"gemm_nt": "tile", "gemm_nn": "tile", "gemm_tn": "tile", "attention": "other"}"#,
        ] {
            assert_eq!(read(other), None);
        }
    }
}
