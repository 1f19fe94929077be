//! Training: from the command line to a run's folder.

mod console;
mod curves;
mod data;
mod folder;
mod interrupt;
mod run;
mod samples;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use corpus::tokenizer::Tokenizer;
use device::Device;
use diffusion::training::{Training, TrainingOptions, TrainingState};
use kernels::Forms;
use pollster::block_on;

use crate::checkpoints::{self, Saved, State};
use crate::commands::train::TrainArgs;
use crate::files;
use crate::run_log::{Record, RunLog};
use crate::settings::Settings;
use console::Console;
use curves::Curves;
use data::Data;
use folder::Folder;
use interrupt::Interrupt;
use run::{Ended, Run};
use samples::Sampler;

/// Trains, from the beginning or from a checkpoint.
pub(crate) fn train(args: &TrainArgs) -> Result<()> {
    let interrupt = Interrupt::watch()?;
    // Asked for first: settings that make no sense should leave no folder behind.
    let asked = if args.resume { None } else { Some(Settings::read(&args.config, &args.changes())?) };
    let path = args.out.clone().unwrap_or_else(|| default_folder(&args.config));
    let folder = Folder::enter(&path, args.resume)?;
    let saved = match checkpoints::latest(folder.path())? {
        Some(path) => Some(checkpoints::load(&path)?),
        None => None,
    };
    let mut settings = match (asked, &saved) {
        (Some(settings), _) => settings,
        (None, Some(saved)) => Settings::parse(&saved.settings, &args.changes())
            .with_context(|| format!("settings of the run in {}", path.display()))?,
        // Killed before its first checkpoint: it starts again.
        (None, None) => Settings::read_kept(&folder.file(checkpoints::SETTINGS), &args.changes())?,
    };
    let tokenizer = tokenizer(args, &settings, &folder, saved.as_ref())?;
    settings.data.vocab_size = tokenizer.vocab_size() as usize;
    let data = Data::read(&args.data, &tokenizer, &settings)?;

    let mut device = args.compute.open()?;
    let forms = match &saved {
        Some(saved) => saved.state.forms.clone(),
        None => choose_forms(&mut device)?,
    };
    let (mut training, config) = start(&mut device, &forms, &settings, &tokenizer, &data)?;
    if let Some(saved) = &saved {
        ensure!(
            saved.model.config == config,
            "the checkpoint's model has other sizes than the settings ({:?}, {config:?}); sizes cannot change in a run",
            saved.model.config
        );
        training.restore(&mut device, &restored(saved))?;
    }

    files::write_atomically(&folder.file(checkpoints::SETTINGS), settings.to_toml()?.as_bytes())?;
    files::write_atomically(&folder.file(checkpoints::TOKENIZER), tokenizer.to_json().as_bytes())?;
    let before = saved.as_ref().map_or(&[][..], |saved| &saved.log);
    let mut log = RunLog::start(&folder.file(checkpoints::LOG), before)?;
    let step = training.steps_done();
    log.push(Record::Start {
        step,
        device: device.to_string(),
        parameters: config.parameters(),
        train_tokens: data.train.len(),
        validation_tokens: data.validation.len(),
    })?;
    println!("device      {device}");
    println!("model       {} parameters, vocabulary {}", config.parameters(), config.vocab_size);
    println!("corpus      {} tokens, {} held out", data.train.len(), data.validation.len());
    println!("run         {}, step {step} of {}", path.display(), settings.train.steps);

    let state = saved.map_or_else(|| fresh(&settings, forms), |saved| saved.state);
    let run = Run {
        sampler: Sampler::new(&mut device, &settings, &training, &state.forms)?,
        curves: Curves::start(&folder, log.records())?,
        console: Console::new(step, settings.train.steps),
        seconds_before: state.seconds,
        unlogged: Vec::new(),
        clock: (Instant::now(), step),
        begun: Instant::now(),
        settings,
        folder,
        device,
        training,
        tokenizer,
        log,
        state,
    };
    match run.go(&interrupt)? {
        Ended::Complete => println!("done: {}", path.display()),
        Ended::Interrupted => {
            println!("interrupted and saved; go on with `--resume --out {}`", path.display());
        }
    }
    Ok(())
}

