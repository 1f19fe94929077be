//! Curves (PNG, SVG) and TensorBoard's event file, made from the log.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use diffusion::training::Split;
use plot::curve::{BitsPlot, LossPlot, Reference, SIZE};
use plot::draw::{Draw, Measure, Size};
use plot::raster::{Raster, png};
use plot::theme::Theme;
use plot::{curve, svg, tensorboard};
use run::Record;

use crate::files;

/// Names of the pictures.
pub(crate) const FILES: [&str; 4] = ["loss.png", "loss.svg", "bits.png", "bits.svg"];

/// Name of the event file; TensorBoard looks for `tfevents`.
const EVENTS: &str = "events.out.tfevents.cinnabar";

/// The pictures of a run's log, kept up to date.
#[derive(Debug)]
pub(crate) struct Curves {
    folder: PathBuf,
    events: File,
    /// Records that the event file has.
    written: usize,
}

impl Curves {
    /// Begins the event file in `folder` with the log of an earlier part of the run, each value with
    /// the time at which it was first written.
    pub(crate) fn start(folder: &Path, records: &[Record]) -> Result<Self> {
        let path = folder.join(EVENTS);
        // Without the old file, or with a damaged one, the times are now.
        let before = tensorboard::scalars(&fs::read(&path).unwrap_or_default());
        let times: HashMap<(&str, u64), f64> =
            before.iter().map(|old| ((&*old.tag, old.step), old.wall_time)).collect();
        let bytes = [tensorboard::file_header(now()), events(records, &times)].concat();
        files::write_atomically(&path, |file| Ok(file.write_all(&bytes)?))?;
        let events = OpenOptions::new().append(true).open(&path);
        let events = events.map_err(|error| files::explain(&path, &error))?;
        Ok(Self { folder: folder.to_owned(), events, written: records.len() })
    }

    /// Adds what is new in the log to the event file, and draws the curves again.
    pub(crate) fn update(&mut self, records: &[Record]) -> Result<()> {
        let bytes = events(&records[self.written..], &HashMap::new());
        let path = self.folder.join(EVENTS);
        self.events.write_all(&bytes).map_err(|error| files::explain(&path, &error))?;
        self.written = records.len();
        draw(&self.folder, records)
    }
}

/// Records as TensorBoard reads them; those that `times` does not know are of now.
fn events(records: &[Record], times: &HashMap<(&str, u64), f64>) -> Vec<u8> {
    let now = now();
    let event = |(tag, step, value): (&str, u32, f64)| {
        let time = times.get(&(tag, step.into())).copied().unwrap_or(now);
        tensorboard::scalar(tag, step.into(), value as f32, time)
    };
    records.iter().flat_map(scalars).flat_map(event).collect()
}

/// Writes `loss.png` and `loss.svg` into `folder`, and `bits.png` and `bits.svg` where the log has
/// bits per byte.
pub(crate) fn draw(folder: &Path, records: &[Record]) -> Result<()> {
    let folder = fs::canonicalize(folder)
        .with_context(|| format!("cannot find the folder {}", folder.display()))?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let loss = loss_plot(&name, records);
    Drawing::new(|size, measure| loss.draw(size, measure))?.write_both(&folder, "loss")?;
    if let Some(bits) = bits_plot(&name, records) {
        Drawing::new(|size, measure| bits.draw(size, measure))?.write_both(&folder, "bits")?;
    }
    Ok(())
}

/// A plot in the size of documents.
pub(crate) struct Drawing {
    raster: Raster,
    shapes: Vec<Draw>,
}

