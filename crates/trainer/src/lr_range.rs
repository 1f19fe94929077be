//! The learning-rate range test (Smith 2017, arXiv 1506.01186): one short training whose rate rises
//! evenly shows at which rates the loss falls, and where it no longer does.

use std::path::Path;

use anyhow::{Context, Result};
use device::Device;
use diffusion::training::Training;
use indicatif::{ProgressBar, ProgressStyle};
use plot::curve::{BandPlot, Series};
use plot::theme::Theme;
use pollster::block_on;
use run::Settings;

use crate::compute::ComputeArgs;
use crate::corpus_files::{CORPUS, CorpusFile, load_tokenizer};
use crate::curves::Drawing;
use crate::print::{self, say};
use crate::{compute, memory, settings};

/// What to train, and up to which rate.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) config: &'a str,
    pub(crate) changes: &'a [String],
    pub(crate) data: Option<&'a Path>,
    pub(crate) tokenizer: Option<&'a Path>,
    pub(crate) steps: u32,
    /// The last rate, as a multiple of that of the settings.
    pub(crate) highest: f64,
    pub(crate) plot: &'a Path,
    pub(crate) compute: &'a ComputeArgs,
}

/// Steps between two reads of the losses.
const READ: u32 = 10;

/// The test ends where the smoothed loss is so many times its lowest value.
const RISEN: f64 = 1.3;

/// A step of the test.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sample {
    /// Rate, as a multiple of that of the settings.
    factor: f64,
    loss: f64,
    smoothed: f64,
}

/// Trains, draws, and says what was seen.
pub(crate) fn run(request: &Request<'_>) -> Result<()> {
    let settings = settings::read(request.config, request.changes)?;
    let corpus = CorpusFile::read(request.data.unwrap_or(Path::new(CORPUS)))?;
    let tokenizer = match request.tokenizer {
        Some(path) => load_tokenizer(path)?,
        None => corpus.train_tokenizer(&settings.data)?,
    };
    let tokenizer = tokenizer.tokenizer();
    let config = settings.config(tokenizer.vocab_size() as usize, tokenizer.mask_id());
    let share = settings.data.validation_share;
    let data = corpus.encode_parts(tokenizer, share, config.block_size)?;
    let mut device = request.compute.open()?;
    let variants = compute::training_variants(&mut device, settings.train.precision)?;
    let sized = settings.with_vocabulary(config.vocab_size);
    memory::check_training(&sized, data.lengths(), &device, &variants)?;
    let init = model::initial_values(&config, &settings.init());
    let optimizer = settings.optimizer().rising(request.steps, request.highest);
    let mut training = Training::new(
        &mut device,
        &variants,
        config,
        &init,
        &data,
        &settings.training(tokenizer.end_of_text_id()),
        &optimizer,
    )?;
    let samples = test(&mut training, &mut device, request)?;
    let plot = picture(&settings, &samples);
    Drawing::new(|size, measure| plot.draw(size, measure))?.write(request.plot)?;
    print::result(verdict(&settings, &samples, request)?)?;
    say!("wrote {}", request.plot.display());
    Ok(())
}

/// The steps until the loss rises, or all of them.
fn test(
    training: &mut Training,
    device: &mut Device,
    request: &Request<'_>,
) -> Result<Vec<Sample>> {
    let bar = ProgressBar::new(request.steps.into());
    let style = "{bar:24} step {pos}/{len}  {msg}  {eta} left";
    bar.set_style(ProgressStyle::with_template(style)?.progress_chars("━╸ "));
    let mut samples: Vec<Sample> = vec![];
    for step in 1..=request.steps {
        training.step(device)?;
        bar.inc(1);
        if !step.is_multiple_of(READ) && step < request.steps {
            continue;
        }
        for entry in block_on(training.log(device))? {
            let factor = entry.lr_factor * request.highest;
            samples.push(after(&samples, factor, entry.loss.into(), request.steps));
        }
        if let Some(last) = samples.last() {
            bar.set_message(format!("loss {:.3}", last.smoothed));
        }
        if training.diverged() || has_risen(&samples) {
            break;
        }
    }
    bar.finish_and_clear();
    samples.retain(|sample| sample.loss.is_finite());
    Ok(samples)
}

