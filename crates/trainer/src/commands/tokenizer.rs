//! `tokenizer`: a byte-level BPE learned from a corpus, as a tokenizer.json.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use corpus::stories::Corpus;
use corpus::tokenizer::{Tokenizer, TrainOptions, TrainProgress};
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

use crate::corpus_files::CORPUS;
use crate::files::{self, Output};
use crate::print;

/// Stories that the summary measures: enough for three digits, quick on any corpus.
const MEASURED: usize = 1000;
/// Tokens of the summary's example.
const SHOWN: usize = 16;

/// Learn a vocabulary from a corpus: a byte-level BPE, as a tokenizer.json
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
Special tokens are [PAD], [UNK], [MASK] and <|endoftext|>, with ids 0 to 3. The file is that of the
Python library `tokenizers`, in both directions.")]
pub(crate) struct TokenizerArgs {
    /// Text to learn from: stories with a line `<|endoftext|>` after each, or any text
    #[arg(long, value_name = "FILE", default_value = CORPUS)]
    input: PathBuf,

    /// File to write
    #[arg(long, value_name = "FILE", default_value = "tokenizer.json")]
    output: PathBuf,

    /// Vocabulary size, special tokens and single bytes included; a small text may give fewer
    #[arg(long, value_name = "TOKENS", default_value_t = TrainOptions::default().vocab_size)]
    vocab_size: u32,

    /// Minimum frequency of a pair to be merged
    #[arg(long, value_name = "TIMES", default_value_t = TrainOptions::default().min_frequency,
          value_parser = clap::value_parser!(u64).range(1..))]
    min_frequency: u64,

    /// Only bytes of the text become tokens, all others are unknown later [default: all 256 bytes
    /// are tokens, so nothing is ever unknown]
    #[arg(long)]
    no_byte_alphabet: bool,

    /// Leave out `<|endoftext|>`, so that a model cannot learn where a story ends
    #[arg(long)]
    no_end_of_text: bool,

    /// The recipe of the seed document: both of the above, and the text is read line by line
    #[arg(long)]
    seed_recipe: bool,
}