/// Prints the recorded step. Reads no corpus and writes nothing.
pub(crate) fn explain(args: &TrainArgs) -> Result<()> {
    let settings = Settings::read(&args.config, &args.changes())?;
    let mut device = args.compute.open()?;
    let config = settings.config(settings.data.vocab_size, 2);
    let ids = vec![0; config.block_size + 1];
    let training = Training::new(
        &mut device,
        &Forms::default(),
        config,
        &model::initial_values(&config, &settings.init()),
        &ids,
        &ids,
        &options(&settings),
        &settings.optimizer(),
    )?;
    let recording = training.recording();
    println!("{recording}");
    let tokens = settings.train.batch_size * settings.train.accumulation as usize * config.block_size;
    println!(
        "{} launches, {:.1} GFLOP and {:.1} MB of least memory traffic for {tokens} tokens",
        recording.launches().len(),
        recording.flop() as f64 * 1e-9,
        recording.launches().iter().map(device::Launch::bytes).sum::<u64>() as f64 * 1e-6,
    );
    println!("{:.1} MB of device memory", device.memory() as f64 * 1e-6);
    Ok(())
}

/// `runs/` and the name of the settings.
fn default_folder(config: &str) -> PathBuf {
    Path::new("runs").join(Path::new(config).file_stem().unwrap_or_default())
}

/// The tokenizer of the run: that of the checkpoint, else the given one, else a new one.
fn tokenizer(
    args: &TrainArgs,
    settings: &Settings,
    folder: &Folder,
    saved: Option<&Saved>,
) -> Result<Tokenizer> {
    if let Some(saved) = saved {
        let tokenizer = Tokenizer::from_bytes(&saved.tokenizer)
            .with_context(|| format!("tokenizer of the run in {}", folder.path().display()))?;
        let config = saved.model.config;
        tokenizer.check_model(config.vocab_size as u32, config.mask_id)?;
        if let Some(path) = &args.tokenizer {
            let given = data::load_tokenizer(path)?;
            ensure!(
                given.to_json() == tokenizer.to_json(),
                "{} is not the tokenizer that the run began with; leave out `--tokenizer`",
                path.display()
            );
        }
        return Ok(tokenizer);
    }
    match &args.tokenizer {
        Some(path) => data::load_tokenizer(path),
        None => data::train_tokenizer(&args.data, settings),
    }
}

fn start(
    device: &mut Device,
    forms: &Forms,
    settings: &Settings,
    tokenizer: &Tokenizer,
    data: &Data,
) -> Result<(Training, model::Config)> {
    let config = settings.config(tokenizer.vocab_size() as usize, tokenizer.mask_id());
    config.validate()?;
    let training = Training::new(
        device,
        forms,
        config,
        &model::initial_values(&config, &settings.init()),
        &data.train,
        &data.validation,
        &options(settings),
        &settings.optimizer(),
    )?;
    Ok((training, config))
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

fn fresh(settings: &Settings, forms: Forms) -> State {
    State {
        step: 0,
        generator_counter: 1,
        seed: settings.train.seed,
        validation_loss: None,
        best_loss: None,
        seconds: 0.0,
        forms,
    }
}

fn restored(saved: &Saved) -> TrainingState {
    TrainingState {
        step: saved.state.step,
        parameters: saved.model.values.clone(),
        moments: saved.moments.clone(),
    }
}

/// The fastest shader forms on a GPU, measured; the CPU has but one.
fn choose_forms(device: &mut Device) -> Result<Forms> {
    if device.gpu().is_none() {
        return Ok(Forms::default());
    }
    Ok(block_on(kernels::tune(device))?)
}
