//! `cargo xtask test`: formatting, lints, documentation and all tests on every graphics driver
//! found, with a summary.

use crate::counts::Counts;
use crate::drivers::{self, Driver};
use crate::stage::{Kind, Stage};
use crate::{mpi, needs, packages, page, run, setup, vulkan, wasm};
use anyhow::{Result, bail};
use std::process::Command;

pub(crate) const HELP: &str = "\
Sets up and runs every test: format, lints, documentation, the libraries for WebAssembly, all
tests of the workspace, the shaders' tests again on every other graphics driver found, and the
page, built for release, in Chromium and Firefox, where a test that fails runs once more by itself
and is named. Fails if no graphics adapter answers; with the variable CI set, also if a software
driver is missing. The last line is `N passed, M failed`.

Usage: cargo xtask test

On Linux the tests run on Mesa's lavapipe, on SwiftShader, and on a real GPU if there is one; on
macOS on Metal, on Windows on DirectX 12. On Debian a newer lavapipe, which has matrix units, is
unpacked into the user's cache folder. Where MPI is found, the program is tested with it.";

/// Tests that dispatch shaders, besides those inside the libraries: they run once per driver. Named
/// as targets of the workspace, not by `-p`: fewer packages would resolve to other features of the
/// dependencies, and everything would be compiled a second time.
const ON_EACH_DRIVER: [&str; 11] = [
    "attention",
    "batches",
    "decode",
    "gemm",
    "golden_numbers",
    "muon",
    "network",
    "noise",
    "sampling",
    "sampling_parts",
    "training",
];

/// Crates that need a system around them; all others must compile for WebAssembly.
const NATIVE_ONLY: [&str; 4] = ["e2e", "fuzz", "trainer", "xtask"];

pub(crate) fn run() -> Result<()> {
    packages::install_missing(&[
        needs::VULKAN,
        needs::FFMPEG,
        needs::CHROMIUM,
        needs::FIREFOX,
        needs::MPI,
    ]);
    setup::rust_components()?;
    let toolchain = wasm::prepare()?;
    page::prepare()?;
    let (drivers, missing) = drivers::find()?;
    for driver in &drivers {
        println!("graphics adapter: {}", driver.name);
    }
    // A missing driver is tolerated on a developer's machine, but not in CI.
    let strict = std::env::var_os("CI").is_some();

    let mut total = Counts::default();
    let mut table = Vec::new();
    for name in &missing {
        println!("not tested on {name}");
        total.failed += usize::from(strict);
        table.push(format!("{:45}not tested on {name}", if strict { "FAILED" } else { "absent" }));
    }
    for mut stage in stages(&drivers, &toolchain).into_iter().chain(page::stages()?) {
        println!("\n== {}", stage.name);
        let outcome = stage.run()?;
        // A failed check, or a failed build of the tests, counts as one failure.
        let failed = outcome.counts.failed.max(usize::from(!outcome.ok));
        total += Counts { failed, ..outcome.counts };
        table.push(format!(
            "{:6} {:5.0} s {:5} passed {:3} failed  {}",
            if outcome.ok { "ok" } else { "FAILED" },
            outcome.took.as_secs_f64(),
            outcome.counts.passed,
            failed,
            stage.name
        ));
        if !outcome.unsteady.is_empty() {
            table.push(format!("{:45}at the second try: {}", "", outcome.unsteady.join(", ")));
        }
    }
    println!("\n{}", table.join("\n"));
    if total.ignored > 0 {
        println!("{} tests are marked as ignored and did not run", total.ignored);
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    if total.failed > 0 {
        bail!("the tests failed; the table above says where");
    }
    Ok(())
}

/// The stages before the page's, quick ones first.
fn stages(drivers: &[Driver], toolchain: &wasm::Toolchain) -> Vec<Stage> {
    let check = |name: &str, args: &[&str]| {
        let mut command = run::cargo();
        command.args(args);
        Stage { name: name.to_owned(), command, kind: Kind::Check }
    };
    let mut stages = vec![
        check("format", &["fmt", "--all", "--check"]),
        check(
            "lints",
            &[
                &["clippy", "--workspace", "--all-targets"],
                mpi::features(),
                &["--", "-D", "warnings"],
            ]
            .concat(),
        ),
    ];
    let mut doc = check("documentation", &["doc", "--workspace", "--no-deps"]);
    doc.command.env("RUSTDOCFLAGS", "-D warnings");
    stages.push(doc);

    let mut command = Command::new("cargo");
    command.args(["check", "--target", "wasm32-unknown-unknown", "--workspace"]);
    command.args(NATIVE_ONLY.iter().flat_map(|name| ["--exclude", *name]));
    toolchain.apply(&mut command);
    stages.push(Stage { name: "WebAssembly".to_owned(), command, kind: Kind::Check });

    for (index, driver) in drivers.iter().enumerate() {
        let mut command = run::cargo();
        command.args(["test", "--workspace", "--no-fail-fast"]).args(mpi::features());
        let mut name = format!("all tests on {}", driver.name);
        if index > 0 {
            command.arg("--lib").args(ON_EACH_DRIVER.iter().flat_map(|name| ["--test", *name]));
            name = format!("the shaders' tests on {}", driver.name);
        }
        vulkan::quiet(&mut command);
        if let Some(manifest) = &driver.manifest {
            vulkan::only(&mut command, manifest);
        }
        if let Some(runner) = &driver.runner {
            command.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", runner);
            // The tests of matrix units fail if they find none.
            command.env("MATRIX_UNITS", "1");
        }
        if index + 1 == drivers.len() {
            command.env("KERNEL_CASES", page::kernel_cases());
        }
        stages.push(Stage { name, command, kind: Kind::Tests });
    }
    stages
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn software(name: &str) -> Driver {
        let manifest = Some(PathBuf::from(format!("/{name}.json")));
        Driver { name: name.to_owned(), manifest, runner: None }
    }

    #[test]
    fn the_first_driver_runs_everything_and_the_others_the_shaders() {
        let drivers = [software("one"), software("two")];
        let stages = stages(&drivers, &wasm::Toolchain::Usual);
        let tests: Vec<&Stage> = stages.iter().filter(|stage| stage.kind == Kind::Tests).collect();
        let chosen = |stage: &Stage| stage.command.get_args().any(|arg| arg == "--test");
        assert_eq!(tests.iter().map(|stage| chosen(stage)).collect::<Vec<_>>(), [false, true]);
        for (stage, driver) in tests.iter().zip(&drivers) {
            let value = stage.command.get_envs().find(|(name, _)| *name == "VK_DRIVER_FILES");
            assert_eq!(value.and_then(|(_, v)| v).map(PathBuf::from), driver.manifest);
        }
        let keeps = |stage: &Stage| stage.command.get_envs().any(|(k, _)| k == "KERNEL_CASES");
        assert_eq!(tests.iter().map(|stage| keeps(stage)).collect::<Vec<_>>(), [false, true]);
    }
}
