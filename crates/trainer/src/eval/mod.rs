//! Evaluation: metrics of one or more models on the same held-out text.

mod denoise;
mod generate;
mod report;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use corpus::stories::VALIDATION_SHARE;
use corpus::tokenizer::Tokenizer;
use diffusion::metrics::{ChainOrder, ChainRule, Overlap, Scorer, distinct, unigram_entropy};
use diffusion::{Probe, Schedule};
use indicatif::{ProgressBar, ProgressStyle};
use kernels::Precision;
use model::Model;
use plot::curve::{EntropyPlot, Reference};
use plot::theme::Theme;
use run::Settings;
use run::checkpoint::SETTINGS;

use crate::checkpoints::{Located, WeightsArgs};
use crate::compute::ComputeArgs;
use crate::corpus_files::CorpusFile;
use crate::curves::Drawing;
use crate::{checkpoints, compute};
pub(crate) use report::{Report, table};

/// What to measure, and on what.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The text.
    pub(crate) text: HeldOut,
    /// Corpus of the training, in which generated 13-grams are looked up.
    pub(crate) train_data: Option<PathBuf>,
    /// Tokenizer; `None` takes the one beside the model.
    pub(crate) tokenizer: Option<PathBuf>,
    /// Which weights of a checkpoint.
    pub(crate) weights: WeightsArgs,
    /// Batches for loss, accuracy and bits per byte.
    pub(crate) batches: usize,
    /// Schedule that masks the text; `None` takes the model's.
    pub(crate) schedule: Option<Schedule>,
    /// Order of the chain rule, if the likelihood is to be measured by it, too.
    pub(crate) order: Option<ChainOrder>,
    /// What to compute on.
    pub(crate) compute: ComputeArgs,
}

/// Text that no model was trained on.
#[derive(Clone, Debug)]
pub(crate) enum HeldOut {
    /// The part of a corpus that training holds out.
    PartOf(PathBuf),
    /// All of a file.
    Whole(PathBuf),
}

/// Measures the model at `path`.
pub(crate) fn measure(path: &Path, request: &Request) -> Result<Report> {
    measure_located(path, request).with_context(|| format!("cannot evaluate {}", path.display()))
}

fn measure_located(path: &Path, request: &Request) -> Result<Report> {
    let Located { file, model: checkpoint, averaged, tokenizer } =
        checkpoints::load_located(path, request.tokenizer.as_deref(), request.weights)?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let tokenizer = tokenizer.tokenizer();
    let config = checkpoint.config;
    let card = &checkpoint.card;
    let trained = card.schedule;
    let order = request.order;
    let chain_passes =
        order.map(|order| order.passes(card.objective, config.block_size)).transpose()?;
    let held_out = held_out(&request.text, folder, tokenizer, config.block_size)?;
    let windows = denoise::Windows::new(&held_out, config.block_size, request.batches)?;

    // A device of its own for each model: devices do not give buffers back.
    let mut device = request.compute.open()?;
    let variants = compute::variants(&mut device, Precision::F32)?;
    let model = Model::load(&mut device, &checkpoint)?;
    compute::check(&mut device, &model, &variants, card.check.as_ref())?;
    let masks = request.schedule.unwrap_or(trained);
    let size = [denoise::BATCH, config.block_size];
    let scorer = Scorer::with_costs(&mut device, &variants, &model, masks, size)?;
    let tokens: Vec<u32> = windows.sequences().flatten().copied().collect();
    let bytes =
        tokenizer.text_bytes(&tokens) as f64 / tokens.len() as f64 * config.block_size as f64;
    let probe = Probe::new(&config, model.objective, trained, masks);
    // Batches of the loss and of each timestep's entropy, about as many passes of the sampler, and those
    // of the chain rule.
    let passes = request.batches + denoise::ENTROPY_BATCHES * probe.times() + config.timesteps + 1;
    let passes = passes + request.batches * chain_passes.unwrap_or(0);
    let bar = ProgressBar::new(passes as u64).with_style(
        ProgressStyle::with_template("{bar:24} pass {pos}/{len}  {eta} left")?
            .progress_chars("━╸ "),
    );
    let measured = denoise::measure(&mut device, &scorer, &probe, &windows, bytes, &bar)?;
    let texts = generate::texts(&mut device, &variants, &model, trained, &windows, &bar)?;
    let chain_rule = match order {
        Some(order) => {
            let rule = ChainRule::new(&mut device, &variants, &model, probe, order, size)?;
            Some((order, denoise::chain(&mut device, &rule, &windows, bytes, &bar)?))
        }
        None => None,
    };
    bar.finish_and_clear();
    let overlap_13 = match &request.train_data {
        Some(path) => {
            let known = CorpusFile::read(path)?.encode(tokenizer)?;
            Some(Overlap::new(&known, 13).share(&texts.generated))
        }
        None => None,
    };
    Ok(Report {
        name: card.name.clone().unwrap_or_else(|| folder.display().to_string()),
        checkpoint: path.display().to_string(),
        device: device.to_string(),
        step: card.step,
        averaged,
        parameters: config.parameters(),
        vocabulary: config.vocab_size,
        objective: probe.objective,
        schedule: probe.masks,
        masked_loss: measured.masked.loss(),
        masked_perplexity: measured.masked.perplexity(),
        accuracy: measured.masked.accuracy(),
        entropy_per_timestep: measured.entropy.values(),
        change_rate: texts.change_rate,
        distinct_1: distinct(&texts.generated, 1),
        distinct_2: distinct(&texts.generated, 2),
        distinct_3: distinct(&texts.generated, 3),
        unigram_entropy: unigram_entropy(&texts.generated),
        bits_per_byte: measured.bits_per_byte.mean,
        bits_per_byte_error: measured.bits_per_byte.standard_error,
        chain_rule: chain_rule.map(|(order, bits)| report::ChainRule {
            order,
            bits_per_byte: bits.mean,
            bits_per_byte_error: bits.standard_error,
        }),
        overlap_13,
    })
}

/// The tokens that models are measured on.
fn held_out(
    text: &HeldOut,
    folder: &Path,
    tokenizer: &Tokenizer,
    block: usize,
) -> Result<Vec<u32>> {
    let corpus = match text {
        HeldOut::Whole(path) => return CorpusFile::read(path)?.encode(tokenizer),
        HeldOut::PartOf(path) => CorpusFile::read(path)?,
    };
    let settings = folder.join(SETTINGS);
    let share = if settings.is_file() {
        let text = std::fs::read_to_string(&settings)
            .with_context(|| format!("cannot read {}", settings.display()))?;
        Settings::parse(&text, &[])?.data.validation_share
    } else {
        VALIDATION_SHARE
    };
    let validation = corpus.encode_parts(tokenizer, share, block)?.validation;
    Ok(validation.read(0..validation.len())?)
}

/// The entropies of all models in one picture, as a PNG file.
pub(crate) fn entropy_plot(reports: &[Report]) -> Result<Vec<u8>> {
    let models = reports.iter().filter(|report| report.times().is_some()).map(|report| {
        let points = report.entropy_per_timestep.iter().zip(1..);
        (report.name.clone(), points.map(|(&entropy, t)| (f64::from(t), entropy)).collect())
    });
    let plot = EntropyPlot {
        title: "Predictive entropy over the diffusion time".to_owned(),
        models: models.collect(),
        references: reports.first().map_or_else(Vec::new, |report| {
            let guessing = (report.vocabulary as f64).ln();
            vec![Reference { label: "guessing".to_owned(), value: guessing }]
        }),
        theme: Theme::Light,
    };
    Drawing::new(|size, measure| plot.draw(size, measure))?.png()
}
