//! `cargo xtask demo`: trains a tiny model and records a video of the shipped one.

use crate::{needs, packages, run, trunk, vulkan};
use anyhow::{Context, Result, bail};
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

pub(crate) const HELP: &str = "\
Shows what Cinnabar does, in under ten minutes after the build: generates a small corpus with the
story grammar, trains a tokenizer and a tiny model on it (on the GPU if there is one, else on the
CPU), then generates a story with the shipped model in the terminal and saves the denoising as
video. At the end it builds the page, serves it and prints its address.

Usage: cargo xtask demo [--steps N] [--no-serve]

  --steps N    training steps of the tiny model  [default: 400, one to two minutes on two cores]
  --no-serve   do not end by serving the page (for scripts)

It makes artifacts/demo/ (corpus, tokenizer, the tiny model) and artifacts/media/ (MP4, GIF, PNG).";

/// Where the corpus, the tokenizer and the tiny model go.
const WORK: &str = "artifacts/demo";
/// The shipped model that writes a story.
const SHIPPED: &str = "artifacts/models/stories";
/// Where the videos and curves go.
const MEDIA: &str = "artifacts/media";
/// Ports to serve the page on, the usual one first.
const PORTS: Range<u16> = 8080..8100;

/// Command-line options.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    steps: u32,
    serve: bool,
}

impl Options {
    pub(crate) fn parse(args: &[String]) -> Result<Self> {
        let mut options = Options { steps: 400, serve: true };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--no-serve" => options.serve = false,
                "--steps" => {
                    let value = args.next().and_then(|value| value.parse().ok());
                    options.steps = value
                        .filter(|steps| *steps > 0)
                        .context("`--steps` needs a positive whole number, as in `--steps 400`")?;
                }
                other => bail!("`demo` has no argument `{other}`; see `cargo xtask demo --help`"),
            }
        }
        Ok(options)
    }
}

pub(crate) fn run(options: Options) -> Result<()> {
    packages::install_missing(&[needs::FFMPEG]);
    println!("== building the program (a few minutes the first time)");
    run::run(run::cargo().args(["build", "--release", "-p", "trainer"]))?;
    let start = Instant::now();
    for folder in [WORK, MEDIA] {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {folder}"))?;
    }
    let corpus = format!("{WORK}/stories.txt");
    let tokenizer = format!("{WORK}/tokenizer.json");
    let model = format!("{WORK}/model");

    println!("\n== a corpus of 3,000 little stories from the story grammar");
    let data = ["data", "--source", "grammar", "--num-stories", "3000", "--seed", "1", "--output"];
    run::run(trainer()?.args(data).arg(&corpus))?;

    println!("\n== a tokenizer for it");
    run::run(trainer()?.args([
        "tokenizer",
        "--vocab-size",
        "1024",
        "--input",
        &corpus,
        "--output",
        &tokenizer,
    ]))?;

    println!("\n== a tiny model: watch the loss fall");
    let steps = options.steps.to_string();
    // Starts over each time instead of resuming.
    run::remove(Path::new(&model))?;
    run::run(
        trainer()?.args(["train", "--config", "configs/tiny.toml", "--data", &corpus]).args([
            "--tokenizer",
            &tokenizer,
            "--out",
            &model,
            "--steps",
            &steps,
        ]),
    )?;
    let curve = format!("{MEDIA}/loss.png");
    fs::copy(format!("{model}/loss.png"), &curve).context("the training left no loss curve")?;

    let writer = match Path::new(SHIPPED) {
        shipped if shipped.is_dir() => shipped.to_owned(),
        _ => newest(&Path::new(&model).join("checkpoints"))?,
    };
    println!("\n== {} generates a story", writer.display());
    let (video, gif) = (format!("{MEDIA}/denoising.mp4"), format!("{MEDIA}/denoising.gif"));
    let mut sample = trainer()?;
    sample.args(["sample", "--prompt", "Once upon a time", "--seed", "7", "--viz-gif", &gif]);
    sample.arg("--checkpoint").arg(&writer);
    let encodes = run::find("ffmpeg").is_some();
    if encodes {
        sample.args(["--viz-video", &video]);
    }
    run::run(&mut sample)?;

    println!("\nMade in {:.0} s after the build:", start.elapsed().as_secs_f64());
    println!("  {WORK}/    corpus, tokenizer and a tiny model of your own");
    println!("  {curve}     its loss curve");
    println!("  {gif}     the denoising of the story above");
    if encodes {
        println!("  {video}     the same as video");
    } else {
        println!("  no MP4: install ffmpeg for it");
    }
    println!("Try next:");
    println!(
        "  generate text:     cargo run --release -p trainer -- sample --checkpoint {} --prompt \"A little cat [MASK:12] home.\"",
        writer.display()
    );
    println!("  train for longer:  cargo run --release -p trainer -- train --config small");
    println!("  how it works:      learning.md");
    if options.serve && Path::new("index.html").exists() {
        println!("\n== the page (a few minutes the first time)");
        let port = free_port()?.to_string();
        println!("When it is built, it is at http://127.0.0.1:{port}/ (Ctrl-C ends the server)");
        return trunk::run(&["serve", "--release", "--port", &port].map(str::to_owned));
    }
    println!("  the page:          cargo xtask trunk serve --release");
    Ok(())
}

/// The first free port for the page.
fn free_port() -> Result<u16> {
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    PORTS.into_iter().find(free).with_context(|| {
        format!("ports {} to {} are all taken; free one", PORTS.start, PORTS.end - 1)
    })
}

/// The trainer binary.
fn trainer() -> Result<Command> {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    let program = target.join("release").join(format!("trainer{}", std::env::consts::EXE_SUFFIX));
    let program =
        program.canonicalize().with_context(|| format!("{} was not built", program.display()))?;
    let mut command = Command::new(program);
    vulkan::quiet(&mut command);
    Ok(command)
}

/// The last checkpoint of a run; their names are `step-` and a number of fixed width.
fn newest(checkpoints: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(checkpoints)
        .with_context(|| format!("cannot list {}", checkpoints.display()))?;
    let names = entries.flatten().map(|entry| entry.path());
    names
        .filter(|path| path.join("model.safetensors").is_file())
        .max()
        .with_context(|| format!("no checkpoint in {}", checkpoints.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Options> {
        Options::parse(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn arguments_are_read() -> Result<()> {
        assert_eq!(parse(&[])?, Options { steps: 400, serve: true });
        assert_eq!(parse(&["--no-serve", "--steps", "20"])?, Options { steps: 20, serve: false });
        Ok(())
    }

    #[test]
    fn bad_arguments_get_one_sentence() {
        for (args, word) in [
            (vec!["--steps"], "--steps"),
            (vec!["--steps", "0"], "--steps"),
            (vec!["--fast"], "--fast"),
        ] {
            let message = parse(&args).map_or_else(|error| error.to_string(), |_| String::new());
            assert!(message.contains(word), "{args:?}: {message}");
        }
    }
}
