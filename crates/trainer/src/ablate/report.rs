//! The report: Markdown, pictures, and the numbers behind them.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Request;
use super::matrix::{Ablation, slug};
use super::pictures::{self, OVER, Results};
use super::place::{Place, write};
use super::{measured, tables};
use crate::curves::Drawing;
use crate::files;
use crate::judging::{self, Column, Estimate, Origin, Reader, Set};
use plot::curve::BandPlot;

/// Texts of an arm that are shown.
const SHOWN: usize = 2;

/// What is reported.
pub(super) struct Report<'a> {
    pub(super) ablation: &'a Ablation,
    pub(super) place: &'a Place,
    pub(super) arms: &'a [Results],
    pub(super) request: &'a Request,
}

impl Report<'_> {
    /// Writes all files of the report.
    pub(super) fn write(&self, mut reader: Option<Reader>) -> Result<()> {
        let folder = &self.request.report;
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create the folder {}", folder.display()))?;
        let columns = self.judge(reader.as_mut())?;
        let mut text = self.beginning();
        text += "\n## Held-out text\n\n";
        text += &tables::summary(self.ablation, self.arms);
        text += &self.reading();
        for (shared, arms) in self.ablation.pictures(self.arms) {
            if !shared.is_empty() {
                let _ = write!(text, "\n### {shared}\n");
            }
            for (over, (name, _)) in OVER.iter().enumerate() {
                let title = match shared.is_empty() {
                    true => self.ablation.title.clone(),
                    false => format!("{}: {shared}", self.ablation.title),
                };
                let plot = pictures::curves(&title, arms, over);
                let file = slug(&format!("bits by {name} {shared}"));
                text += &picture(folder, &file, &plot)?;
            }
        }
        text += "\n## Judge\n\n";
        text += &self.judged(&columns);
        let title = &self.ablation.title;
        for (file, plot) in [
            ("judge-reader", judging::perplexity_and_entropy(title, &columns)),
            ("judge-passes", judging::against_passes(title, &columns)),
        ] {
            if let Some(plot) = plot.filter(pictures::has_curves) {
                text += &picture(folder, file, &plot)?;
            }
        }
        text += &self.samples();
        for (name, bytes) in [
            ("README.md", text.as_bytes()),
            ("runs.csv", tables::runs(self.ablation, self.arms).as_bytes()),
            ("curves.csv", tables::curves(self.ablation, self.arms).as_bytes()),
            ("judge.json", &serde_json::to_vec_pretty(&columns)?),
        ] {
            write(&folder.join(name), bytes)?;
        }
        Ok(())
    }

    /// What was asked and what was run.
    fn beginning(&self) -> String {
        let Ablation { title, about, base, set, seeds, .. } = self.ablation;
        let file = self.request.file.file_name().unwrap_or_default().to_string_lossy();
        let runs = self.arms.iter().flat_map(|(_, runs)| runs);
        let seconds: f64 = runs.clone().map(|run| run.seconds).sum();
        let device = runs.clone().next().map_or("", |run| run.last.device.as_str());
        let base = match Path::new(base).file_name() {
            Some(name) => name.to_string_lossy().into_owned(),
            None => base.clone(),
        };
        let mut text = format!("# {title}\n\n{}\n\n", about.trim());
        let changes = set.iter().map(|change| format!("`{change}`")).collect::<Vec<_>>();
        let changes = match changes.is_empty() {
            true => String::new(),
            false => format!(" with {}", changes.join(", ")),
        };
        let device = match self.ablation.ranks {
            1 => device.to_owned(),
            ranks => format!("{ranks} devices: {device}"),
        };
        let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
        let _ = writeln!(
            text,
            "All runs have the settings `{base}`{changes}, and the seed{} {}. The corpus is `{}` (SHA-256 `{}...`): {} stories to train on, {} held out, one tokenizer for all. {} runs took {:.1} hours of training on {device}.",
            if seeds.len() == 1 { "" } else { "s" },
            seeds.join(", "),
            self.place.corpus,
            &self.place.sha256[..16],
            tables::thousands(self.place.train()),
            tables::thousands(self.place.held_out().len()),
            runs.count(),
            seconds / 3600.0,
        );
        for axis in &self.ablation.axis {
            let _ = write!(text, "\n**{}:** ", axis.name);
            let values = axis.values.iter().map(|choice| {
                let stories = choice.stories.map(|n| format!("the first {n} stories"));
                let set = choice.set.iter().map(|change| format!("`{change}`"));
                let parts: Vec<String> = stories.into_iter().chain(set).collect();
                let parts = if parts.is_empty() { "as it is".to_owned() } else { parts.join(", ") };
                format!("{} ({parts})", choice.name)
            });
            text += &values.collect::<Vec<_>>().join("; ");
            text += ".\n";
        }
        let reader = if self.request.reader.is_some() { " --reader MODEL" } else { "" };
        let _ = write!(
            text,
            "\n```sh\ntrainer ablate {file} --data {}{reader}\n```\n",
            self.place.corpus
        );
        text
    }

    /// How the table is to be read.
    fn reading(&self) -> String {
        let windows = 16 * self.ablation.batches;
        let seeds = match self.ablation.seeds.len() {
            1 => "There is one seed: how far seeds lie apart is not known.".to_owned(),
            n => format!(
                "In brackets the lowest and the highest of {n} seeds, as the bands of the pictures have it."
            ),
        };
        format!(
            "\nMeans of the seeds. Bits per byte of {windows} windows of the held-out stories, the same for every run of a block and a vocabulary, with the standard error over windows; of masked models an upper bound. Runs that share windows and masks differ by less than that error says. *Last* is the network after the last step, *best* that of the lowest validation loss. {seeds} Minutes include evaluations. The numbers behind it are in [runs.csv](runs.csv) and [curves.csv](curves.csv).\n"
        )
    }

    /// The texts of all seeds together, beside real ones.
    fn judge(&self, reader: Option<&mut Reader>) -> Result<Vec<Column>> {
        let mut sets = vec![];
        for (arm, runs) in self.arms {
            let recipes = runs.first().map_or(0, |run| run.written.len());
            for recipe in 0..recipes {
                let all: Vec<_> = runs.iter().map(|run| &run.written[recipe]).collect();
                let one = all[0];
                let endings: Option<Vec<Estimate>> = runs.iter().map(|run| run.endings).collect();
                let endings = endings.map(|all| Estimate {
                    mean: all.iter().map(|one| one.mean).sum::<f64>() / all.len() as f64,
                    // The seeds have the same questions.
                    error: all.iter().map(|one| one.error).sum::<f64>() / all.len() as f64,
                });
                let passes =
                    all.iter().map(|one| one.passes as f64).sum::<f64>() / all.len() as f64;
                let texts = all.iter().flat_map(|one| one.texts.iter().cloned()).collect();
                let (model, sampler) = (arm.name.clone(), one.sampler.clone());
                let (steps, temperature) = (one.steps, one.temperature);
                let origin = Origin { model, sampler, steps, temperature, passes, endings };
                sets.push(Set { name: String::new(), texts, origin: Some(origin) });
            }
        }
        let planned = &self.arms[0].0.runs[0];
        let tokenizer = self.place.tokenizer(&planned.settings.data)?;
        let tokenizer = crate::corpus_files::load_tokenizer(&tokenizer)?;
        let stories: Vec<&str> = self.place.held_out().iter().map(String::as_str).collect();
        let excerpt = measured::excerpt(planned, self.ablation.judge.given)?;
        let texts = excerpt.cut(tokenizer.tokenizer(), &stories);
        let real = Set { name: "held-out stories".to_owned(), texts, origin: None };
        let training = files::read_text(&self.place.training_text())?;
        judging::columns(sets, real, Some(&training), reader)
    }

    /// The judge's table, a row for each set of texts.
    fn judged(&self, columns: &[Column]) -> String {
        let rows = judging::rows(columns);
        let count = columns.len() + 1;
        let turned: Vec<Vec<String>> = (0..count)
            .map(|at| {
                let cell = |(label, cells): &(String, Vec<String>)| match at {
                    0 => label.clone(),
                    _ => cells[at - 1].clone(),
                };
                rows.iter().map(cell).collect()
            })
            .collect();
        let seeds = self.ablation.seeds.len();
        let texts = self.ablation.judge.texts;
        let given = self.ablation.judge.given;
        format!(
            "Texts of the last networks, {texts} of each seed ({} in all), each going on from the first {given} tokens of a held-out story; the last row is those stories, cut to the same length. `trainer judge --help` explains the columns. In small sets one fault more or less is many in 1,000 words.\n\n{}",
            texts * seeds,
            tables::markdown(&turned)
        )
    }

    /// A few texts of each arm.
    fn samples(&self) -> String {
        let mut text =
            "\n## Samples\n\nThe first texts of the first seed, nothing picked.\n\n".to_owned();
        let mut rows = vec![];
        let shown = self.ablation.judge.texts.min(SHOWN);
        rows.push(
            ["".to_owned()].into_iter().chain((1..=shown).map(|n| format!("text {n}"))).collect(),
        );
        for (arm, runs) in self.arms {
            let Some(written) = runs.first().and_then(|run| run.written.first()) else { continue };
            let texts = written.texts.iter().take(shown).map(|text| text.trim().to_owned());
            rows.push([arm.name.clone()].into_iter().chain(texts).collect());
        }
        text += &tables::markdown(&rows);
        text
    }
}

/// Writes a picture as PNG and SVG; gives the Markdown that shows it.
fn picture(folder: &Path, name: &str, plot: &BandPlot) -> Result<String> {
    Drawing::new(|size, measure| plot.draw(size, measure))?.write_both(folder, name)?;
    Ok(format!("\n![{}, {}]({name}.svg)\n", plot.y_label, plot.x_label.to_lowercase()))
}
