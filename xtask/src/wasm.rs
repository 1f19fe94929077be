//! The WebAssembly toolchain: rustup's, or Debian's rustc-web where rustup cannot install the
//! target; the standard library is then compiled from source.

use crate::packages::{self, Manager, Need};
use crate::run;
use anyhow::{Result, bail};
use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-unknown-unknown";

/// Variables by which cargo pins child processes to its own toolchain.
const PINS: [&str; 5] = ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN", "RUST_RECURSION_COUNT"];

/// Debian's Rust compiler for WebAssembly, for machines where rustup cannot download the target.
const DEBIAN_WASM: Need = Need {
    name: "Debian's rustc-web with the sources of the standard library",
    why: "rustup could not bring the standard library for WebAssembly",
    by_hand: "`rustup target add wasm32-unknown-unknown`",
    is_present: || debian().is_some(),
    packages: |manager| match manager {
        Manager::Apt => &["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "lld-22"],
        _ => &[],
    },
};

/// A way to compile for WebAssembly.
#[derive(Debug)]
pub(crate) enum Toolchain {
    /// The usual toolchain has the compiled standard library.
    Usual,
    /// Debian's compiler in /usr with this linker; `None` when it has its own rust-lld.
    Debian { linker: Option<PathBuf> },
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Toolchain::Usual => "the usual Rust toolchain has the standard library",
            Toolchain::Debian { .. } => "Debian's rustc-web, standard library built from source",
        })
    }
}

impl Toolchain {
    /// Makes a command and its child processes use this toolchain.
    pub(crate) fn apply(&self, command: &mut Command) {
        for name in PINS {
            command.env_remove(name);
        }
        let Toolchain::Debian { linker } = self else {
            return;
        };
        // The compiler is a stable one: build-std needs the switch to unstable features.
        command.env("RUSTC_BOOTSTRAP", "1").env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort");
        if let Some(linker) = linker {
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        if run::find("rustup").is_some() {
            command.env("RUSTUP_TOOLCHAIN", "/usr");
        } else {
            path_first(command, &[PathBuf::from("/usr/bin")]);
        }
    }
}

/// Puts these folders first in a command's PATH.
pub(crate) fn path_first(command: &mut Command, folders: &[PathBuf]) {
    let set = command.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value);
    let path = set.map(ToOwned::to_owned).or_else(|| env::var_os("PATH")).unwrap_or_default();
    let all = folders.iter().cloned().chain(env::split_paths(&path));
    // Fails only for a folder with a separator in its name, which PATH itself cannot hold.
    if let Ok(joined) = env::join_paths(all) {
        command.env("PATH", joined);
    }
}

/// Finds a toolchain for WebAssembly, installing one if needed.
///
/// # Errors
/// When neither rustup nor the package manager can bring one, with what to type.
pub(crate) fn prepare() -> Result<Toolchain> {
    if usual_has_std() {
        return Ok(Toolchain::Usual);
    }
    // Checked before rustup: where Debian's compiler is installed, rustup has already failed.
    if let Some(toolchain) = debian() {
        return Ok(toolchain);
    }
    println!("The standard library for WebAssembly is missing; the page is compiled with it.");
    if run::find("rustup").is_some() {
        let mut add = Command::new("rustup");
        for name in PINS {
            add.env_remove(name);
        }
        match run::run(add.args(["target", "add", TARGET])) {
            Ok(()) if usual_has_std() => return Ok(Toolchain::Usual),
            Ok(()) => println!("rustup succeeded, but the library is not there"),
            Err(error) => println!("{error:#}"),
        }
    }
    packages::install_missing(&[DEBIAN_WASM]);
    match debian() {
        Some(toolchain) => Ok(toolchain),
        None => bail!("no Rust standard library for WebAssembly: run `rustup target add {TARGET}`"),
    }
}

fn usual_has_std() -> bool {
    let mut rustc = Command::new("rustc");
    for name in PINS {
        rustc.env_remove(name);
    }
    rustc.args(["--print", "target-libdir", "--target", TARGET]);
    run::output(&mut rustc).and_then(|folder| std::fs::read_dir(folder).ok()).is_some_and(|files| {
        files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("libstd-"))
    })
}

/// Debian's compiler, when it, the library's sources and a linker are installed.
pub(crate) fn debian() -> Option<Toolchain> {
    let rustlib = Path::new("/usr/lib/rustlib");
    let version = run::output(Command::new("/usr/bin/rustc").arg("--version"))?;
    if !rustlib.join("src/rust/library/std").is_dir() || !recent_enough(&version) {
        return None;
    }
    let linker = (15..40)
        .rev()
        .map(|version| PathBuf::from(format!("/usr/bin/wasm-ld-{version}")))
        .chain([PathBuf::from("/usr/bin/wasm-ld")])
        .find(|path| path.exists());
    let own =
        std::fs::read_dir(rustlib).ok()?.flatten().any(|e| e.path().join("bin/rust-lld").exists());
    (linker.is_some() || own).then_some(Toolchain::Debian { linker })
}

/// Whether `rustc 1.96.0 (...)` is at least the version that the project asks for.
fn recent_enough(rustc_version: &str) -> bool {
    let minor = |text: &str| text.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
    minor(rustc_version) >= minor(env!("CARGO_PKG_RUST_VERSION"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_compilers_are_refused() {
        assert!(recent_enough("rustc 1.196.0 (built from a source tarball)"));
        assert!(recent_enough(&format!("rustc {}.0", env!("CARGO_PKG_RUST_VERSION"))));
        assert!(!recent_enough("rustc 1.63.0"));
        assert!(!recent_enough("nonsense"));
    }

    #[test]
    fn debian_builds_the_library_and_drops_the_pins() {
        let mut command = Command::new("cargo");
        Toolchain::Debian { linker: Some("/usr/bin/wasm-ld-22".into()) }.apply(&mut command);
        let value = |name: &str| {
            let mut all = command.get_envs();
            all.find(|(key, _)| *key == name).map(|(_, value)| value.map(|v| v.to_string_lossy()))
        };
        assert_eq!(value("CARGO_UNSTABLE_BUILD_STD").flatten().as_deref(), Some("std,panic_abort"));
        assert_eq!(value("RUSTC"), Some(None), "RUSTC must be removed");
    }

    #[test]
    fn folders_come_first_in_order() {
        let mut command = Command::new("trunk");
        path_first(&mut command, &[PathBuf::from("b")]);
        path_first(&mut command, &[PathBuf::from("a")]);
        let path = command.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, v)| v);
        let folders: Vec<_> = env::split_paths(path.unwrap_or_default()).take(2).collect();
        assert_eq!(folders, [PathBuf::from("a"), PathBuf::from("b")]);
    }
}
