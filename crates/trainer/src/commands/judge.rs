//! `judge`: texts beside real ones.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use judge::{Judgement, KINDS};

use crate::corpus_files::CorpusFile;
use crate::print;

/// Compare texts with real ones: faults, variety, and whether they can be told apart
///
/// Needs no large model. Counts faults per 1,000 words, trains a small reader (a logistic regression on
/// 1- to 3-grams) to tell the texts from real ones, and measures variety and copies. The last column is
/// real text: no number says much without it. Real texts should be of the same kind, and begin in the
/// same way, as those of the models.
#[derive(Clone, Debug, Args)]
pub(crate) struct JudgeArgs {
    /// Files of texts: separated as stories of a corpus are, or as `sample --batch` prints them
    #[arg(required = true, value_name = "FILE")]
    pub(crate) texts: Vec<PathBuf>,

    /// Real texts that no model has learned from
    #[arg(long, value_name = "FILE")]
    pub(crate) real: PathBuf,

    /// Text that the models learned from; without it nothing is known of unknown words and copies
    #[arg(long, value_name = "FILE")]
    pub(crate) train_data: Option<PathBuf>,

    /// Most texts of a file
    #[arg(long, default_value_t = 1000, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) most: u32,

    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

/// Runs the command.
pub(crate) fn run(args: &JudgeArgs) -> Result<()> {
    let texts_of = |path: &PathBuf| -> Result<(String, Vec<String>)> {
        let texts = texts(&CorpusFile::read(path)?)?;
        Ok((name(path), texts.into_iter().take(args.most as usize).collect()))
    };
    let sets = args.texts.iter().map(texts_of).collect::<Result<Vec<_>>>()?;
    let (real_name, real) = texts_of(&args.real)?;
    let training = args.train_data.as_deref().map(CorpusFile::read).transpose()?;
    let training =
        training.as_ref().map(|file| Ok::<_, anyhow::Error>(file.parse()?.text())).transpose()?;
    let judgements = judge::judge(&sets, (&real_name, &real), training);
    if args.json {
        return print::result(serde_json::to_string_pretty(&judgements)?);
    }
    print::result(table(&judgements).trim_end())?;
    if judgements.iter().any(|one| one.separability.is_none()) {
        print::result(
            "\nToo few texts to tell them from real ones: at least 5 are needed, and 10 real ones.",
        )?;
    }
    Ok(())
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The texts of a file.
fn texts(file: &CorpusFile) -> Result<Vec<String>> {
    let corpus = file.parse()?;
    let numbered = |line: &str| line.strip_prefix("== ").is_some_and(|n| n.parse::<u32>().is_ok());
    let text = corpus.text();
    if !text.lines().next().is_some_and(numbered) {
        return Ok(corpus.stories().iter().map(|&story| story.to_owned()).collect());
    }
    let mut texts: Vec<String> = vec![];
    for line in text.lines() {
        match texts.last_mut() {
            Some(text) if !numbered(line) => {
                text.push_str(line);
                text.push('\n');
            }
            _ => texts.push(String::new()),
        }
    }
    Ok(texts)
}

fn table(judgements: &[Judgement]) -> String {
    let known = |value: Option<f64>, digits: usize| {
        value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
    };
    let mut rows: Vec<(String, Vec<String>)> = vec![];
    let mut row = |label: &str, cell: &dyn Fn(&Judgement) -> String| {
        rows.push((label.to_owned(), judgements.iter().map(cell).collect()));
    };
    row("", &|one| one.name.clone());
    row("texts", &|one| one.texts.to_string());
    row("words", &|one| one.words.to_string());
    for (kind, label) in KINDS.iter().enumerate() {
        row(&format!("{label} / 1,000 words"), &|one| known(one.faults[kind], 2));
    }
    row("told from real text, AUC", &|one| {
        let found = one.separability;
        found.map_or("-".to_owned(), |found| format!("{:.3} ± {:.3}", found.auc, found.error))
    });
    for n in 1..=3 {
        row(&format!("distinct-{n}"), &|one| known(Some(one.distinct[n - 1]), 3));
    }
    row("13-grams of the training text, %", &|one| known(one.copied.map(|share| 100.0 * share), 2));
    crate::table::table(&rows)
}
