//! A byte-level BPE learned from a corpus, as a tokenizer.json.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use corpus::stories::Corpus;
use corpus::tokenizer::{Tokenizer, TrainOptions, TrainProgress};
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

use crate::files::{self, Output};
use crate::print;

/// Stories that the summary measures: enough for three digits, quick on any corpus.
const MEASURED: usize = 1000;
/// Tokens of the summary's example.
const SHOWN: usize = 16;

/// A vocabulary to learn.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The corpus.
    pub(crate) input: PathBuf,
    /// The file to write.
    pub(crate) output: PathBuf,
    /// How it is learned.
    pub(crate) options: TrainOptions,
    /// Whether the text is read line by line rather than by stories.
    pub(crate) by_line: bool,
}

/// Learns the vocabulary, writes it, and says what is in it.
pub(crate) fn run(request: &Request) -> Result<()> {
    let input = files::input_name(&request.input);
    files::distinct([request.input.as_path()], [request.output.as_path()])?;
    let bytes = files::read(&request.input).with_context(|| {
        format!("cannot read {input}; make a corpus with `trainer data`, or name one by `--input`")
    })?;
    let corpus = Corpus::parse(&bytes).with_context(|| format!("cannot use {input}"))?;
    let mut output = Output::create(&request.output)?;
    let texts = corpus.tokenizer_texts(request.by_line);

    let bar = progress_bar(texts.iter().map(|text| text.len() as u64).sum())?;
    let shown = bar.clone();
    let tokenizer = Tokenizer::train(texts.into_iter(), &request.options, move |progress| {
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
    let summary = summary(&request.output, &tokenizer, &corpus, request.options.vocab_size);
    if files::is_standard(&request.output) {
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
        files::output_name(path),
        bytes as f64 / tokens as f64,
        HumanBytes(bytes as u64),
        sample.join("|"),
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Runs on a text and gives the written file.
    fn train(text: &str, options: TrainOptions) -> Result<Tokenizer> {
        let folder = tempfile::tempdir()?;
        let (input, output) =
            (folder.path().join("stories.txt"), folder.path().join("tokenizer.json"));
        fs::write(&input, text)?;
        run(&Request { input, output: output.clone(), options, by_line: false })?;
        Ok(Tokenizer::from_bytes(&fs::read(output)?)?)
    }

    const TEXT: &str = "The cat sat.\n<|endoftext|>\nThe cat sat on the mat.\n<|endoftext|>\n";

    #[test]
    fn options_reach_the_file() {
        let tokenizer =
            train(TEXT, TrainOptions { vocab_size: 264, ..TrainOptions::default() }).unwrap();
        assert_eq!((tokenizer.vocab_size(), tokenizer.end_of_text_id()), (264, Some(3)));
        let tokenizer = train(
            TEXT,
            TrainOptions { initial_alphabet: false, end_of_text: false, ..TrainOptions::default() },
        )
        .unwrap();
        assert_eq!(tokenizer.end_of_text_id(), None);
        assert_eq!(tokenizer.encode("Z"), [1]);
        // The separator is no text to learn from.
        assert!(!(0..tokenizer.vocab_size()).any(|id| tokenizer.token_bytes(id) == b"<"));
    }

    #[test]
    fn errors_are_one_sentence_and_leave_no_file() {
        let error = train(" \n", TrainOptions::default()).unwrap_err();
        let error = format!("{error:#}");
        assert!(error.ends_with("stories.txt: the corpus is empty"));
        let error =
            train(TEXT, TrainOptions { vocab_size: 100, ..TrainOptions::default() }).unwrap_err();
        assert!(format!("{error:#}").contains("a vocabulary of 100 is too small"), "{error:#}");
        let missing = Request {
            input: "no/such/file.txt".into(),
            output: "tokenizer.json".into(),
            options: TrainOptions::default(),
            by_line: false,
        };
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
