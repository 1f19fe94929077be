//! Training: from the command line to a run's folder.

mod console;
pub(crate) mod curves;
pub(crate) mod data;
mod folder;
mod interrupt;
mod prepare;
mod run;
mod samples;

use std::path::{Path, PathBuf};

use anyhow::Result;
use device::Device;
use diffusion::training::{Training, TrainingOptions};
use kernels::Variants;

use crate::commands::train::TrainArgs;
use crate::compute;
use crate::settings::Settings;
use interrupt::Interrupt;
use run::Ended;

/// Trains, from the beginning or from a checkpoint.
pub(crate) fn train(args: &TrainArgs) -> Result<()> {
    let interrupt = Interrupt::watch()?;
    let run = prepare::prepare(args)?;
    let path = run.folder.path().to_owned();
    match run.go(&interrupt)? {
        Ended::Complete => println!("done: {}", path.display()),
        Ended::Interrupted => {
            println!("interrupted and saved; go on with `--resume --out {}`", path.display());
        }
    }
    Ok(())
}

/// A training of these settings on a corpus of one token, for those who want to see or time a
/// step.
pub(crate) fn on_empty_corpus(
    device: &mut Device,
    variants: &Variants,
    settings: &Settings,
) -> Result<Training> {
    let config = settings.config(settings.data.vocab_size, 2);
    let ids = vec![0; config.block_size + 1];
    let init = model::initial_values(&config, &settings.init());
    let (options, optimizer) = (options(settings), settings.optimizer());
    Ok(Training::new(device, variants, config, &init, &ids, &ids, &options, &optimizer)?)
}

/// Prints the recorded step. Reads no corpus and writes nothing.
pub(crate) fn explain(args: &TrainArgs) -> Result<()> {
    let settings = Settings::read(&args.config, &args.changes())?;
    let mut device = args.compute.open()?;
    let variants = compute::variants(&mut device)?;
    let training = on_empty_corpus(&mut device, &variants, &settings)?;
    let recording = training.recording();
    println!("{recording}");
    println!(
        "{} launches, {:.1} GFLOP and {:.1} MB of least memory traffic for {} tokens",
        recording.launches().len(),
        recording.flop() as f64 * 1e-9,
        recording.launches().iter().map(device::Launch::bytes).sum::<u64>() as f64 * 1e-6,
        settings.tokens_per_step(),
    );
    println!("{:.1} MB of device memory", device.memory() as f64 * 1e-6);
    Ok(())
}

/// `runs/` and the name of the settings.
fn default_folder(config: &str) -> PathBuf {
    Path::new("runs").join(Path::new(config).file_stem().unwrap_or_default())
}

fn options(settings: &Settings) -> TrainingOptions {
    TrainingOptions {
        batch: settings.train.batch_size,
        length: settings.model.block_size,
        accumulation: settings.train.accumulation as usize,
        schedule: settings.diffusion.schedule,
        stratified: settings.diffusion.stratified,
        seed: settings.train.seed,
    }
}
