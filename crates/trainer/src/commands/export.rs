//! `export`: a checkpoint made ready to be shipped.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use device::Device;
use kernels::Variants;
use model::{Check, Checkpoint, Model, Precision};
use pollster::block_on;
use run::Log;
use run::checkpoint::{LOG, MODEL, SETTINGS, STATE, TOKENIZER};

use crate::checkpoints::{Located, WeightsArgs};
use crate::model_list::ModelList;
use crate::print::say;
use crate::sampler_args::SamplerArgs;
use crate::{checkpoints, curves, files, sample, train};

/// Make a checkpoint ready to be shipped: half-precision weights, tokenizer, settings, log, curves
///
/// Files of the target folder with other names stay as they are. Sampler flags go into the model's card:
/// `sample` and the page then write so unless told otherwise. Where a models.json lies beside the target
/// folder, the list of the page, it gets the model, too.
#[derive(Clone, Debug, Args)]
pub(crate) struct ExportArgs {
    /// Run's folder (its best checkpoint is taken) or checkpoint's folder
    #[arg(long, value_name = "DIR")]
    pub(crate) checkpoint: PathBuf,

    /// Folder to write, for instance artifacts/models/NAME; its name becomes the model's
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,

    #[command(flatten)]
    pub(crate) weights: WeightsArgs,

    #[command(flatten)]
    pub(crate) sampler: SamplerArgs,
}

/// Runs the command.
pub(crate) fn run(args: &ExportArgs) -> Result<()> {
    let path = checkpoints::locate(&args.checkpoint)?;
    let folder = path.parent().context("a checkpoint lies in a folder")?;
    check_target(&args.out, folder)?;
    let list = ModelList::beside(&args.out)?;
    let Located { mut model, averaged, tokenizer, .. } =
        checkpoints::load_located(&path, None, args.weights)?;
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read(&path)
            .with_context(|| format!("cannot read {}, which a shipped model needs", path.display()))
    };
    if args.sampler.given() {
        let defaults = sample::defaults(&model.card, tokenizer.tokenizer())?;
        let options = args.sampler.apply(&defaults)?;
        options.validate(&model.config, model.card.objective)?;
        model.card.sampling = Some(writer::sampling(&options));
    }
    let settings = read(SETTINGS)?;
    let log = Log::parse(read(LOG)?)?;
    let name = args.out.file_name().unwrap_or_default().to_string_lossy().into_owned();
    model.card.name = Some(name.clone());
    model.card.check = Some(check(&model).with_context(|| path.display().to_string())?);
    let weights =
        model.to_safetensors(Precision::F16).with_context(|| path.display().to_string())?;
    let size = weights.len() as f64 * 1e-6;

    fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot create the folder {}", args.out.display()))?;
    let tokenizer = tokenizer.json();
    for (name, bytes) in
        [(MODEL, &*weights), (TOKENIZER, tokenizer), (SETTINGS, &settings), (LOG, log.bytes())]
    {
        files::write_atomically(&args.out.join(name), |file| Ok(file.write_all(bytes)?))?;
    }
    curves::draw(&args.out, log.records())?;
    if let Some(list) = list {
        list.with(&name, model.card.objective, [(MODEL, &weights), (TOKENIZER, tokenizer)])?;
    }
    let step = model.card.step.map_or("unknown".to_owned(), |step| step.to_string());
    say!(
        "{}: `{name}` of step {step}{}, {} parameters, {size:.1} MB",
        args.out.display(),
        if averaged { " (averaged)" } else { "" },
        model.config.parameters()
    );
    Ok(())
}

/// What the model computes for a fixed input, as it will be shipped: rounded, on the CPU.
fn check(model: &Checkpoint) -> Result<Check> {
    let rounded = Checkpoint::from_safetensors(&model.to_safetensors(Precision::F16)?)?;
    let mut device = Device::cpu();
    let model = Model::load(&mut device, &rounded)?;
    Ok(block_on(writer::expectation(&mut device, &model, &Variants::default()))?)
}

/// Refuses a folder that holds something else than an earlier export.
fn check_target(out: &Path, source: &Path) -> Result<()> {
    let name = out.display();
    let same = |folder: &Path| {
        fs::canonicalize(folder)
            .is_ok_and(|folder| fs::canonicalize(out).is_ok_and(|o| o == folder))
    };
    ensure!(!same(source), "{name} is what is exported; choose another `--out`");
    ensure!(
        !train::is_run(out)? && !out.join(STATE).is_file(),
        "{name} is the folder of a run or of a checkpoint; choose another `--out`"
    );
    // A model of this program that is no checkpoint was exported.
    let model = fs::read(out.join(MODEL)).ok();
    if model.is_some_and(|bytes| matches!(Checkpoint::head(&bytes), Ok(Some(_)))) {
        return Ok(());
    }
    let written = [MODEL, TOKENIZER, SETTINGS, LOG].into_iter().chain(curves::FILES);
    for file in written {
        if out.join(file).exists() {
            bail!("{name} holds `{file}`, which no export made; choose another `--out`");
        }
    }
    Ok(())
}
