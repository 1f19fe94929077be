//! `cargo xtask trunk`: trunk with the compiler and the build tools that the page needs.

use crate::{run, tools, wasm};
use anyhow::Result;
use std::process::Command;

pub(crate) const HELP: &str = "\
Runs trunk with everything the page needs: the WebAssembly compiler and pinned build tools, which
are installed first where they are missing.

Usage: cargo xtask trunk <arguments of trunk>

  cargo xtask trunk serve             the page on http://127.0.0.1:8080, rebuilt on every change
  cargo xtask trunk build --release   the page as a folder, dist/, for any static host

With plain rustup, trunk and wasm-bindgen installed, `trunk serve` alone does the same.";

pub(crate) fn run(args: &[String]) -> Result<()> {
    run::run(&mut command(args)?)
}

/// Trunk with these arguments.
///
/// # Errors
/// When a tool cannot be installed.
pub(crate) fn command(args: &[String]) -> Result<Command> {
    let toolchain = wasm::prepare()?;
    let mut trunk = Command::new("trunk");
    trunk.args(args);
    toolchain.apply(&mut trunk);
    wasm::path_first(&mut trunk, &tools::all()?);
    trunk.env("TRUNK_SKIP_VERSION_CHECK", "true");
    // Trunk takes NO_COLOR=1 for a bad value of its own flag.
    trunk.env_remove("NO_COLOR");
    Ok(trunk)
}
