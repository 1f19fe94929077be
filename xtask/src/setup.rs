//! `cargo xtask setup`: everything that demo, test and the page need.

use crate::{drivers, needs, packages, run, tools, vulkan, wasm};
use anyhow::{Result, bail};
use std::process::Command;

pub(crate) const HELP: &str = "\
Installs what is missing for the demo, the tests and the page.

Usage: cargo xtask setup

  system packages   a Vulkan loader with a software driver (tests without a GPU), ffmpeg (MP4),
                    Chromium with its driver and Firefox (page tests), npm (wasm-opt), MPI
                    (trainings of several processes)
  Rust              rustfmt, clippy, the standard library for WebAssembly
  build tools       trunk, wasm-bindgen, wasm-opt and geckodriver, into the user's cache folder

Running it again takes about a second. `demo` and `test` set up what they need by themselves.";

pub(crate) fn run() -> Result<()> {
    packages::install_missing(&[
        needs::VULKAN,
        needs::FFMPEG,
        needs::CHROMIUM,
        needs::FIREFOX,
        needs::NPM,
        needs::MPI,
    ]);
    rust_components()?;
    let toolchain = wasm::prepare()?;
    println!("WebAssembly: {toolchain}");
    for folder in tools::all()?.into_iter().chain(tools::geckodriver()?) {
        println!("build tool: {}", folder.display());
    }
    if cfg!(target_os = "linux") {
        for gpu in vulkan::devices(None)? {
            println!("Vulkan device: {}", gpu.name);
        }
        match drivers::newer_mesa() {
            Ok(driver) => println!("Vulkan device with matrix units: {}", driver.name),
            Err(error) => println!("no software driver with matrix units: {error:#}"),
        }
    }
    println!("Set-up is complete. Next: cargo xtask demo, or cargo xtask test");
    Ok(())
}

/// rustfmt and clippy, which minimal Rust installations lack.
pub(crate) fn rust_components() -> Result<()> {
    for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if run::succeeds(run::cargo().args([subcommand, "--version"])) {
            continue;
        }
        println!("{component} is missing; the tests check with it");
        if run::find("rustup").is_none() {
            bail!(
                "install {component} for this Rust toolchain (with rustup: `rustup component add {component}`)"
            );
        }
        run::run(Command::new("rustup").args(["component", "add", component]))?;
    }
    Ok(())
}
