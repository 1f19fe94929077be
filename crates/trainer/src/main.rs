//! The Cinnabar program: data, tokenizer, train, ablate, lr-range, eval, judge, export, sample, render, bench.

mod ablate;
mod advice;
mod bench;
mod checkpoints;
mod commands;
mod compute;
mod corpus_files;
mod curves;
mod data;
mod eval;
mod files;
mod interrupt;
mod judging;
mod lr_range;
mod media;
mod memory;
mod model_list;
mod print;
mod sample;
mod sampler_args;
mod settings;
mod speedrun;
mod table;
mod token_file;
mod train;
mod vocabulary;

use std::process::ExitCode;

use clap::{ArgAction, Parser, Subcommand};

use interrupt::Interrupt;

/// Cinnabar: a micro diffusion language model that learns to write little stories.
///
/// The model denoises a text of masks, step by step, into a story. In order: `data` prepares a
/// corpus, `tokenizer` learns its vocabulary, `train` trains a model, `sample` writes with it.
#[derive(Debug, Parser)]
#[command(name = "trainer", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// More log output; twice for debug output (RUST_LOG, if set, takes precedence)
    #[arg(short, long, global = true, action = ArgAction::Count, display_order = 900)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prepare a corpus: stream a Hugging Face dataset, or write stories from a grammar
    Data(commands::data::DataArgs),
    Tokenizer(commands::tokenizer::TokenizerArgs),
    Train(commands::train::TrainArgs),
    Ablate(commands::ablate::AblateArgs),
    LrRange(commands::lr_range::LrRangeArgs),
    Speedrun(commands::speedrun::SpeedrunArgs),
    Eval(commands::eval::EvalArgs),
    Judge(commands::judge::JudgeArgs),
    Export(commands::export::ExportArgs),
    Sample(commands::sample::SampleArgs),
    Render(commands::render::RenderArgs),
    Bench(commands::bench::BenchArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let level = match cli.verbose {
        0 => "warn,wgpu_core=error,wgpu_hal=error,naga=error,tiny_skia=error",
        1 => "info,wgpu_core=warn,wgpu_hal=warn,naga=warn",
        _ => "debug,wgpu_core=info,wgpu_hal=info,naga=info",
    };
    let environment = env_logger::Env::default().default_filter_or(level);
    env_logger::Builder::from_env(environment).format_timestamp(None).format_target(false).init();

    let interrupt = Interrupt::watch();
    let result = match cli.command {
        Command::Data(args) => commands::data::run(args),
        Command::Tokenizer(args) => commands::tokenizer::run(&args),
        Command::Train(args) => commands::train::run(&args, &interrupt),
        Command::Ablate(args) => commands::ablate::run(args, &interrupt),
        Command::LrRange(args) => commands::lr_range::run(&args),
        Command::Speedrun(args) => commands::speedrun::run(&args, &interrupt),
        Command::Eval(args) => commands::eval::run(&args),
        Command::Judge(args) => commands::judge::run(&args),
        Command::Export(args) => commands::export::run(&args),
        Command::Sample(args) => commands::sample::run(&args),
        Command::Render(args) => commands::render::run(&args),
        Command::Bench(args) => commands::bench::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            advice::report(&error);
            ExitCode::FAILURE
        }
    }
}
