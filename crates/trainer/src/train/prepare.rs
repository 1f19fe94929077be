//! From a plan to a training that is ready to go.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use device::Device;
use diffusion::training::Data;
use diffusion::training::team::{Share, Team};
use kernels::Variants;
use pollster::block_on;
use run::checkpoint::{LOG, SETTINGS, TOKENIZER};
use run::settings::TrainSettings;
use run::{Run, RunError, Saved, Settings, Setup, Start, TokenizerFile};

use super::console::Console;
use super::drive::Drive;
use super::folder::Folder;
use super::inputs::{Inputs, Source};
use super::log_file::LogFile;
use super::team::Workers;
use super::{CONFIG, Plan, processes};
use crate::checkpoints::{Located, WeightsArgs};
use crate::compute::ComputeArgs;
use crate::corpus_files::{CORPUS, CorpusFile, load_tokenizer};
use crate::curves::Curves;
use crate::{checkpoints, compute, files, memory, settings};

/// What a run computes with.
struct Ready {
    settings: Settings,
    tokenizer: TokenizerFile,
    corpus: CorpusFile,
    compute: ComputeArgs,
    /// The model whose weights it began with.
    init: Option<Source>,
    /// Of a run that has a checkpoint.
    variants: Option<Variants>,
    start: Start,
    /// What a resumed run does otherwise than before, one sentence each.
    changes: Vec<String>,
}

/// What a training begins with: a device, and all that is read from files.
pub(super) struct Opened {
    pub(super) device: Device,
    /// Bytes that the training will take on it.
    memory: u64,
    pub(super) setup: Setup,
    pub(super) data: Arc<Data>,
    pub(super) start: Start,
    pub(super) compute: ComputeArgs,
    corpus: CorpusFile,
    init: Option<Source>,
    changes: Vec<String>,
}

impl Opened {
    /// For rank `rank` of those that train together. Writes nothing.
    pub(super) fn new(plan: &Plan, rank: usize) -> Result<Self> {
        let ready = if plan.resume { resume(plan, &plan.out)? } else { begin(plan)? };
        let Ready { settings, tokenizer, corpus, compute, init, variants, start, changes } = ready;
        let data = corpus.encode_parts(
            tokenizer.tokenizer(),
            settings.data.validation_share,
            settings.model.block_size,
        )?;
        let mut device = compute.open_for(rank)?;
        let variants = match variants {
            Some(variants) => compute::saved_variants(variants, &device),
            None => compute::training_variants(&mut device, settings.train.precision)?,
        };
        let sized = settings.with_vocabulary(tokenizer.tokenizer().vocab_size() as usize);
        let memory = memory::check_training(&sized, data.lengths(), &device, &variants)?;
        let setup = Setup { settings, tokenizer, variants };
        let data = Arc::new(data);
        Ok(Self { device, memory, setup, data, start, corpus, compute, init, changes })
    }

    /// The same for the process that `team` is, and that its first one agrees with.
    pub(super) fn among(plan: &Plan, team: &mut dyn Team) -> Result<Self> {
        let mut opened = Self::new(plan, team.rank())?;
        if team.rank() == 0 {
            // Here, so that not all of them say it.
            let TrainSettings { parts, accumulation, .. } = opened.setup.settings.train;
            let share = Share { parts: parts as usize, rank: 0, ranks: team.ranks() };
            share.check(accumulation as usize)?;
        }
        let step = match &opened.start {
            Start::Progress(progress) => progress.state.step,
            Start::Random | Start::Weights(_) => 0,
        };
        let inputs = format!("{step} {}", opened.corpus.sha256());
        processes::agree(team, &opened.device, &mut opened.setup, &inputs)?;
        Ok(opened)
    }
}

/// Sets up a new run, or an old one as its newest checkpoint left it. Others of this process, if
/// there are to be some, begin with it; those of `processes` have begun.
pub(super) fn prepare(plan: &Plan, processes: Option<Box<dyn Team>>) -> Result<Drive> {
    let mut folder = Folder::enter(&plan.out, plan.resume)?;
    let (opened, team, workers) = match processes {
        Some(mut team) => (Opened::among(plan, &mut *team)?, team, Workers::default()),
        None => {
            let opened = Opened::new(plan, 0)?;
            let (team, workers) = Workers::start(plan.ranks, &opened);
            (opened, team, workers)
        }
    };
    let Opened { mut device, memory, setup, data, start, corpus, compute, init, changes } = opened;
    let (steps, toml) = (setup.settings.train.steps, setup.settings.to_toml());
    let json = setup.tokenizer.json().to_vec();
    let name = folder.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let run = match block_on(Run::new(&mut device, name, setup, &data, start, team, 0.0)) {
        Ok(run) => run,
        Err(error @ RunError::Device(_)) => {
            let memory = memory::gigabytes(memory);
            let needs = format!("this training needs {memory} of memory on {device}");
            return Err(workers.blame(anyhow::Error::from(error).context(needs)));
        }
        Err(error) => return Err(workers.blame(error.into())),
    };
    let begun = Instant::now();

    folder.begin();
    // First, for it says whose the other files are.
    Inputs::new(&corpus, init, &compute).write(folder.path())?;
    for (name, bytes) in [(SETTINGS, toml.as_bytes()), (TOKENIZER, &json)] {
        files::write_atomically(&folder.file(name), |file| Ok(file.write_all(bytes)?))?;
    }
    let log = LogFile::start(&folder.file(LOG), run.log())?;
    let step = run.steps_done();
    let console = Console::new(step, steps);
    let config = run.config();
    for line in [
        format!("device      {device}"),
        format!("memory      {}", memory::gigabytes(memory)),
        format!("model       {} parameters, vocabulary {}", config.parameters(), config.vocab_size),
        format!(
            "corpus      {} tokens, {} held out, of {}",
            data.train.len(),
            data.validation.len(),
            corpus.path().display()
        ),
        format!("run         {}, step {step} of {steps}", plan.out.display()),
    ] {
        console.line(&line);
    }
    for change in changes {
        console.line(&format!("changed     {change}"));
    }
    let curves = Curves::start(folder.path(), run.log().records())?;
    let goal = plan.goal;
    Ok(Drive { run, workers, device, log, curves, console, folder, begun, goal })
}

