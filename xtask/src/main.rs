//! Developer tasks: `cargo xtask demo` trains a tiny model and generates text, `cargo xtask test`
//! runs every test. Both install what they need first; `setup` installs everything.

mod cache;
mod counts;
mod demo;
mod drivers;
mod mesa;
mod mpi;
mod needs;
mod packages;
mod page;
mod run;
mod setup;
mod soak;
mod stage;
mod test;
mod tools;
mod trunk;
mod vulkan;
mod wasm;

use anyhow::{Result, bail};
use std::process::ExitCode;

const HELP: &str = "\
Developer tasks for Cinnabar. A fresh clone needs Rust and a package manager.

Usage: cargo xtask <command> [arguments]

Commands:
  demo    build the program, train a tiny model for a minute or two, let the shipped one write,
          and make the videos and curves under artifacts/  (see: cargo xtask demo --help)
  test    format, lints, documentation, and every test on every graphics driver found
  soak    end trainings at random moments and break inputs, many times  (see: cargo xtask soak --help)
  setup   install what demo, test and the page need
  trunk   run trunk for the page: cargo xtask trunk serve | cargo xtask trunk build --release

Runs without questions. Missing system packages are installed with the package manager found
(apt-get, dnf, pacman, zypper, apk, brew, winget or choco; with sudo when you are not root);
build tools go to the user's cache folder, shared by all clones.";

fn main() -> ExitCode {
    match dispatch(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: Vec<String>) -> Result<()> {
    // Every path below is relative to the repository's root, wherever the command was typed.
    std::env::set_current_dir(run::root())?;
    let Some((command, rest)) = args.split_first() else {
        println!("{HELP}");
        return Ok(());
    };
    let asks_help = rest.iter().any(|arg| arg == "--help" || arg == "-h");
    match command.as_str() {
        "-h" | "--help" | "help" => println!("{HELP}"),
        "demo" if asks_help => println!("{}", demo::HELP),
        "demo" => demo::run(demo::Options::parse(rest)?)?,
        "test" if asks_help => println!("{}", test::HELP),
        "test" => {
            no_arguments(command, rest)?;
            test::run()?;
        }
        "soak" if asks_help => println!("{}", soak::HELP),
        "soak" => soak::run(soak::Options::parse(rest)?)?,
        "setup" if asks_help => println!("{}", setup::HELP),
        "setup" => {
            no_arguments(command, rest)?;
            setup::run()?;
        }
        "trunk" if rest.is_empty() || rest[0] == "--help" => println!("{}", trunk::HELP),
        "trunk" => trunk::run(rest)?,
        other => bail!("there is no command `{other}`; `cargo xtask --help` lists them"),
    }
    Ok(())
}

fn no_arguments(command: &str, rest: &[String]) -> Result<()> {
    match rest.first() {
        Some(arg) => {
            bail!("`{command}` takes no arguments, got `{arg}`; try `cargo xtask {command} --help`")
        }
        None => Ok(()),
    }
}
