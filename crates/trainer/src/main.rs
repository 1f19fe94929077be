//! The Cinnabar program: data, tokenizer, train, eval, sample, bench, render.

mod commands;
mod files;

use std::process::ExitCode;

use clap::{ArgAction, Parser, Subcommand};

/// Cinnabar: a micro diffusion language model that learns to write little stories.
///
/// A text of masks is denoised, step by step, into a story. In order: `data` prepares a corpus,
/// `tokenizer` learns its vocabulary, `train` a model, `sample` writes with it.
#[derive(Debug, Parser)]
#[command(name = "trainer", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Say more; twice: much more (RUST_LOG, if set, decides instead)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prepare a corpus: stream a Hugging Face dataset, or write stories from a grammar
    Data(commands::data::DataArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let level = match cli.verbose {
        0 => "warn,wgpu_core=error,wgpu_hal=error,naga=error",
        1 => "info,wgpu_core=warn,wgpu_hal=warn,naga=warn",
        _ => "debug,wgpu_core=info,wgpu_hal=info,naga=info",
    };
    let environment = env_logger::Env::default().default_filter_or(level);
    env_logger::Builder::from_env(environment).format_timestamp(None).format_target(false).init();

    let result = match cli.command {
        Command::Data(args) => commands::data::run(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The causes on the same line, outermost first.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
