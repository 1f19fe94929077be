//! From a plan to a training that is ready to go.

use std::io::Write;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use pollster::block_on;
use run::checkpoint::{LOG, SETTINGS, TOKENIZER};
use run::settings::DataSettings;
use run::{Run, Saved, Settings, Setup, Start, TokenizerFile};

use super::Plan;
use super::console::Console;
use super::drive::Drive;
use super::folder::Folder;
use super::log_file::LogFile;
use crate::checkpoints::Located;
use crate::corpus_files::{CorpusFile, load_tokenizer};
use crate::curves::Curves;
use crate::{checkpoints, compute, files, settings};

/// Sets up a new run, or an old one as its newest checkpoint left it.
pub(super) fn prepare(plan: &Plan) -> Result<Drive> {
    // Read first: settings that make no sense should leave no folder behind.
    let init = match &plan.init {
        Some(path) => Some(checkpoints::load_located(path, plan.tokenizer.as_deref())?),
        None => None,
    };
    let asked = match &init {
        _ if plan.resume => None,
        // The sizes are the model's; a change that asks for others is refused later.
        Some(Located { model, .. }) => {
            let settings = settings::read(&plan.config, &[])?.sized_like(&model.config);
            Some(settings.changed(&plan.changes)?)
        }
        None => Some(settings::read(&plan.config, &plan.changes)?),
    };
    let folder = Folder::enter(&plan.out, plan.resume)?;
    let saved = checkpoints::latest(folder.path())?.map(|path| checkpoints::load(&path));
    let corpus = CorpusFile::read(&plan.data)?;
    let (settings, tokenizer, variants, start) = match saved.transpose()? {
        Some(Saved { setup, progress }) => {
            let settings = setup
                .settings
                .changed(&plan.changes)
                .with_context(|| format!("settings of the run in {}", plan.out.display()))?;
            check_tokenizer(plan, &setup.tokenizer)?;
            (settings, setup.tokenizer, Some(setup.variants), Start::Progress(progress.into()))
        }
        None => {
            // Killed before its first checkpoint, a run begins again.
            let settings = match asked {
                Some(settings) => settings,
                None => settings::read(&plan.config, &plan.changes)?,
            };
            let (tokenizer, start) = match (init, &plan.tokenizer) {
                (Some(Located { model, tokenizer, .. }), _) => {
                    (tokenizer, Start::Weights(model.into()))
                }
                (None, Some(path)) => (load_tokenizer(path)?, Start::Random),
                (None, None) => (corpus.train_tokenizer(&settings.data)?, Start::Random),
            };
            (settings, tokenizer, None, start)
        }
    };
    let vocab_size = tokenizer.tokenizer().vocab_size() as usize;
    let settings = Settings { data: DataSettings { vocab_size, ..settings.data }, ..settings };
    let data = corpus.encode_parts(
        tokenizer.tokenizer(),
        settings.data.validation_share,
        settings.model.block_size,
    )?;

    let mut device = plan.compute.open()?;
    let variants = match variants {
        Some(variants) => compute::saved_variants(variants, &device),
        None => compute::variants(&mut device)?,
    };
    let (steps, toml) = (settings.train.steps, settings.to_toml());
    let json = tokenizer.json().to_vec();
    let setup = Setup { settings, tokenizer, variants };
    let name = folder.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let run = block_on(Run::new(&mut device, name, setup, &data, start, 0.0))?;
    let begun = Instant::now();

    for (name, bytes) in [(SETTINGS, toml.as_bytes()), (TOKENIZER, &json)] {
        files::write_atomically(&folder.file(name), |file| Ok(file.write_all(bytes)?))?;
    }
    let mut log = LogFile::start(&folder.file(LOG))?;
    log.update(run.log())?;
    let step = run.steps_done();
    println!("device      {device}");
    let config = run.config();
    println!("model       {} parameters, vocabulary {}", config.parameters(), config.vocab_size);
    println!("corpus      {} tokens, {} held out", data.train.len(), data.validation.len());
    println!("run         {}, step {step} of {steps}", plan.out.display());
    Ok(Drive {
        run,
        device,
        log,
        curves: Curves::start(folder.path())?,
        console: Console::new(step, steps),
        folder,
        begun,
    })
}

/// Refuses another tokenizer than the run's.
fn check_tokenizer(plan: &Plan, tokenizer: &TokenizerFile) -> Result<()> {
    let Some(path) = &plan.tokenizer else { return Ok(()) };
    let given = load_tokenizer(path)?;
    ensure!(
        given.tokenizer().to_json() == tokenizer.tokenizer().to_json(),
        "{} is not the tokenizer that the run began with; leave out `--tokenizer`",
        path.display()
    );
    Ok(())
}
