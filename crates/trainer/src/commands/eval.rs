//! `eval`: measures models on held-out text.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use diffusion::Schedule;
use diffusion::metrics::ChainOrder;

use crate::checkpoints::WeightsArgs;
use crate::compute::ComputeArgs;
use crate::corpus_files::CORPUS;
use crate::eval::{self, HeldOut, Request};
use crate::{files, print};

/// Measure models on held-out text, side by side
///
/// Prints masked perplexity, reconstruction accuracy, entropy per timestep, token change rate of
/// the reverse steps and distinct-n, as the reference program does; and bits per byte with its standard
/// error, which can be compared across tokenizers and objectives. The same batches, masks and
/// prompts are used for every model with the same tokenizer and block.
#[derive(Clone, Debug, Args)]
pub(crate) struct EvalArgs {
    /// Model file, shipped model, checkpoint, or run (its best checkpoint); several are compared
    #[arg(long, required = true, value_name = "DIR|FILE")]
    pub(crate) checkpoint: Vec<PathBuf>,

    /// Corpus whose held-out part is used, cut as in training [default: data/stories.txt]
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,

    /// Text that is held out as a whole, instead of `--data`
    #[arg(long, conflicts_with = "data", value_name = "FILE")]
    pub(crate) text: Option<PathBuf>,

    /// Corpus of the training: counts how many 13-grams of generated text come from it
    #[arg(long, value_name = "FILE")]
    pub(crate) train_data: Option<PathBuf>,

    /// Tokenizer, for a model file that has none beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) tokenizer: Option<PathBuf>,

    /// Batches of 16 sequences for loss, accuracy and bits per byte; two more for the entropy of
    /// each timestep
    #[arg(long, default_value_t = 16, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) batches: u32,

    /// Schedule that masks the text [default: that of the model's training]
    ///
    /// Losses are only comparable under one schedule, as many masks are harder than few. A model of
    /// another schedule is told the step of its own with the nearest share of masks.
    #[arg(long, value_name = "NAME", value_parser = schedule())]
    pub(crate) schedule: Option<Schedule>,

    /// Also measure the likelihood by the chain rule: token after token in this order, each from all
    /// those before it
    ///
    /// The likelihood itself, not a bound, and as good as a sampler that writes one token at a time in
    /// this order. `confidence` takes the token whose prediction is surest, without a look at the text.
    /// A pass of the network for each token of a sequence (in block diffusion, of a block), on the
    /// same sequences as the bound: with 256 tokens, 256 times the work. Take few `--batches`.
    #[arg(long, value_name = "ORDER", value_parser = order())]
    pub(crate) order: Option<ChainOrder>,

    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,

    /// Draw the entropy per timestep into a PNG file
    #[arg(long, value_name = "FILE.png")]
    pub(crate) plot: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) weights: WeightsArgs,

    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
}

/// Runs the command.
pub(crate) fn run(args: &EvalArgs) -> Result<()> {
    let request = Request {
        text: match &args.text {
            Some(path) => HeldOut::Whole(path.clone()),
            None => HeldOut::PartOf(args.data.clone().unwrap_or_else(|| CORPUS.into())),
        },
        train_data: args.train_data.clone(),
        tokenizer: args.tokenizer.clone(),
        weights: args.weights,
        batches: args.batches as usize,
        schedule: args.schedule,
        order: args.order,
        compute: args.compute.clone(),
    };
    let texts = [&args.data, &args.text, &args.train_data].into_iter().flatten();
    let inputs = texts.chain(&args.checkpoint).map(PathBuf::as_path);
    files::distinct(inputs, args.plot.as_deref())?;
    let plot = args.plot.as_deref().map(files::Output::create).transpose()?;
    let mut reports = Vec::new();
    let mut measured = Ok(());
    for path in &args.checkpoint {
        match eval::measure(path, &request) {
            Ok(report) => reports.push(report),
            Err(error) => {
                measured = Err(error);
                break;
            }
        }
    }
    // Also what was measured before a fault.
    if args.json && measured.is_ok() {
        print::result(serde_json::to_string_pretty(&reports)?)?;
    } else if !reports.is_empty() {
        print::result(eval::table(&reports).trim_end())?;
    }
    measured?;
    if let Some(mut file) = plot {
        file.write_all(&eval::entropy_plot(&reports)?)?;
        file.finish()?;
    }
    Ok(())
}

/// Names of the schedules, as in the settings.
fn schedule() -> impl TypedValueParser<Value = Schedule> {
    PossibleValuesParser::new(Schedule::ALL.map(Schedule::name)).try_map(|name| name.parse())
}

/// Names of the orders of the chain rule.
fn order() -> impl TypedValueParser<Value = ChainOrder> {
    PossibleValuesParser::new(ChainOrder::ALL.map(ChainOrder::name)).map(|name| {
        let found = ChainOrder::ALL.into_iter().find(|order| order.name() == name);
        found.expect("a possible value")
    })
}