impl TokenizerArgs {
    fn options(&self) -> TrainOptions {
        TrainOptions {
            vocab_size: self.vocab_size,
            min_frequency: self.min_frequency,
            initial_alphabet: !(self.no_byte_alphabet || self.seed_recipe),
            end_of_text: !(self.no_end_of_text || self.seed_recipe),
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &TokenizerArgs) -> Result<()> {
    let input = args.input.display();
    files::distinct([args.input.as_path()], [args.output.as_path()])?;
    let bytes = files::read(&args.input).with_context(|| {
        format!("cannot read {input}; make a corpus with `trainer data`, or name one by `--input`")
    })?;
    let corpus = Corpus::parse(&bytes).with_context(|| format!("cannot use {input}"))?;
    let mut output = Output::create(&args.output)?;
    let texts = corpus.tokenizer_texts(args.seed_recipe);

    let bar = progress_bar(texts.iter().map(|text| text.len() as u64).sum())?;
    let shown = bar.clone();
    let tokenizer = Tokenizer::train(texts.into_iter(), &args.options(), move |progress| {
        match progress {
            TrainProgress::Reading { bytes } => shown.set_position(bytes),
            TrainProgress::Merging { words } => {
                shown.set_message(format!("merging pairs of {} words", HumanCount(words as u64)));
                // Merging gives no sign of life, so the bar shows the time.
                shown.enable_steady_tick(Duration::from_millis(200));
            }
            TrainProgress::Trained { .. } => shown.finish_and_clear(),
        }
    })
    .with_context(|| format!("no tokenizer for {input}"))?;

    output.write_all(tokenizer.to_json().as_bytes())?;
    output.finish()?;
    let summary = summary(&args.output, &tokenizer, &corpus, args.vocab_size);
    if files::is_standard(&args.output) {
        print::note(summary.trim_end());
    } else {
        print::summary(summary.trim_end());
    }
    Ok(())
}

fn progress_bar(bytes: u64) -> Result<ProgressBar> {
    let style = "{msg} [{bar:30}] {bytes} of {total_bytes} {elapsed}";
    let bar = ProgressBar::new(bytes).with_message("reading");
    bar.set_style(ProgressStyle::with_template(style)?.progress_chars("=> "));
    Ok(bar)
}

/// What was made, in a few lines.
fn summary(path: &Path, tokenizer: &Tokenizer, corpus: &Corpus<'_>, asked: u32) -> String {
    let vocab_size = tokenizer.vocab_size();
    let specials = (0..vocab_size).filter(|&id| tokenizer.is_special(id)).count();
    let merged = (0..vocab_size)
        .filter(|&id| !tokenizer.is_special(id) && tokenizer.token_bytes(id).len() > 1)
        .count();
    let single = vocab_size as usize - specials - merged;
    let fewer = if vocab_size < asked {
        format!("; {asked} were asked for, the text has no more pairs that are frequent enough")
    } else {
        String::new()
    };

    let measured = &corpus.stories()[..corpus.stories().len().min(MEASURED)];
    let bytes: usize = measured.iter().map(|story| story.len()).sum();
    let tokens: usize = measured.iter().map(|story| tokenizer.encode(story).len()).sum();
    let sample = tokenizer.encode(measured[0]);
    let sample: Vec<String> = sample
        .iter()
        .take(SHOWN)
        .map(|&id| String::from_utf8_lossy(tokenizer.token_bytes(id)).replace('\n', "\\n"))
        .collect();
    format!(
        "Wrote {}: {vocab_size} tokens ({specials} special, {single} single bytes, {merged} merged){fewer}.\n\
         {:.2} bytes per token over {} of text.\n\
         For example: {}\n",
        path.display(),
        bytes as f64 / tokens as f64,
        HumanBytes(bytes as u64),
        sample.join("|"),
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: TokenizerArgs,
    }

    fn args(flags: &[&str]) -> TokenizerArgs {
        Line::parse_from(["tokenizer"].iter().chain(flags)).args
    }

    /// Runs on a text and gives the written file.
    fn train(text: &str, flags: &[&str]) -> Result<Tokenizer> {
        let folder = tempfile::tempdir()?;
        let mut args = args(flags);
        args.input = folder.path().join("stories.txt");
        args.output = folder.path().join("tokenizer.json");
        fs::write(&args.input, text)?;
        run(&args)?;
        Ok(Tokenizer::from_bytes(&fs::read(&args.output)?)?)
    }

    const TEXT: &str = "The cat sat.\n<|endoftext|>\nThe cat sat on the mat.\n<|endoftext|>\n";

    #[test]
    fn defaults_are_those_of_the_library() {
        assert_eq!(args(&[]).options(), TrainOptions::default());
        assert_eq!(args(&["--seed-recipe"]).options(), TrainOptions::seed_recipe());
    }

    #[test]
    fn flags_reach_the_file() {
        let tokenizer = train(TEXT, &["--vocab-size", "264"]).unwrap();
        assert_eq!((tokenizer.vocab_size(), tokenizer.end_of_text_id()), (264, Some(3)));
        let tokenizer = train(TEXT, &["--no-byte-alphabet", "--no-end-of-text"]).unwrap();
        assert_eq!(tokenizer.end_of_text_id(), None);
        assert_eq!(tokenizer.encode("Z"), [1]);
        // The separator is no text to learn from.
        assert!(!(0..tokenizer.vocab_size()).any(|id| tokenizer.token_bytes(id) == b"<"));
    }

    #[test]
    fn errors_are_one_sentence_and_leave_no_file() {
        let error = train(" \n", &[]).unwrap_err();
        let error = format!("{error:#}");
        assert!(error.ends_with("stories.txt: the corpus is empty"));
        let error = train(TEXT, &["--vocab-size", "100"]).unwrap_err();
        assert!(format!("{error:#}").contains("a vocabulary of 100 is too small"), "{error:#}");
        let mut missing = args(&[]);
        missing.input = "no/such/file.txt".into();
        let error = run(&missing).unwrap_err().to_string();
        assert_eq!(
            error,
            "cannot read no/such/file.txt; make a corpus with `trainer data`, or name one by `--input`"
        );
    }

    #[test]
    fn the_summary_counts() {
        let options = TrainOptions { vocab_size: 300, ..TrainOptions::default() };
        let corpus = Corpus::parse(TEXT.as_bytes()).unwrap();
        let stories = corpus.stories().iter();
        let tokenizer = Tokenizer::train(stories, &options, |_| ()).unwrap();
        let text = summary(Path::new("t.json"), &tokenizer, &corpus, 300);
        let merged = tokenizer.vocab_size() - 260;
        assert!(
            text.starts_with(&format!(
                "Wrote t.json: {} tokens (4 special, 256 single bytes, {merged} merged); 300 were",
                260 + merged
            )),
            "{text}"
        );
        assert!(
            text.contains(" bytes per token over 35 B of text.\nFor example: The| cat"),
            "{text}"
        );
    }
}
