//! `data`: a corpus of stories, from the hub or from the grammar, as one text file.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use corpus::clean::{clean, without_line, without_marker};
use corpus::download::{Counts, Hub, Order, PRESETS, Selection, preset};
use corpus::tokenizer::{END_OF_TEXT, MASK, PAD, UNK};
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

use crate::commands::grammar;
use crate::corpus_files::CORPUS;
use crate::files::{Output, write_atomically};
use crate::print;

/// Where stories come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Source {
    /// A dataset on the Hugging Face hub
    Hub,
    /// The story grammar of this program; needs no network
    Grammar,
}

/// Flags of `data`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
Known datasets, with the configuration and text column that they get by default:
  roneneldan/TinyStories     text
  HuggingFaceFW/fineweb-edu  text, of sample-10BT
  PleIAs/SYNTH               synthetic_answer

Environment:
  HF_ENDPOINT  address of the hub [default: https://huggingface.co]
  HF_TOKEN     token for private datasets; else the file HF_HOME/token
  HF_HOME      folder where fetched parts are kept, so that a broken run goes on where it stopped
               [default: ~/.cache/huggingface]")]
pub(crate) struct DataArgs {
    /// Where the stories come from
    #[arg(long, value_enum, default_value_t = Source::Hub)]
    source: Source,

    /// Dataset on the hub, as OWNER/NAME [default: roneneldan/TinyStories]
    #[arg(long, value_name = "OWNER/NAME")]
    dataset: Option<String>,

    /// Configuration of the dataset [default: the preset's, or the dataset's own default]
    #[arg(long, value_name = "NAME")]
    config: Option<String>,

    /// Split of the dataset [default: train]
    #[arg(long, value_name = "NAME")]
    split: Option<String>,

    /// Column that holds the text [default: the preset's, or `text`]
    #[arg(long, value_name = "NAME")]
    text_column: Option<String>,

    /// Folder with the text files of another story grammar, in place of the program's own
    #[arg(long, value_name = "FOLDER")]
    grammar: Option<PathBuf>,

    /// Print the entropy of the grammar's stories, in bits per byte, in place of writing a corpus;
    /// it is measured on as many stories as `--num-stories` says
    #[arg(long, conflicts_with_all = ["output", "separator", "no_clean_mojibake"])]
    entropy: bool,

    /// Number of stories to write
    #[arg(long, value_name = "STORIES", default_value_t = 10_000,
          value_parser = clap::value_parser!(u64).range(1..))]
    num_stories: u64,

    /// Random seed: order of the dataset, or stories of the grammar
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,

    /// Size of the shuffle buffer for hub datasets; 0 keeps the dataset's order
    #[arg(long, value_name = "STORIES", default_value_t = 10_000)]
    shuffle_buffer: usize,

    /// Line after each story
    #[arg(long, value_name = "TEXT", default_value = END_OF_TEXT, allow_hyphen_values = true)]
    separator: String,

    /// Do not clean the text (by default, mojibake such as `â€™` for `’` is repaired and runs of
    /// spaces are collapsed)
    #[arg(long)]
    no_clean_mojibake: bool,

    /// File to write [default: data/stories.txt, if there is none yet]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
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

