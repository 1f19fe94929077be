//! A corpus of stories, from the hub, from the grammar or from other files, as one text file.

mod grammar;
mod mixture;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use corpus::clean::{clean, without_line, without_marker};
use corpus::download::{Counts, Hub, Order, Selection};
use corpus::tokenizer::{END_OF_TEXT, MASK, PAD, UNK};
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

use crate::corpus_files::CORPUS;
use crate::files::{self, Output, write_atomically};
use crate::memory;
use crate::print;

/// Stories of a corpus unless somebody wants another number.
pub(crate) const STORIES: u64 = 10_000;

/// Where stories come from, and what becomes of them.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A dataset on the Hugging Face hub.
    Hub {
        /// Which texts of it.
        selection: Selection,
        /// Their order.
        order: Order,
    },
    /// A story grammar: the one in a folder, or the program's own.
    Grammar {
        /// Folder of its text files.
        folder: Option<PathBuf>,
        /// Seed of the stories.
        seed: u64,
    },
    /// Other corpora, each with its share of the bytes.
    Files(Vec<(PathBuf, f64)>),
    /// The entropy of such stories is measured in place of writing them.
    Entropy {
        /// Folder of the grammar's text files.
        folder: Option<PathBuf>,
        /// Seed of the stories.
        seed: u64,
    },
}

/// How stories are written.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    /// Line after each story.
    pub(crate) separator: String,
    /// Whether mojibake is repaired and runs of spaces are collapsed.
    pub(crate) clean: bool,
}

/// A corpus to make.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Where the stories come from.
    pub(crate) source: Source,
    /// How many; all of files unless somebody wants fewer.
    pub(crate) stories: Option<u64>,
    /// How they are written.
    pub(crate) form: Form,
    /// The file to write; without one the corpus's usual place, if nothing is there.
    pub(crate) output: Option<PathBuf>,
}

/// Counts of stories.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    kept: u64,
    cleaned: u64,
    /// Empty after cleaning.
    dropped: u64,
    /// Had been written before, word for word.
    repeated: u64,
    bytes: u64,
}

/// Makes the corpus, and says what is in it.
pub(crate) fn run(request: &Request) -> Result<()> {
    let bar = || progress_bar(request.stories);
    let measured = request.stories.unwrap_or(STORIES);
    let (path, tally, counts) = match &request.source {
        Source::Entropy { folder, seed } => {
            let grammar = grammar::read(folder.as_deref())?;
            grammar::print_entropy(&grammar, *seed, measured, &bar()?);
            return Ok(());
        }
        Source::Hub { selection, order } => {
            let (path, bar) = (output(request.output.as_deref())?, bar()?);
            let hub = |output: &mut Output| from_hub(request, selection, *order, output, &bar);
            let (tally, counts) = write_atomically(&path, hub)?;
            bar.finish_and_clear();
            (path, tally, Some(counts))
        }
        Source::Grammar { folder, seed } => {
            let grammar = grammar::read(folder.as_deref())?;
            let (path, bar) = (output(request.output.as_deref())?, bar()?);
            let mut distinct = grammar.stories(*seed).distinct();
            let mut tally = write_atomically(&path, |output| {
                write_stories(&mut distinct.by_ref().map(Ok), request, output, &bar)
            })?;
            bar.finish_and_clear();
            tally.repeated = distinct.repeats();
            (path, tally, None)
        }
        Source::Files(parts) => {
            let mut stories = mixture::Mixture::open(parts)?;
            let (path, bar) = (output(request.output.as_deref())?, bar()?);
            files::distinct(parts.iter().map(|(path, _)| &**path), [&*path])?;
            let tally = write_atomically(&path, |output| {
                write_stories(&mut stories, request, output, &bar)
            })?;
            bar.finish_and_clear();
            (path, tally, None)
        }
    };
    report(request, &path, &tally, counts.as_ref());
    Ok(())
}

/// Where to write: without being told, never over a corpus that is there.
fn output(asked: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = asked {
        return Ok(path.to_owned());
    }
    let path = Path::new(CORPUS);
    ensure!(!path.exists(), "there is a {CORPUS} already; name a file to write by `--output`");
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot create the folder {}", folder.display()))?;
    Ok(path.to_owned())
}

