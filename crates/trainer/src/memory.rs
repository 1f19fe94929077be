//! Whether sizes fit into this machine, asked before memory is taken: a program that runs out of it
//! is ended without a word.

use std::fs;

use anyhow::{Result, bail, ensure};
use device::Device;
use kernels::Variants;
use run::Settings;
use run::settings::TrainSettings;

/// Bytes that a training on parts of a corpus of so many `tokens` takes on `device`. One that cannot fit
/// into the memory that is free is refused, with what to change; a GPU has its own memory, and says itself
/// when that is full.
pub(crate) fn check_training(
    settings: &Settings,
    tokens: [usize; 2],
    device: &Device,
    variants: &Variants,
) -> Result<u64> {
    check(settings, tokens, device, variants, free().unwrap_or(u64::MAX))
}

fn check(
    settings: &Settings,
    tokens: [usize; 2],
    device: &Device,
    variants: &Variants,
    free: u64,
) -> Result<u64> {
    let parameters = settings.config(settings.data.vocab_size, 0).parameters();
    // Of the initial values.
    let copy = 4 * parameters as u64;
    ensure!(
        copy <= free,
        "a copy of {parameters} parameters takes {} of memory, and {} are free; make the model smaller",
        gigabytes(copy),
        gigabytes(free)
    );
    let planned = |batch_size| {
        let mut settings = settings.clone();
        settings.train.batch_size = batch_size;
        run::memory(device, variants, &settings, tokens)
    };
    let batch = settings.train.batch_size;
    let all = planned(batch)?;
    if device.gpu().is_some() || copy.saturating_add(all) <= free {
        return Ok(all);
    }
    bail!(
        "training {parameters} parameters with {batch} x {} tokens a pass needs {} of memory, and {} are free; {}",
        settings.model.block_size,
        gigabytes(copy + all),
        gigabytes(free),
        advice(&settings.train, [planned(batch.min(2))?, all], free.saturating_sub(copy))
    )
}

/// A number of bytes for people.
pub(crate) fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 * 1e-9)
}

/// What to change where a pass of the settings needs more than is `free`, and one of two sequences
/// takes `least`.
fn advice(train: &TrainSettings, [least, needed]: [u64; 2], free: u64) -> String {
    let TrainSettings { batch_size: batch, accumulation, recompute, .. } = *train;
    let each = (needed - least) / (batch.max(3) - 2) as u64;
    let parts = (1..).map(|power| 1 << power).take_while(|parts| batch.is_multiple_of(*parts));
    let fits = |&parts: &usize| least + each * (batch / parts).saturating_sub(2) as u64 <= free;
    match parts.take_while(|parts| batch / parts > 1).find(fits) {
        Some(parts) => format!(
            "set train.batch_size={} and train.accumulation={} for the same steps in less memory",
            batch / parts,
            accumulation as usize * parts
        ),
        None if !recompute => {
            "set train.recompute=true, lower train.batch_size, or make the model smaller".to_owned()
        }
        None => "lower train.batch_size or model.block_size, or make the model smaller".to_owned(),
    }
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
    fn what_cannot_fit_says_which_setting_to_change() -> Result<()> {
        let device = Device::cpu();
        let check = |changes: &[&str]| {
            let changes: Vec<String> = changes.iter().map(|&change| change.to_owned()).collect();
            let settings = settings::read("tiny", &changes)?;
            check(&settings, [0, 0], &device, &Variants::default(), 100_000_000)
        };
        check(&[])?;
        for (changes, advice) in [
            (&["batch_size=256"][..], "for the same steps in less memory"),
            (
                &["batch_size=1", "block_size=16384"],
                "set train.recompute=true, lower train.batch_size, or make the model smaller",
            ),
            (
                &["batch_size=1", "block_size=16384", "recompute=true"],
                "lower train.batch_size or model.block_size, or make the model smaller",
            ),
            (&["n_layer=1000"], "make the model smaller"),
        ] {
            let error = check(changes).expect_err("too large").to_string();
            assert!(error.contains(" of memory, and 0.1 GB are free; "), "{error}");
            assert!(error.ends_with(advice), "{error}");
        }
        Ok(())
    }

    #[test]
    fn the_same_steps_fit_in_smaller_passes() {
        let mut train = settings::read("tiny", &[]).expect("a preset").train;
        (train.batch_size, train.accumulation) = (32, 2);
        // Two sequences take 3, thirty-two 33.
        let advice = advice(&train, [3, 33], 10);
        assert!(advice.starts_with("set train.batch_size=8 and train.accumulation=8 "), "{advice}");
    }
}