/// What a new run begins with.
fn begin(plan: &Plan) -> Result<Ready> {
    let source = plan.config.as_deref().unwrap_or(CONFIG);
    let init = match &plan.init {
        Some(path) => Some(checkpoints::load_located(
            path,
            plan.tokenizer.as_deref(),
            WeightsArgs::default(),
        )?),
        None => None,
    };
    let settings = match &init {
        // The sizes are the model's; a change that asks for others is refused later.
        Some(Located { model, .. }) => {
            settings::read(source, &[])?.sized_like(&model.config).changed(&plan.changes)?
        }
        None => settings::read(source, &plan.changes)?,
    };
    let corpus = CorpusFile::read(plan.data.as_deref().unwrap_or(Path::new(CORPUS)))?;
    let given = init.is_some() || plan.tokenizer.is_some();
    let (tokenizer, init, start) = match (init, &plan.tokenizer) {
        (Some(Located { file, model, tokenizer, .. }), _) => {
            (tokenizer, Some(Source::read(&file)?), Start::Weights(model.into()))
        }
        (None, Some(path)) => (load_tokenizer(path)?, None, Start::Random),
        (None, None) => (corpus.train_tokenizer(&settings.data)?, None, Start::Random),
    };
    let vocab_size = match given {
        true => tokenizer.tokenizer().vocab_size() as usize,
        false => settings.data.vocab_size,
    };
    let settings = settings.with_vocabulary(vocab_size);
    let compute = plan.compute.clone();
    let changes = Vec::new();
    Ok(Ready { settings, tokenizer, corpus, compute, init, variants: None, start, changes })
}

/// What the run in `folder` goes on with. What is asked for is allowed or refused by
/// [`Settings::resume`] and by [`Inputs`], never ignored.
fn resume(plan: &Plan, folder: &Path) -> Result<Ready> {
    let run = plan.out.display();
    let mut inputs = Inputs::read(folder)?;
    let saved = checkpoints::latest(folder)?.map(|path| checkpoints::load(&path)).transpose()?;
    // Its settings may have been edited, which asks for a change.
    let kept = folder.join(SETTINGS);
    let init = inputs.as_mut().and_then(|inputs| inputs.init.take());
    let (settings, tokenizer, variants, start) = match saved {
        Some(Saved { setup, progress }) => {
            let start = Start::Progress(progress.into());
            (setup.settings, setup.tokenizer, Some(setup.variants), start)
        }
        // Killed before its first checkpoint, a run begins again as what it was.
        None => {
            let settings = settings::read(&kept.to_string_lossy(), &[])?;
            let tokenizer = folder.join(TOKENIZER);
            let start = match &init {
                Some(source) => {
                    source.check("model")?;
                    let init = checkpoints::load_located(
                        &source.path,
                        Some(&tokenizer),
                        WeightsArgs::default(),
                    )?;
                    Start::Weights(init.model.into())
                }
                None => Start::Random,
            };
            (settings, load_tokenizer(&tokenizer)?, None, start)
        }
    };
    let asked = match &plan.config {
        Some(source) => settings::text(source)?,
        None if kept.is_file() => settings::text(&kept.to_string_lossy())?,
        None => settings.to_toml(),
    };
    // A file says how large a tokenizer is wanted; one that was given has its own size.
    let size = format!("data.vocab_size={}", settings.data.vocab_size);
    let asked = Settings::parse(&asked, &[&[size], plan.changes.as_slice()].concat())
        .and_then(|asked| Ok((settings.resume(&asked)?, asked)));
    let (mut changes, asked) = asked.with_context(|| format!("settings of the run in {run}"))?;
    let step = match &start {
        Start::Progress(progress) => progress.state.step,
        Start::Random | Start::Weights(_) => 0,
    };
    ensure!(
        asked.train.steps >= step,
        "the run in {run} has done {step} steps, more than the {} asked for; ask for more by `--steps`",
        asked.train.steps
    );
    check_tokenizer(plan, &tokenizer)?;

    let before = inputs.as_ref().map(|inputs| inputs.corpus.path.as_path());
    let path = plan.data.as_deref().or(before).with_context(|| {
        format!("the run in {run} does not say what it is trained on; name the corpus by `--data`")
    })?;
    if plan.data.is_none() {
        ensure!(
            path.exists(),
            "the corpus of the run in {run} is not in {} any more; name its new place by `--data`",
            path.display()
        );
    }
    let corpus = CorpusFile::read(path)?;
    let mut compute = plan.compute.clone();
    if let Some(inputs) = &inputs {
        ensure!(
            corpus.sha256() == inputs.corpus.sha256,
            "{} is not the text that the run began with (its SHA-256 is another); name that text by `--data`, or begin a new run in another `--out`",
            path.display()
        );
        compute = inputs.compute(plan);
        changes.extend(inputs.device_changes(&compute));
    }
    Ok(Ready { settings: asked, tokenizer, corpus, compute, init, variants, start, changes })
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
