//! The page's tools at pinned versions: trunk, wasm-bindgen and wasm-opt build it, geckodriver drives
//! Firefox in its tests.

use crate::{cache, needs, packages, run};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::Command;

const TRUNK: &str = "0.21.14";
/// Mozilla's driver of Firefox, from crates.io: distributions do not have it.
const GECKODRIVER: &str = "0.37.1";
/// The npm package of wasm-opt. Older versions (Debian has 108) break the page silently: they
/// renumber the table `__wbindgen_externrefs`.
const BINARYEN: &str = "132.0.0";

/// The folders of trunk, wasm-bindgen and wasm-opt, for the front of PATH; installs what is missing.
///
/// # Errors
/// When one cannot be installed.
pub(crate) fn all() -> Result<Vec<PathBuf>> {
    Ok(vec![trunk()?, wasm_bindgen()?, wasm_opt()?])
}

/// The folder of geckodriver, unless PATH has it already; installs it if it is missing.
///
/// # Errors
/// When it cannot be installed.
pub(crate) fn geckodriver() -> Result<Option<PathBuf>> {
    if run::find("geckodriver").is_some() {
        return Ok(None);
    }
    cargo_tool("geckodriver", "geckodriver", GECKODRIVER, &["--locked"]).map(Some)
}

fn trunk() -> Result<PathBuf> {
    // Neither TLS nor the check for updates is used: trunk finds every tool in PATH.
    cargo_tool("trunk", "trunk", TRUNK, &["--locked", "--no-default-features"])
}

/// Not `--locked`: the lock file of wasm-bindgen-cli may name yanked versions.
fn wasm_bindgen() -> Result<PathBuf> {
    let lock = std::fs::read_to_string("Cargo.lock").context("cannot read Cargo.lock")?;
    let version = locked(&lock, "wasm-bindgen").context("Cargo.lock names no wasm-bindgen")?;
    cargo_tool("wasm-bindgen-cli", "wasm-bindgen", version, &[])
}

/// The version of a package in the text of a Cargo.lock.
fn locked<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name).skip(1);
    lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')
}

fn cargo_tool(package: &str, program: &str, version: &str, extra: &[&str]) -> Result<PathBuf> {
    let root = cache::tool(package, version)?;
    let bin = root.join("bin");
    if bin.join(format!("{program}{}", std::env::consts::EXE_SUFFIX)).is_file() {
        return Ok(bin);
    }
    println!("{package} {version} is missing; the page needs it (compiled once, a few minutes)");
    let mut install = run::cargo();
    install.args(["install", package, "--version", version]).args(extra).arg("--root").arg(&root);
    // Optimized for compile time: the tool runs only for seconds.
    install.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
    install.env("CARGO_PROFILE_RELEASE_LTO", "off");
    install.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    install.env("CARGO_PROFILE_RELEASE_DEBUG", "0");
    run::run(&mut install)?;
    Ok(bin)
}

fn wasm_opt() -> Result<PathBuf> {
    let root = cache::tool("binaryen", BINARYEN)?;
    let bin = root.join("node_modules").join(".bin");
    if bin.join("wasm-opt").exists() || bin.join("wasm-opt.cmd").exists() {
        return Ok(bin);
    }
    packages::install_missing(&[needs::NPM]);
    let Some(npm) = run::find("npm") else {
        bail!("wasm-opt comes from npm, which is missing: install {}", needs::NPM.by_hand);
    };
    let package = format!("binaryen@{BINARYEN}");
    std::fs::create_dir_all(&root).with_context(|| format!("cannot create {}", root.display()))?;
    run::run(
        Command::new(npm)
            .args(["install", "--no-audit", "--no-fund", "--prefix"])
            .arg(&root)
            .arg(package),
    )?;
    Ok(bin)
}

#[cfg(test)]
mod tests {
    use super::locked;

    #[test]
    fn version_comes_from_the_lock() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"9.9.9\"\n\n\
            [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"x\"\n";
        assert_eq!(locked(lock, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(locked(lock, "trunk"), None);
    }
}
