//! Whether sizes fit into this machine, asked before memory is taken: a program that runs out of it
//! is ended without a word.

use std::fs;

use anyhow::{Result, ensure};
use device::Device;
use model::Config;

/// Copies of its parameters that a training on the CPU has at least: weights, gradient, both moments,
/// and the initial values.
const COPIES: u64 = 5;

/// Refuses a network whose training cannot fit into the memory that is free.
pub(crate) fn check_training(config: &Config, device: &Device) -> Result<()> {
    // A GPU has its own memory, and says itself when that is full.
    let copies = if device.gpu().is_some() { 1 } else { COPIES };
    let least = 4 * copies * config.parameters() as u64;
    if let Some(free) = free() {
        let gigabytes = |bytes: u64| bytes as f64 * 1e-9;
        ensure!(
            least <= free,
            "training {} parameters takes at least {:.1} GB of memory, and {:.1} GB are free; make the model smaller",
            config.parameters(),
            gigabytes(least),
            gigabytes(free)
        );
    }
    Ok(())
}

/// Bytes that this program can still take, as far as the system tells: what is free in the machine,
/// and what the limits of the process leave.
fn free() -> Option<u64> {
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
