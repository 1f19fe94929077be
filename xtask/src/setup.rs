//! `cargo xtask setup`: everything that demo, test and the page need.

use crate::needs::{self, Need};
use crate::packages::Manager;
use crate::{run, tools, vulkan, wasm};
use anyhow::{Result, bail};
use std::process::Command;

pub(crate) const HELP: &str = "\
Installs what is missing for the demo, the tests and the page, and says what each thing is for.

Usage: cargo xtask setup

  system packages   a Vulkan loader with a software driver (tests without a GPU), ffmpeg (MP4),
                    Chromium with its driver (page tests), npm (wasm-opt)
  Rust              rustfmt, clippy, the standard library for WebAssembly
  build tools       trunk, wasm-bindgen and wasm-opt, into the user's cache folder

Running it again takes about a second. `demo` and `test` set up what they need by themselves.";

pub(crate) fn run() -> Result<()> {
    packages(&[needs::VULKAN, needs::FFMPEG, needs::CHROMIUM, needs::NPM]);
    rust_components()?;
    let toolchain = wasm::prepare()?;
    println!("WebAssembly: {toolchain}");
    for folder in tools::all()? {
        println!("build tool: {}", folder.display());
    }
    if cfg!(target_os = "linux") {
        for gpu in vulkan::devices(None)? {
            println!("Vulkan device: {}", gpu.name);
        }
    }
    println!("Set-up is complete. Next: cargo xtask demo, or cargo xtask test");
    Ok(())
}

/// Installs what is missing of these needs and says so. What cannot be had is said too: whether
/// that is fatal is for the caller, who notices it where the thing is used.
pub(crate) fn packages(needs: &[Need]) {
    let missing: Vec<&Need> = needs.iter().filter(|need| !need.present()).collect();
    if missing.is_empty() {
        return;
    }
    println!("Missing on this system:");
    for need in &missing {
        println!("  {}: {}", need.name, need.why);
    }
    let Some(manager) = Manager::find() else {
        println!("No package manager known to this program was found. Please install:");
        for need in missing {
            println!("  {}", need.by_hand);
        }
        return;
    };
    let packages: Vec<&str> =
        missing.iter().flat_map(|need| need.packages(manager)).copied().collect();
    if let Err(error) = manager.install(&packages) {
        println!("{error:#}; trying one thing at a time");
        for need in missing.iter().filter(|need| !need.packages(manager).is_empty()) {
            if let Err(error) = manager.install(need.packages(manager)) {
                println!("{}: {error:#}", need.name);
            }
        }
    }
    for need in missing.iter().filter(|need| !need.present()) {
        println!("Still missing, please install by hand: {}", need.by_hand);
    }
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
