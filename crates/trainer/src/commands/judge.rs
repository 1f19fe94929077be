//! `judge`: texts beside real ones.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use corpus::stories::Corpus;
use diffusion::sampler::Sampler;

use crate::checkpoints::{self, Located, WeightsArgs};
use crate::compute::ComputeArgs;
use crate::corpus_files;
use crate::curves::Drawing;
use crate::judging::{self, Author, Excerpt, Origin, Reader, Set, Written};
use crate::{files, print};

/// Compare texts with real ones: faults, variety, and whether they can be told apart
///
/// Needs no large model. Counts faults per 1,000 words, trains a small classifier (a logistic regression
/// on 1- to 3-grams) to tell the texts from real ones, and measures variety and copies. Texts come from
/// files, or models write them: each goes on from the beginning of a real story, and real stories are
/// cut to the same length. The last column is real text: no number says much without it.
#[derive(Clone, Debug, Args)]
pub(crate) struct JudgeArgs {
    /// Files of texts: separated as stories of a corpus are, or as `sample --batch` prints them
    #[arg(required_unless_present = "checkpoint", value_name = "FILE")]
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

    /// An autoregressive model that was trained on other stories: says how much information the texts
    /// have. Read it beside their entropy: repetition has little of both
    #[arg(long, value_name = "DIR|FILE")]
    pub(crate) reader: Option<PathBuf>,

    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,

    /// Draw into a PNG file: information over entropy if there is a reader, else how well texts are told
    /// from real ones over the passes of the network
    #[arg(long, value_name = "FILE.png")]
    pub(crate) plot: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) writing: WritingArgs,

    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

/// What models write to be judged.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Texts of models")]
pub(crate) struct WritingArgs {
    /// Shipped model, checkpoint or run (its best checkpoint) that writes; can be repeated
    #[arg(long, value_name = "DIR|FILE")]
    pub(crate) checkpoint: Vec<PathBuf>,

    /// Samplers, each with its parts joined by `+` [default: the model's]
    #[arg(long, value_delimiter = ',', value_name = "NAME,...")]
    pub(crate) sampler: Vec<Sampler>,

    /// Numbers of denoising steps [default: the model's]
    #[arg(long, value_delimiter = ',', value_name = "N,...")]
    pub(crate) steps: Vec<usize>,

    /// Sampling temperatures [default: the model's]
    #[arg(long, value_delimiter = ',', allow_negative_numbers = true, value_name = "X,...")]
    pub(crate) temperature: Vec<f32>,

    /// Texts of each model, sampler, number of steps and temperature
    #[arg(long, default_value_t = 64, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) num_texts: u32,

    /// Tokens of a text with its beginning [default: 128, or as many as the smallest block holds]
    #[arg(long, value_name = "N")]
    pub(crate) length: Option<usize>,

    /// Tokens of a real story that a text begins with
    #[arg(long, default_value_t = 16, value_name = "N")]
    pub(crate) given: usize,

    /// Real stories whose last sentence each model is to know from that of another story; 0 asks none
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(crate) cloze: usize,

    /// Seed of all draws
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u64,
}

/// Tokens of a text unless somebody wants otherwise.
const LENGTH: usize = 128;