impl Drawing {
    /// Draws a plot: `draw` is given the size, and what measures texts.
    pub(crate) fn new(draw: impl FnOnce(Size, &mut Measure<'_>) -> Vec<Draw>) -> Result<Self> {
        let mut raster = Raster::new(SIZE)?;
        let shapes = draw(SIZE, &mut |text, size, weight| raster.measure(text, size, weight));
        Ok(Self { raster, shapes })
    }

    /// The bytes of a PNG file.
    pub(crate) fn png(&mut self) -> Result<Vec<u8>> {
        Ok(png::encode(SIZE, self.raster.draw(&self.shapes))?)
    }

    /// The bytes of an SVG file.
    pub(crate) fn svg(&self) -> Vec<u8> {
        svg::encode(SIZE, &self.shapes).into_bytes()
    }

    /// Writes a PNG, or an SVG if the file is named so.
    pub(crate) fn write(&mut self, path: &Path) -> Result<()> {
        let bytes = match path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("svg"))
        {
            true => self.svg(),
            false => self.png()?,
        };
        files::write_atomically(path, |file| Ok(file.write_all(&bytes)?))
    }

    /// Writes `NAME.png` and `NAME.svg`.
    pub(crate) fn write_both(&mut self, folder: &Path, name: &str) -> Result<()> {
        ["png", "svg"].iter().try_for_each(|end| self.write(&folder.join(format!("{name}.{end}"))))
    }
}

/// Bits per byte of the held-out text, if the log has any.
fn bits_plot(name: &str, records: &[Record]) -> Option<BitsPlot> {
    let (mut points, mut references, mut tokens_per_step) = (Vec::new(), Vec::new(), None);
    for record in records {
        match *record {
            Record::Evaluation {
                step,
                split: Split::Validation,
                bits_per_byte: Some(bits),
                ..
            } => {
                points.push((step.into(), bits));
            }
            Record::Start { tokens, entropy, .. } => {
                tokens_per_step = Some(tokens as f64);
                let line = |value| Reference {
                    label: "entropy of the source: no model can do better".to_owned(),
                    value,
                };
                references = entropy.map(line).into_iter().collect();
            }
            _ => {}
        }
    }
    (!points.is_empty()).then(|| BitsPlot {
        title: format!("Training of {name}"),
        runs: vec![(name.to_owned(), points)],
        references,
        tokens_per_step,
        theme: Theme::Light,
    })
}

fn loss_plot(name: &str, records: &[Record]) -> LossPlot {
    let mut run = curve::Run { name: name.to_owned(), ..curve::Run::default() };
    let mut references = Vec::new();
    let mut tokens_per_step = None;
    for record in records {
        match *record {
            Record::Step { step, loss, .. } => run.train.push((step.into(), loss)),
            Record::Evaluation { step, split: Split::Validation, loss, .. } => {
                run.validation.push((step.into(), loss));
            }
            Record::Start { vocabulary, tokens, .. } => {
                let guessing = (vocabulary as f64).ln();
                references = vec![Reference { label: "guessing".to_owned(), value: guessing }];
                tokens_per_step = Some(tokens as f64);
            }
            _ => {}
        }
    }
    LossPlot {
        title: format!("Training of {name}"),
        runs: vec![run],
        references,
        tokens_per_step,
        theme: Theme::Light,
        ..LossPlot::default()
    }
}

/// The values of a record with the names that TensorBoard groups them by.
fn scalars(record: &Record) -> Vec<(&'static str, u32, f64)> {
    match *record {
        Record::Step { step, loss, grad_norm, lr, tokens_per_second, .. } => vec![
            ("loss/step", step, loss),
            ("optimizer/grad_norm", step, grad_norm),
            ("optimizer/lr", step, lr),
            ("speed/tokens_per_second", step, tokens_per_second),
        ],
        Record::Evaluation { step, split, loss, accuracy, entropy, bits_per_byte, .. } => {
            let tags = match split {
                Split::Train => {
                    ["loss/train", "accuracy/train", "entropy/train", "bits_per_byte/train"]
                }
                Split::Validation => [
                    "loss/validation",
                    "accuracy/validation",
                    "entropy/validation",
                    "bits_per_byte/validation",
                ],
            };
            let values = [Some(loss), Some(accuracy), Some(entropy), bits_per_byte];
            let known = tags.into_iter().zip(values);
            known.filter_map(|(tag, value)| Some((tag, step, value?))).collect()
        }
        Record::Start { .. } | Record::Sample { .. } | Record::End { .. } => Vec::new(),
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}
