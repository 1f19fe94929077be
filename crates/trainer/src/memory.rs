//! Whether sizes fit into this machine, asked before memory is taken: a program that runs out of it
//! is ended without a word.

use std::fs;

use anyhow::{Result, ensure};
use device::Device;
use model::Activations;
use run::Settings;

/// Copies of its parameters that a training on the CPU has at least: weights, gradient, both moments,
/// and the initial values.
const COPIES: u64 = 5;

/// Refuses a training with `vocab_size` tokens that cannot fit into the memory that is free.
pub(crate) fn check_training(
    settings: &Settings,
    vocab_size: usize,
    device: &Device,
) -> Result<()> {
    let config = settings.config(vocab_size, 0);
    let (batch, length) = (settings.train.batch_size, settings.model.block_size);
    let recompute = settings.train.recompute;
    // A GPU has its own memory, and says itself when that is full.
    let (copies, kept) = match device.gpu() {
        Some(_) => (1, 0),
        None => {
            let rows = batch * settings.objective().positions(length);
            (COPIES, Activations::least_kept_bytes(&config, rows, recompute))
        }
    };
    let parameters = 4 * copies * config.parameters() as u64;
    let Some(free) = free() else { return Ok(()) };
    let gigabytes = |bytes: u64| bytes as f64 * 1e-9;
    ensure!(
        parameters <= free,
        "training {} parameters takes at least {:.1} GB of memory, and {:.1} GB are free; make the model smaller",
        config.parameters(),
        gigabytes(parameters),
        gigabytes(free)
    );
    let advice = if recompute { "" } else { ", or set train.recompute=true" };
    ensure!(
        parameters + kept <= free,
        "the activations of {batch} x {length} tokens take at least {:.1} GB of memory, the rest of the training {:.1} GB, and {:.1} GB are free; lower train.batch_size or model.block_size{advice}",
        gigabytes(kept),
        gigabytes(parameters),
        gigabytes(free)
    );
    Ok(())
}

/// Bytes that this program can still take, as far as the system tells: what is free in the machine,
/// and what the limits of the process leave.
pub(crate) fn free() -> Option<u64> {
    let kilobytes = |file: &str, name: &str| {
        let text = fs::read_to_string(file).ok()?;
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    let machine = kilobytes("/proc/meminfo", "MemAvailable:")? * 1024;
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max address space"));
    let limit = limit.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    let taken = kilobytes("/proc/self/status", "VmSize:")? * 1024;
    Some(limit.map_or(machine, |limit| machine.min(limit.saturating_sub(taken))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings;

    #[test]
    fn a_step_of_the_reference_recipe_fits_into_two_gibibytes() -> Result<()> {
        let (settings, mut device) = (settings::read("seed", &[])?, Device::cpu());
        run::on_zeros(&mut device, &kernels::Variants::default(), &settings)?;
        let bytes = device.memory();
        assert!(bytes < 2 << 30, "{bytes} bytes of buffers");
        Ok(())
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_cannot_fit_says_which_setting_to_lower() -> Result<()> {
        let device = Device::cpu();
        let check = |changes: &[&str]| {
            let changes: Vec<String> = changes.iter().map(|&change| change.to_owned()).collect();
            let settings = settings::read("tiny", &changes)?;
            check_training(&settings, 1024, &device)
        };
        check(&[])?;
        let large = ["train.batch_size=65536", "model.block_size=1024", "train.recompute=true"];
        for (changes, advice) in [
            (
                &large[..2],
                "lower train.batch_size or model.block_size, or set train.recompute=true",
            ),
            (&large[..], "lower train.batch_size or model.block_size"),
        ] {
            let error = check(changes).expect_err("too large").to_string();
            assert!(error.starts_with("the activations of 65536 x 1024 tokens take"), "{error}");
            assert!(error.ends_with(advice), "{error}");
        }
        Ok(())
    }
}