/// Runs the command.
pub(crate) fn run(args: &JudgeArgs) -> Result<()> {
    let JudgeArgs { writing, compute, .. } = args;
    let inputs = args.texts.iter().chain([&args.real]).chain(&args.train_data).chain(&args.reader);
    files::distinct(inputs.map(PathBuf::as_path), args.plot.as_deref())?;
    let plot = args.plot.as_deref().map(files::Output::create).transpose()?;
    let texts_of = |path: &PathBuf| -> Result<Set> {
        let texts = texts(path)?.into_iter().take(args.most as usize);
        Ok(Set { name: name(path), texts: texts.collect(), origin: None })
    };
    let mut sets = args.texts.iter().map(texts_of).collect::<Result<Vec<_>>>()?;
    let mut real = texts_of(&args.real)?;
    let training = args.train_data.as_deref();
    let training =
        training.map(|path| Ok::<_, anyhow::Error>((path, corpus_files::read_all(path)?)));
    let training = training.transpose()?;
    let parse = |(path, bytes)| Ok::<_, anyhow::Error>(parse(path, bytes)?.text());
    let training = training.as_ref().map(|(path, bytes)| parse((*path, bytes))).transpose()?;
    let reader = args.reader.as_deref().map(|path| Reader::load(path, compute));
    let mut reader = reader.transpose()?;
    if !writing.checkpoint.is_empty() {
        let (written, cut) = write(writing, compute, &real.texts)?;
        sets.extend(written);
        real.texts = cut;
    }
    let columns = judging::columns(sets, real, training, reader.as_mut())?;
    if let Some(mut file) = plot {
        let title = "Texts beside real ones";
        let drawn = match reader.is_some() {
            true => judging::perplexity_and_entropy(title, &columns),
            false => judging::against_passes(title, &columns),
        };
        let drawn = drawn.context("there is nothing to draw: `--plot` shows what models wrote by `--checkpoint`, or what `--reader` says")?;
        file.write_all(&Drawing::new(|size, measure| drawn.draw(size, measure))?.png()?)?;
        file.finish()?;
    }
    if args.json {
        return print::result(serde_json::to_string_pretty(&columns)?);
    }
    print::result(crate::table::table(&judging::rows(&columns)).trim_end())?;
    if columns.iter().any(|one| one.judgement.separability.is_none()) {
        print::result(
            "\nToo few texts to tell them from real ones: at least 5 are needed, and 10 real ones.",
        )?;
    }
    Ok(())
}

/// What the models write, and the real stories cut to the same length.
fn write(
    args: &WritingArgs,
    compute: &ComputeArgs,
    stories: &[String],
) -> Result<(Vec<Set>, Vec<String>)> {
    let stories: Vec<&str> = stories.iter().map(String::as_str).collect();
    let models = args
        .checkpoint
        .iter()
        .map(|path| checkpoints::load_located(path, None, WeightsArgs::default()));
    let models: Vec<Located> = models.collect::<Result<_>>()?;
    let block =
        models.iter().map(|located| located.model.config.block_size).min().unwrap_or(LENGTH);
    let length = args.length.unwrap_or(LENGTH.min(block));
    ensure!(
        length <= block,
        "--length is {length}, and a model's block holds {block} tokens; ask for at most {block}"
    );
    ensure!(
        args.given < length,
        "--given is {} of {length} tokens, so there is nothing to write; give fewer",
        args.given
    );
    let excerpt = Excerpt { given: args.given, length };
    let recipes = judging::recipes(&args.sampler, &args.steps, &args.temperature);
    let texts = args.num_texts as usize;
    let (mut sets, mut real) = (vec![], vec![]);
    for (located, path) in models.into_iter().zip(&args.checkpoint) {
        let author = Author::load(located, compute, &recipes, excerpt, texts);
        let mut author = author.with_context(|| format!("cannot write with {}", path.display()))?;
        if real.is_empty() {
            real = excerpt.cut(author.tokenizer(), &stories);
        }
        let endings = author.endings(&stories, args.cloze)?;
        for recipe in &recipes {
            let written = author.write(&stories, texts, recipe, args.seed)?;
            let Written { texts, passes, sampler, steps, temperature } = written;
            let (model, passes) = (author.name().to_owned(), passes as f64);
            let origin = Origin { model, sampler, steps, temperature, passes, endings };
            sets.push(Set { name: String::new(), texts, origin: Some(origin) });
        }
    }
    Ok((sets, real))
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The stories in the bytes of a file.
fn parse<'a>(path: &Path, bytes: &'a [u8]) -> Result<Corpus<'a>> {
    Corpus::parse(bytes).with_context(|| files::input_name(path))
}

/// The texts of a file.
fn texts(path: &Path) -> Result<Vec<String>> {
    let bytes = corpus_files::read_all(path)?;
    let corpus = parse(path, &bytes)?;
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
