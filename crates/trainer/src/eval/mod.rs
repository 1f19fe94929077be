//! Evaluation: metrics of one or more models on the same held-out text.

mod denoise;
mod generate;
mod report;

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use corpus::stories::VALIDATION_SHARE;
use corpus::tokenizer::Tokenizer;
use diffusion::metrics::{Overlap, Scorer, distinct, unigram_entropy};
use indicatif::{ProgressBar, ProgressStyle};
use model::Model;
use plot::curve::{EntropyPlot, Reference, SIZE};
use plot::raster::{Raster, png};
use plot::theme::Theme;

use crate::commands::eval::EvalArgs;
use crate::settings::Settings;
use crate::train::data;
use crate::{checkpoints, compute, files};
use report::Report;

/// Runs the command.
pub(crate) fn eval(args: &EvalArgs) -> Result<()> {
    let mut reports = Vec::new();
    for path in &args.checkpoint {
        let report =
            measure(path, args).with_context(|| format!("cannot evaluate {}", path.display()))?;
        reports.push(report);
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&reports)?);
    } else {
        print!("{}", report::table(&reports));
    }
    if let Some(path) = &args.plot {
        let picture = entropy_plot(&reports)?;
        files::write_atomically(path, |file| Ok(file.write_all(&picture)?))?;
    }
    Ok(())
}

/// Everything that is measured of one model.
fn measure(path: &Path, args: &EvalArgs) -> Result<Report> {
    let path = checkpoints::locate(path)?;
    let checkpoint = checkpoints::load_model(&path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let tokenizer = match &args.tokenizer {
        Some(path) => data::load_tokenizer(path)?,
        None => data::load_tokenizer(&folder.join(checkpoints::TOKENIZER))?,
    };
    let config = checkpoint.config;
    let card = &checkpoint.card;
    tokenizer.check_model(config.vocab_size as u32, config.mask_id, card.end_of_text)?;
    let trained = card.schedule;
    let held_out = held_out(args, folder, &tokenizer, config.block_size)?;
    let windows = denoise::Windows::new(&held_out, config.block_size, args.batches as usize)?;

    // A device of its own for each model: devices do not give buffers back.
    let mut device = args.compute.open()?;
    let variants = compute::variants(&mut device)?;
    let model = Model::load(&mut device, &checkpoint)?;
    let scorer = Scorer::new(&mut device, &variants, &model, denoise::BATCH, config.block_size)?;
    let bytes = windows.sequences().flatten().map(|&id| bytes(&tokenizer, id)).sum::<usize>();
    let bytes = bytes as f64 / windows.sequences().count() as f64;
    // Batches of the loss, of each timestep's entropy, and passes of the seed's sampler.
    let passes =
        args.batches as usize + denoise::ENTROPY_BATCHES * config.timesteps + config.timesteps + 1;
    let bar = ProgressBar::new(passes as u64).with_style(
        ProgressStyle::with_template("{bar:24} pass {pos}/{len}  {eta} left")?
            .progress_chars("━╸ "),
    );
    let masking = denoise::Masking { masks: args.schedule.unwrap_or(trained), trained };
    let measured = denoise::measure(&mut device, &scorer, &config, masking, &windows, bytes, &bar)?;
    let texts = generate::texts(&mut device, &variants, &model, trained, &windows, &bar)?;
    bar.finish_and_clear();
    let overlap_13 = match &args.train_data {
        Some(path) => {
            let known = data::encode(path, &tokenizer)?;
            Some(Overlap::new(&known, 13).share(&texts.generated))
        }
        None => None,
    };
    Ok(Report {
        name: card.name.clone().unwrap_or_else(|| folder.display().to_string()),
        checkpoint: path.display().to_string(),
        device: device.to_string(),
        step: card.step,
        parameters: config.parameters(),
        vocabulary: config.vocab_size,
        schedule: masking.masks,
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
        overlap_13,
    })
}

/// Bytes of text that a token stands for; an unknown byte is one byte, other specials are none.
fn bytes(tokenizer: &Tokenizer, id: u32) -> usize {
    if Some(id) == tokenizer.unk_id() {
        1
    } else if tokenizer.is_special(id) {
        0
    } else {
        tokenizer.token_bytes(id).len()
    }
}

/// The tokens that models are measured on.
fn held_out(
    args: &EvalArgs,
    folder: &Path,
    tokenizer: &Tokenizer,
    block: usize,
) -> Result<Vec<u32>> {
    if let Some(path) = &args.text {
        return data::encode(path, tokenizer);
    }
    let settings = folder.join(checkpoints::SETTINGS);
    let share = match settings.is_file() {
        true => {
            let text = std::fs::read_to_string(&settings)
                .with_context(|| format!("cannot read {}", settings.display()))?;
            Settings::parse(&text, &[])?.data.validation_share
        }
        false => VALIDATION_SHARE,
    };
    Ok(data::Data::read(&args.data, tokenizer, share, block)?.validation)
}

/// The entropies of all models in one picture, as a PNG file.
fn entropy_plot(reports: &[Report]) -> Result<Vec<u8>> {
    let models = reports.iter().map(|report| {
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
    let mut raster = Raster::new(SIZE)?;
    let shapes = plot.draw(SIZE, &mut |text, size, weight| raster.measure(text, size, weight));
    Ok(png::encode(SIZE, raster.draw(&shapes))?)
}
