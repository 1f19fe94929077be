//! `cargo xtask soak`: trainings that are killed, and inputs that are broken, for as long as one
//! likes.

mod disk;
mod fuzz;
mod kills;
mod mutate;
mod random;
mod strace;

use crate::run;
use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const HELP: &str = "\
Looks for faults that take many tries (Unix only):

  kills   a small training is ended at random moments (SIGKILL, SIGTERM, two signals at once, a
          closed pipe, a full disk) and resumed until it is done; its parameters and moments must
          then be those of an undisturbed run, bit for bit
  fuzz    checkpoints, optimizer states, tokenizers, settings, states, logs and traces with bytes
          lost, doubled or changed; the program must use them or say what is wrong in one line, in
          bounded time and memory, and never use weights that are not those that were written
  readers broken inputs for every reader in one process, which is a thousand times as quick: also
          prompts, share links, models.json, parquet files through a local hub, story grammars
  disk    every call of the program that writes to the disk, and of the ffmpeg that it starts, fails
          once, at every place (Linux, with strace); no file may be half written, and a training must
          go on to the same bits

Usage: cargo xtask soak [--kills N] [--inputs N] [--readers N] [--seed N] [--program FILE]

  --kills N       trainings to end  [default: 200, some minutes]
  --inputs N      broken inputs     [default: 2000, some minutes]
  --readers N     broken inputs for the readers in one process  [default: 100000, some minutes]
  --seed N        of everything random  [default: 1]
  --program FILE  the trainer to use, with the program `fuzz` beside it  [default: both are built in
                  release mode]

Prints a table of what was done; ends with an error at the first fault, and says how to repeat it.";

/// Command-line options.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    kills: u64,
    inputs: u64,
    readers: u64,
    seed: u64,
    program: Option<PathBuf>,
}

impl Options {
    pub(crate) fn parse(args: &[String]) -> Result<Self> {
        let mut options =
            Self { kills: 200, inputs: 2_000, readers: 100_000, seed: 1, program: None };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let value = args.next().with_context(|| format!("`{arg}` needs a value"));
            let number = |value: &str| {
                value
                    .parse()
                    .with_context(|| format!("`{arg}` needs a whole number, got `{value}`"))
            };
            match arg.as_str() {
                "--kills" => options.kills = number(value?)?,
                "--inputs" => options.inputs = number(value?)?,
                "--readers" => options.readers = number(value?)?,
                "--seed" => options.seed = number(value?)?,
                "--program" => options.program = Some(value?.into()),
                other => bail!("`soak` has no argument `{other}`; see `cargo xtask soak --help`"),
            }
        }
        Ok(options)
    }
}

pub(crate) fn run(options: Options) -> Result<()> {
    ensure!(cfg!(unix), "`soak` sends signals, which only Unix has");
    let program = match options.program {
        Some(program) => program,
        None => {
            println!("== building the program (a few minutes the first time)");
            run::run(run::cargo().args(["build", "--release", "-p", "trainer", "-p", "fuzz"]))?;
            "target/release/trainer".into()
        }
    };
    let program = std::fs::canonicalize(&program)
        .with_context(|| format!("cannot find the program {}", program.display()))?;
    let folder = std::env::temp_dir().join(format!("cinnabar-soak-{}", std::process::id()));
    run::remove(&folder)?;
    std::fs::create_dir_all(&folder)?;
    let place = Place { program, folder };
    place.corpus()?;
    kills::run(&place, options.kills, options.seed)?;
    fuzz::run(&place, options.inputs, options.seed)?;
    readers(&place, options.readers, options.seed)?;
    disk::run(&place)?;
    // After a fault it stays, to be looked at.
    run::remove(&place.folder)
}

/// Runs the program `fuzz`, in bounded memory.
fn readers(place: &Place, inputs: u64, seed: u64) -> Result<()> {
    println!("\n== readers: {inputs} broken inputs in one process, seed {seed}");
    let mut shell = fuzz::bounded(&place.program.with_file_name("fuzz"));
    shell.args(["--inputs", &inputs.to_string(), "--seed", &seed.to_string()]);
    shell.env("TMPDIR", &place.folder);
    ensure!(shell.status()?.success(), "a reader failed; the line above says how to repeat it");
    Ok(())
}

/// A folder to work in, and the program.
struct Place {
    program: PathBuf,
    folder: PathBuf,
}

impl Place {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn trainer(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.folder).env("RUST_BACKTRACE", "0");
        command
    }

    fn corpus(&self) -> Result<()> {
        let mut data = self.trainer();
        data.args(["data", "--source", "grammar", "--num-stories", "60", "--output", "own.txt"]);
        ensure!(run::succeeds(&mut data), "the program cannot write a corpus");
        Ok(())
    }

    /// A training of some seconds, to the folder `out`.
    fn train(&self, out: &str, steps: u32) -> Command {
        let mut command = self.trainer();
        command.args(["train", "--config", "tiny", "--device", "cpu", "--data", "own.txt"]);
        command.args(["--out", out, "--steps", &steps.to_string()]);
        for change in [
            "n_layer=1",
            "n_embd=16",
            "block_size=16",
            "vocab_size=300",
            "timesteps=5",
            "batch_size=2",
            "eval_batches=1",
            "sample_tokens=8",
            "checkpoint_every=40",
            "eval_every=200",
            "log_every=10",
            "sample_every=100000",
        ] {
            command.args(["--set", change]);
        }
        command
    }
}

/// The newest checkpoint of a run.
fn latest(run: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(run.join("checkpoints")).ok()?.flatten();
    let steps = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("step-"));
    steps.map(|entry| entry.path()).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_or_explained() {
        let parse = |text: &str| {
            let args: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            Options::parse(&args).map_err(|error| format!("{error:#}"))
        };
        let options = parse("--kills 5 --seed 3").expect("options");
        assert_eq!((options.kills, options.inputs, options.seed), (5, 2_000, 3));
        assert!(parse("--kills").unwrap_err().contains("needs a value"));
        assert!(parse("--kills many").unwrap_err().contains("whole number"));
        assert!(parse("--kill 3").unwrap_err().contains("no argument `--kill`"));
    }
}
