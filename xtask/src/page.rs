//! The page tests: a release build, driven in Chromium and Firefox by the tests in `e2e`.

use crate::stage::{Kind, Stage};
use crate::{mpi, needs, packages, run, tools, trunk, wasm};
use anyhow::{Result, bail};
use std::path::PathBuf;
use std::process::Command;

/// Folder of the tested build; `dist` is left to the developer.
const DIST: &str = "target/page";

/// Folder for the kernels' test cases, which are repeated in Chromium.
pub(crate) fn kernel_cases() -> PathBuf {
    run::root().join("target").join("kernel-cases")
}

/// Installs axe-core and removes the results of earlier runs.
///
/// # Errors
/// When axe-core cannot be installed.
pub(crate) fn prepare() -> Result<()> {
    let e2e = run::root().join("e2e");
    if !e2e.join("node_modules/axe-core").is_dir() {
        packages::install_missing(&[needs::NPM]);
        let Some(npm) = run::find("npm") else {
            bail!("axe-core comes from npm, which is missing: install {}", needs::NPM.by_hand);
        };
        run::run(Command::new(npm).args(["ci", "--no-audit", "--no-fund", "--prefix"]).arg(e2e))?;
    }
    run::remove(&run::root().join(DIST))?;
    run::remove(&kernel_cases())
}

/// The build and the tests.
///
/// # Errors
/// When the build tools cannot be installed.
pub(crate) fn stages() -> Result<Vec<Stage>> {
    let build = trunk::command(&["build", "--release", "--dist", DIST].map(str::to_owned))?;
    let mut tests = run::cargo();
    tests.args(["test", "--workspace", "--test", "page"]).args(mpi::features());
    tests.args(["--", "--show-output"]);
    wasm::path_first(&mut tests, tools::geckodriver()?.as_slice());
    tests.env("DIST", DIST).env("KERNEL_CASES", kernel_cases());
    Ok(vec![
        Stage { name: "the page, built for release".to_owned(), command: build, kind: Kind::Check },
        Stage {
            name: "the page in Chromium and Firefox".to_owned(),
            command: tests,
            kind: Kind::Browsers,
        },
    ])
}