/// The next sample: its loss, smoothed over a twentieth of the steps.
fn after(before: &[Sample], factor: f64, loss: f64, steps: u32) -> Sample {
    let smoothed = match before.last() {
        Some(last) => {
            let window = (f64::from(steps) / 20.0).min(before.len() as f64 + 1.0).max(1.0);
            last.smoothed + (loss - last.smoothed) / window
        }
        None => loss,
    };
    Sample { factor, loss, smoothed }
}

fn lowest(samples: &[Sample]) -> Option<Sample> {
    samples.iter().copied().min_by(|a, b| a.smoothed.total_cmp(&b.smoothed))
}

/// Whether the smoothed loss has left its lowest value far behind. A loss that is not finite has.
fn has_risen(samples: &[Sample]) -> bool {
    let (Some(last), Some(lowest)) = (samples.last(), lowest(samples)) else { return false };
    !last.smoothed.is_finite() || last.smoothed > RISEN * lowest.smoothed
}

fn picture(settings: &Settings, samples: &[Sample]) -> BandPlot {
    let lr = settings.optimizer.lr;
    let top = samples.iter().map(|sample| sample.smoothed).fold(0.0, f64::max);
    let line = |of: fn(&Sample) -> f64| {
        let points = samples.iter().map(|sample| {
            let loss = of(sample).min(1.05 * top);
            [lr * sample.factor, loss, loss, loss]
        });
        points.collect()
    };
    let muon = settings.optimizer().muon.map(|muon| ("Muon's rate".to_owned(), muon.lr / lr));
    BandPlot {
        title: "Learning-rate range test".to_owned(),
        x_label: "Learning rate".to_owned(),
        x_scale: muon,
        y_label: "Training loss, nats".to_owned(),
        lines: vec![
            Series::line("each step", line(|sample| sample.loss)),
            Series::line("smoothed", line(|sample| sample.smoothed)),
        ],
        log_x: true,
        theme: Theme::Light,
        ..BandPlot::default()
    }
}

/// What the test says, in words.
fn verdict(settings: &Settings, samples: &[Sample], request: &Request<'_>) -> Result<String> {
    let lowest = lowest(samples).context("no step had a finite loss; try a lower rate")?;
    let last = samples.last().expect("there is a lowest one");
    let rates = |factor: f64| {
        let lr = format!("optimizer.lr={:.2e}", factor * settings.optimizer.lr);
        let muon = settings.optimizer().muon;
        let muon = muon.map(|muon| format!(" optimizer.muon.lr={:.2e}", factor * muon.lr));
        lr + &muon.unwrap_or_default()
    };
    let (factor, loss) = (lowest.factor, lowest.smoothed);
    let end = match (has_risen(samples), last.factor >= 0.99 * request.highest) {
        (false, true) => {
            format!("it does not rise up to {}; ask for more by `--highest`", rates(last.factor))
        }
        _ => format!("at {} it has risen to {:.3}", rates(last.factor), last.smoothed),
    };
    Ok(format!(
        "the loss is lowest, {loss:.3}, at {factor:.2} times the rates of the settings: {}\n{end}\na third of the first is a fair choice for a whole run: {}",
        rates(factor),
        rates(factor / 3.0)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(losses: &[f64]) -> Vec<Sample> {
        let mut samples = vec![];
        for (n, &loss) in losses.iter().enumerate() {
            samples.push(after(&samples, (n + 1) as f64, loss, 20));
        }
        samples
    }

    #[test]
    fn a_loss_that_rises_ends_the_test() {
        let falling = samples(&[6.0, 5.0, 4.0, 4.1]);
        assert!(!has_risen(&falling));
        assert_eq!(lowest(&falling).map(|sample| sample.factor), Some(3.0));
        assert!(has_risen(&samples(&[6.0, 5.0, 4.0, 7.0])));
        assert!(has_risen(&samples(&[6.0, f64::NAN])));
        assert!(!has_risen(&[]));
    }
}