/// Writes stories of the hub.
fn from_hub(
    request: &Request,
    selection: &Selection,
    order: Order,
    output: &mut Output,
    bar: &ProgressBar,
) -> Result<(Tally, Counts)> {
    let shown = bar.clone();
    let on_progress = move |counts: &Counts| {
        shown.set_message(format!("{} fetched", HumanBytes(counts.bytes)));
    };
    let mut hub = Hub::from_environment()?;
    hub.memory = memory::free();
    let shown = bar.clone();
    hub.on_silence = Arc::new(move |said: &str| shown.suspend(|| print::note(said)));
    let mut texts = hub.texts(selection, order, Box::new(on_progress))?;
    let mut stories = texts.by_ref().map(|text| Ok(text?));
    let tally = write_stories(&mut stories, request, output, bar)?;
    let counts = texts.counts();
    ensure!(
        tally.kept > 0,
        "`{}` of `{}` holds no text: of {} rows, {} are empty and {} are not UTF-8; choose \
         another one by `--text-column`",
        selection.text_column,
        selection.dataset,
        counts.rows,
        counts.empty,
        counts.not_text
    );
    Ok((tally, counts))
}

/// Cleans and writes stories until there are enough of them.
fn write_stories(
    stories: &mut dyn Iterator<Item = Result<String>>,
    request: &Request,
    output: &mut Output,
    bar: &ProgressBar,
) -> Result<Tally> {
    let Form { separator, clean: repairs } = &request.form;
    let mut tally = Tally::default();
    while request.stories.is_none_or(|stories| tally.kept < stories) {
        let Some(story) = stories.next().transpose()? else {
            break;
        };
        let mut cleaned = without_specials(story.clone(), separator);
        if *repairs {
            // Repairing could bring a name together.
            cleaned = without_specials(clean(&cleaned).into_owned(), separator);
        }
        let cleaned = cleaned.trim();
        if cleaned.is_empty() {
            tally.dropped += 1;
            continue;
        }
        tally.cleaned += u64::from(cleaned != story);
        tally.kept += 1;
        tally.bytes += cleaned.len() as u64;
        writeln!(output, "{cleaned}\n{separator}")?;
        bar.inc(1);
    }
    Ok(tally)
}

/// Takes out what would be read as more than text: the names of special tokens, and lines that
/// look like the separator.
fn without_specials(mut story: String, separator: &str) -> String {
    for name in [END_OF_TEXT, MASK, PAD, UNK] {
        story = without_marker(&story, name).into_owned();
    }
    without_line(&story, separator).into_owned()
}

fn progress_bar(stories: Option<u64>) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template(match stories {
        Some(_) => "{bar:40} {human_pos}/{human_len} stories, {per_sec}, {eta} left {msg}",
        None => "{spinner} {human_pos} stories, {per_sec}",
    })?;
    let bar = stories.map_or_else(ProgressBar::no_length, ProgressBar::new).with_style(style);
    // Moves on while a large part is being fetched.
    bar.enable_steady_tick(Duration::from_millis(200));
    Ok(bar)
}

/// A number of stories in words.
fn stories(number: u64) -> String {
    match number {
        1 => "1 story".to_owned(),
        _ => format!("{} stories", HumanCount(number)),
    }
}

/// To stderr: the corpus itself may go to stdout.
fn report(request: &Request, output: &Path, tally: &Tally, counts: Option<&Counts>) {
    if let Some(counts) = counts {
        print::note(format_args!(
            "read {} rows of {} files, {} of them empty{}; fetched {}",
            HumanCount(counts.rows),
            HumanCount(counts.files),
            HumanCount(counts.empty),
            match counts.not_text {
                0 => String::new(),
                rows => format!(", {} left out because they are not UTF-8", HumanCount(rows)),
            },
            HumanBytes(counts.bytes)
        ));
    }
    let Tally { kept, cleaned, dropped, repeated, bytes } = *tally;
    let what = match request.source {
        Source::Hub { .. } | Source::Files(_) => format!("cleaned {cleaned}, dropped {dropped}"),
        Source::Grammar { .. } | Source::Entropy { .. } => {
            format!("no two alike, {} repeats dropped", HumanCount(repeated))
        }
    };
    print::note(format_args!(
        "{}: {}, {}; {what}",
        files::output_name(output),
        stories(kept),
        HumanBytes(bytes)
    ));
    if let Some(wanted) = request.stories.filter(|&wanted| kept < wanted) {
        print::note(format_args!(
            "only {} available ({} requested)",
            match kept {
                1 => "1 story was".to_owned(),
                _ => format!("{} were", stories(kept)),
            },
            HumanCount(wanted)
        ));
    }
}
