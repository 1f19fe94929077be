//! `data`: a corpus of stories, from the hub, from the grammar or from other files, as one text file.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use corpus::download::{Order, PRESETS, Selection, preset};
use corpus::tokenizer::END_OF_TEXT;

use crate::data::{self, Form, Request, STORIES, Source};

/// Where stories come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum From {
    /// A dataset on the Hugging Face hub
    Hub,
    /// The story grammar of this program; needs no network
    Grammar,
    /// Other corpora, mixed
    Files,
}

/// Flags of `data`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = "\
Known datasets, with the configuration and text column that they get by default:
  roneneldan/TinyStories     text
  HuggingFaceFW/fineweb-edu  text, of sample-10BT
  PleIAs/SYNTH               Question: {query}\n\nAnswer: {synthetic_answer}

Environment:
  HF_ENDPOINT  address of the hub [default: https://huggingface.co]
  HF_TOKEN     token for private datasets; else the file HF_HOME/token
  HF_HOME      folder where fetched parts are kept, so that a broken run goes on where it stopped
               [default: ~/.cache/huggingface]")]
pub(crate) struct DataArgs {
    /// Where the stories come from
    #[arg(long, value_enum, default_value_t = From::Hub)]
    source: From,

    /// Dataset on the hub, as OWNER/NAME [default: roneneldan/TinyStories]
    #[arg(long, value_name = "OWNER/NAME")]
    dataset: Option<String>,

    /// Configuration of the dataset [default: the preset's, or the dataset's own default]
    #[arg(long, value_name = "NAME")]
    config: Option<String>,

    /// Split of the dataset [default: train]
    #[arg(long, value_name = "NAME")]
    split: Option<String>,

    /// Column that holds the text, or a text with names of columns in braces, in which `\n` is a line break
    /// [default: the preset's, or `text`]
    #[arg(long, value_name = "NAME")]
    text_column: Option<String>,

    /// Folder with the text files of another story grammar, in place of the program's own
    #[arg(long, value_name = "FOLDER")]
    grammar: Option<PathBuf>,

    /// A corpus and its share of the bytes, such as `web.txt=0.7`; can be repeated. Stories come in turn,
    /// so that the shares hold wherever one stops; it ends with the first corpus that has no more
    #[arg(long, value_name = "FILE=SHARE")]
    mix: Vec<String>,

    /// Print the entropy of the grammar's stories, in bits per byte, in place of writing a corpus;
    /// it is measured on as many stories as `--num-stories` says
    #[arg(long, conflicts_with_all = ["output", "separator", "no_clean_mojibake"])]
    entropy: bool,

    /// Number of stories to write [default: 10000; of files as many as there are]
    #[arg(long, value_name = "STORIES", value_parser = clap::value_parser!(u64).range(1..))]
    num_stories: Option<u64>,

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

/// A file and its share.
fn share(text: &str) -> Result<(PathBuf, f64)> {
    let parsed = text.rsplit_once('=').and_then(|(path, share)| Some((path, share.parse().ok()?)));
    let (path, share): (&str, f64) = parsed
        .filter(|&(path, share): &(&str, f64)| !path.is_empty() && share > 0.0 && share.is_finite())
        .with_context(|| format!("`{text}` is no file with its share, such as `web.txt=0.7`"))?;
    Ok((path.into(), share))
}

/// Runs the command.
pub(crate) fn run(args: DataArgs) -> Result<()> {
    data::run(&args.request()?)
}

impl DataArgs {
    fn request(self) -> Result<Request> {
        ensure!(
            !self.separator.contains(['\n', '\r']),
            "`--separator` is one line; leave out its line break"
        );
        let wanted = self.source == From::Files;
        ensure!(
            self.mix.is_empty() != wanted,
            match wanted {
                true => "`--source files` needs files, each by `--mix FILE=SHARE`",
                false => "`--mix` needs `--source files`",
            }
        );
        let source = match self.source {
            From::Hub => {
                for (flag, given) in
                    [("--grammar", self.grammar.is_some()), ("--entropy", self.entropy)]
                {
                    ensure!(!given, "`{flag}` needs `--source grammar`");
                }
                let order = Order { seed: self.seed, buffer: self.shuffle_buffer };
                Source::Hub { selection: self.selection(), order }
            }
            From::Files => {
                for (flag, given) in [
                    ("--grammar", self.grammar.is_some()),
                    ("--entropy", self.entropy),
                    ("--dataset", self.dataset.is_some()),
                ] {
                    ensure!(!given, "`{flag}` does not go with `--source files`");
                }
                Source::Files(self.mix.iter().map(|part| share(part)).collect::<Result<_>>()?)
            }
            From::Grammar => {
                let hub_only = [
                    ("--dataset", &self.dataset),
                    ("--config", &self.config),
                    ("--split", &self.split),
                    ("--text-column", &self.text_column),
                ];
                for (flag, value) in hub_only {
                    ensure!(value.is_none(), "`{flag}` needs `--source hub`");
                }
                let (folder, seed) = (self.grammar, self.seed);
                match self.entropy {
                    true => Source::Entropy { folder, seed },
                    false => Source::Grammar { folder, seed },
                }
            }
        };
        let form = Form { separator: self.separator, clean: !self.no_clean_mojibake };
        let stories = self.num_stories.or((!wanted).then_some(STORIES));
        Ok(Request { source, stories, form, output: self.output })
    }

    /// What to fetch: what is not asked for is what is known of the dataset.
    fn selection(&self) -> Selection {
        let dataset = self.dataset.as_deref().unwrap_or(PRESETS[0].dataset);
        let known = preset(dataset);
        let column = || known.map_or("text", |preset| preset.text_column).to_owned();
        Selection {
            dataset: known.map_or(dataset, |preset| preset.dataset).to_owned(),
            config: self.config.clone().or_else(|| known?.config.map(str::to_owned)),
            split: self.split.clone().unwrap_or_else(|| "train".to_owned()),
            text_column: self
                .text_column
                .as_ref()
                .map_or_else(column, |text| text.replace("\\n", "\n")),
        }
    }
}