pub(crate) fn run(args: DataArgs) -> Result<()> {
    ensure!(
        !args.separator.contains(['\n', '\r']),
        "`--separator` is one line; leave out its line break"
    );
    let output = if args.entropy { PathBuf::new() } else { output(args.output.as_deref())? };
    let bar = progress_bar(args.num_stories)?;
    let (tally, counts) = match args.source {
        Source::Hub => {
            for (flag, given) in
                [("--grammar", args.grammar.is_some()), ("--entropy", args.entropy)]
            {
                ensure!(!given, "`{flag}` needs `--source grammar`");
            }
            write_atomically(&output, |output| from_hub(&args, output, bar.clone()))?
        }
        Source::Grammar => {
            let hub_only = [
                ("--dataset", &args.dataset),
                ("--config", &args.config),
                ("--split", &args.split),
                ("--text-column", &args.text_column),
            ];
            for (flag, value) in hub_only {
                ensure!(value.is_none(), "`{flag}` needs `--source hub`");
            }
            let grammar = grammar::read(args.grammar.as_deref())?;
            if args.entropy {
                grammar::print_entropy(&grammar, args.seed, args.num_stories, &bar);
                return Ok(());
            }
            let mut distinct = grammar.stories(args.seed).distinct();
            let mut tally = write_atomically(&output, |output| {
                write_stories(&mut distinct.by_ref().map(Ok), &args, output, &bar)
            })?;
            tally.repeated = distinct.repeats();
            (tally, None)
        }
    };
    bar.finish_and_clear();
    report(&args, &output, &tally, counts.as_ref());
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

fn from_hub(
    args: &DataArgs,
    output: &mut Output,
    bar: ProgressBar,
) -> Result<(Tally, Option<Counts>)> {
    let dataset = args.dataset.as_deref().unwrap_or(PRESETS[0].dataset);
    let known = preset(dataset);
    let selection = Selection {
        dataset: known.map_or(dataset, |preset| preset.dataset).to_owned(),
        config: args.config.clone().or_else(|| known?.config.map(str::to_owned)),
        split: args.split.clone().unwrap_or_else(|| "train".to_owned()),
        text_column: args
            .text_column
            .clone()
            .unwrap_or_else(|| known.map_or("text", |preset| preset.text_column).to_owned()),
    };
    let order = Order { seed: args.seed, buffer: args.shuffle_buffer };
    let shown = bar.clone();
    let on_progress = move |counts: &Counts| {
        shown.set_message(format!("{} fetched", HumanBytes(counts.bytes)));
    };
    let mut texts = Hub::from_environment()?.texts(&selection, order, Box::new(on_progress))?;
    let mut stories = texts.by_ref().map(|text| Ok(text?));
    let tally = write_stories(&mut stories, args, output, &bar)?;
    ensure!(
        tally.kept > 0,
        "the column `{}` of `{}` holds no text",
        selection.text_column,
        selection.dataset
    );
    Ok((tally, Some(texts.counts())))
}

/// Cleans and writes stories until there are enough of them.
fn write_stories(
    stories: &mut dyn Iterator<Item = Result<String>>,
    args: &DataArgs,
    output: &mut Output,
    bar: &ProgressBar,
) -> Result<Tally> {
    let mut tally = Tally::default();
    while tally.kept < args.num_stories {
        let Some(story) = stories.next().transpose()? else {
            break;
        };
        let mut cleaned = without_specials(story.clone(), &args.separator);
        if !args.no_clean_mojibake {
            // Repairing could bring a name together.
            cleaned = without_specials(clean(&cleaned).into_owned(), &args.separator);
        }
        let cleaned = cleaned.trim();
        if cleaned.is_empty() {
            tally.dropped += 1;
            continue;
        }
        tally.cleaned += u64::from(cleaned != story);
        tally.kept += 1;
        tally.bytes += cleaned.len() as u64;
        writeln!(output, "{cleaned}\n{}", args.separator)?;
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

fn progress_bar(stories: u64) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template(
        "{bar:40} {human_pos}/{human_len} stories, {per_sec}, {eta} left {msg}",
    )?;
    let bar = ProgressBar::new(stories).with_style(style);
    // Moves on while a large part is being fetched.
    bar.enable_steady_tick(Duration::from_millis(200));
    Ok(bar)
}

/// To stderr: the corpus itself may go to stdout.
fn report(args: &DataArgs, output: &Path, tally: &Tally, counts: Option<&Counts>) {
    if let Some(counts) = counts {
        print::note(format_args!(
            "read {} rows of {} files, {} of them empty; fetched {}",
            HumanCount(counts.rows),
            HumanCount(counts.files),
            HumanCount(counts.empty),
            HumanBytes(counts.bytes)
        ));
    }
    let Tally { kept, cleaned, dropped, repeated, bytes } = *tally;
    let what = match args.source {
        Source::Hub => format!("cleaned {cleaned}, dropped {dropped}"),
        Source::Grammar => format!("no two alike, {} repeats dropped", HumanCount(repeated)),
    };
    print::note(format_args!(
        "{}: {} stories, {}; {what}",
        output.display(),
        HumanCount(kept),
        HumanBytes(bytes)
    ));
    if kept < args.num_stories {
        print::note(format_args!(
            "only {} stories were available ({} requested)",
            HumanCount(kept),
            HumanCount(args.num_stories)
        ));
    }
}
