//! From the command line to a training that is ready to run.

use std::io::Write;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use corpus::tokenizer::Tokenizer;
use device::Device;
use diffusion::training::{Training, TrainingState};
use kernels::Variants;
use pollster::block_on;

use super::console::Console;
use super::curves::Curves;
use super::data::{self, Data};
use super::folder::Folder;
use super::run::Run;
use super::samples::Sampler;
use super::{default_folder, options};
use crate::checkpoints::{self, Saved, State};
use crate::commands::train::TrainArgs;
use crate::run_log::{Record, RunLog};
use crate::settings::Settings;
use crate::{compute, files};

/// Sets up a new run, or an old one as its newest checkpoint left it.
pub(super) fn prepare(args: &TrainArgs) -> Result<Run> {
    // Read first: settings that make no sense should leave no folder behind.
    let read = || Settings::read(&args.config, &args.changes());
    let asked = if args.resume { None } else { Some(read()?) };
    let path = args.out.clone().unwrap_or_else(|| default_folder(&args.config));
    let folder = Folder::enter(&path, args.resume)?;
    let saved = match checkpoints::latest(folder.path())? {
        Some(path) => Some(checkpoints::load(&path)?),
        None => None,
    };
    let mut settings = match (&saved, asked) {
        (Some(saved), _) => Settings::parse(&saved.settings, &args.changes())
            .with_context(|| format!("settings of the run in {}", path.display()))?,
        (None, Some(settings)) => settings,
        // Killed before its first checkpoint: it begins again.
        (None, None) => read()?,
    };
    let tokenizer = tokenizer(args, &settings, &folder, saved.as_ref())?;
    settings.data.vocab_size = tokenizer.vocab_size() as usize;
    let data = Data::read(
        &args.data,
        &tokenizer,
        settings.data.validation_share,
        settings.model.block_size,
    )?;

    let mut device = args.compute.open()?;
    let variants = match &saved {
        Some(saved) => saved.state.variants,
        None => compute::variants(&mut device)?,
    };
    let (mut training, config) = start(&mut device, &variants, &settings, &tokenizer, &data)?;
    if let Some(saved) = &saved {
        ensure!(
            saved.model.config == config,
            "the checkpoint's model has other sizes than the settings ({:?}, {config:?}); sizes cannot change in a run",
            saved.model.config
        );
        restore(&mut training, &mut device, saved)?;
    }

    for (name, text) in [
        (checkpoints::SETTINGS, settings.to_toml()?),
        (checkpoints::TOKENIZER, tokenizer.to_json()),
    ] {
        files::write_atomically(&folder.file(name), |file| Ok(file.write_all(text.as_bytes())?))?;
    }
    let before = saved.as_ref().map_or(&[][..], |saved| &saved.log);
    let mut log = RunLog::start(&folder.file(checkpoints::LOG), before)?;
    let step = training.steps_done();
    log.push(Record::Start {
        step,
        device: device.to_string(),
        parameters: config.parameters(),
        vocabulary: config.vocab_size,
        tokens: settings.tokens_per_step(),
        train_tokens: data.train.len(),
        validation_tokens: data.validation.len(),
    })?;
    println!("device      {device}");
    println!("model       {} parameters, vocabulary {}", config.parameters(), config.vocab_size);
    println!("corpus      {} tokens, {} held out", data.train.len(), data.validation.len());
    println!("run         {}, step {step} of {}", path.display(), settings.train.steps);

    let mut state = saved.map_or_else(|| fresh(variants), |saved| saved.state);
    state.seed = settings.train.seed;
    Ok(Run {
        sampler: Sampler::new(
            &mut device,
            &state.variants,
            training.model(),
            &settings,
            &tokenizer,
        )?,
        curves: Curves::start(folder.path())?,
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
    })
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
        let end_of_text = saved.model.card.end_of_text;
        tokenizer.check_model(config.vocab_size as u32, config.mask_id, end_of_text)?;
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
        None => data::train_tokenizer(&args.data, &settings.data),
    }
}

fn start(
    device: &mut Device,
    variants: &Variants,
    settings: &Settings,
    tokenizer: &Tokenizer,
    data: &Data,
) -> Result<(Training, model::Config)> {
    let config = settings.config(tokenizer.vocab_size() as usize, tokenizer.mask_id());
    config.validate()?;
    let training = Training::new(
        device,
        variants,
        config,
        &model::initial_values(&config, &settings.init()),
        &data.train,
        &data.validation,
        &options(settings),
        &settings.optimizer(),
    )?;
    Ok((training, config))
}

/// The state of a new run.
fn fresh(variants: Variants) -> State {
    State {
        step: 0,
        generator_counter: 1,
        seed: 0,
        validation_loss: None,
        best_loss: None,
        seconds: 0.0,
        variants,
    }
}

/// Puts a checkpoint's state in the place of a new one's.
fn restore(training: &mut Training, device: &mut Device, saved: &Saved) -> Result<()> {
    let fresh = block_on(training.state(device))?;
    for (name, values) in &fresh.moments {
        let found = saved.moments.iter().find(|(known, _)| known == name);
        ensure!(
            found.is_some_and(|(_, found)| found.len() == values.len()),
            "the checkpoint lacks the optimiser's `{name}`; the optimiser cannot change in a run"
        );
    }
    let state = TrainingState {
        step: saved.state.step,
        parameters: saved.model.values.clone(),
        moments: saved.moments.clone(),
    };
    Ok(training.restore(device, &state)?)
}
