//! One stage of the test run: a command, its duration, and the number of tests that passed and failed.

use crate::counts::Counts;
use crate::run;
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A command of the test run.
pub(crate) struct Stage {
    pub(crate) name: String,
    pub(crate) command: Command,
    pub(crate) kind: Kind,
}

/// What a stage's command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A command that succeeds or fails.
    Check,
    /// `cargo test`: at least one test must have run.
    Tests,
    /// `cargo test` of what shares a busy machine with browsers: tests that fail run once more, one at
    /// a time, and are named.
    Browsers,
}

/// Result of a [`Stage`].
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) ok: bool,
    pub(crate) counts: Counts,
    pub(crate) took: Duration,
    /// Names of the tests that failed, then passed alone.
    pub(crate) unsteady: Vec<String>,
}

impl Stage {
    /// Runs the command and passes its output on.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn run(&mut self) -> Result<Outcome> {
        let start = Instant::now();
        let (mut ok, mut counts, mut unsteady) = self.run_once()?;
        if self.kind == Kind::Browsers && !unsteady.is_empty() {
            println!("once more, one at a time: {}", unsteady.join(", "));
            self.command.args(&unsteady).args(["--exact", "--test-threads=1"]);
            let (again, Counts { passed, failed, .. }, still) = self.run_once()?;
            ok = again && passed == unsteady.len();
            counts = Counts { passed: counts.passed + passed, failed, ..counts };
            unsteady.retain(|name| !still.contains(name));
        } else {
            unsteady.clear();
        }
        if self.kind != Kind::Check && counts.passed == 0 {
            println!("no test ran");
            ok = false;
        }
        Ok(Outcome { ok, counts, took: start.elapsed(), unsteady })
    }

    /// Whether it succeeded, what it counted, and the names of the tests that failed.
    fn run_once(&mut self) -> Result<(bool, Counts, Vec<String>)> {
        let line = run::line(&self.command);
        println!("$ {line}");
        let mut counts = Counts::default();
        let mut failed = Vec::new();
        if self.kind != Kind::Check {
            self.command.stdout(Stdio::piped());
        }
        let mut child = self.command.spawn().with_context(|| format!("cannot start `{line}`"))?;
        if let Some(stdout) = child.stdout.take() {
            for line in BufReader::new(stdout).split(b'\n') {
                let line = line?;
                let line = String::from_utf8_lossy(&line);
                println!("{line}");
                counts += Counts::parse(&line).unwrap_or_default();
                failed.extend(failed_test(&line).map(str::to_owned));
            }
        }
        Ok((child.wait()?.success(), counts, failed))
    }
}

/// The name in `test NAME ... FAILED`.
fn failed_test(line: &str) -> Option<&str> {
    line.trim().strip_prefix("test ")?.strip_suffix(" ... FAILED")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_without_any_test_fails() -> Result<()> {
        let mut command = run::cargo();
        command.arg("--version");
        let outcome = Stage { name: "empty".to_owned(), command, kind: Kind::Tests }.run()?;
        assert!(!outcome.ok);
        Ok(())
    }

    #[test]
    fn failed_tests_are_named() {
        assert_eq!(failed_test("test tour::five_cards ... FAILED"), Some("tour::five_cards"));
        assert_eq!(failed_test("test tour::five_cards ... ok"), None);
        assert_eq!(failed_test("test result: FAILED. 1 passed; 1 failed"), None);
    }

    /// Tests of a small crate: one always fails, one fails the first time.
    #[test]
    fn browsers_get_a_second_try_and_are_named() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("xtask-stage-{}", std::process::id()));
        run::remove(&folder)?;
        std::fs::create_dir_all(folder.join("src"))?;
        let manifest = "[package]\nname = \"tries\"\nedition = \"2021\"\n[workspace]\n";
        std::fs::write(folder.join("Cargo.toml"), manifest)?;
        let seen = folder.join("seen");
        let tests = format!(
            "#[test] fn steady() {{}}\n#[test] fn once() {{ let seen = std::path::Path::new({seen:?}); \
             let again = seen.exists(); std::fs::write(seen, \"\").unwrap(); assert!(again) }}\n"
        );
        let lib = folder.join("src/lib.rs");
        std::fs::write(&lib, &tests)?;
        let stage = || {
            let mut command = run::cargo();
            command.args(["test", "--offline", "--lib", "--manifest-path"]);
            command.arg(folder.join("Cargo.toml")).arg("--");
            Stage { name: "tries".to_owned(), command, kind: Kind::Browsers }.run()
        };
        let outcome = stage()?;
        assert!(outcome.ok);
        assert_eq!(outcome.counts, Counts { passed: 2, ..Counts::default() });
        assert_eq!(outcome.unsteady, ["once"]);
        std::fs::write(&lib, format!("{tests}#[test] fn never() {{ panic!() }}\n"))?;
        let outcome = stage()?;
        assert!(!outcome.ok);
        assert_eq!(outcome.counts, Counts { passed: 2, failed: 1, ..Counts::default() });
        assert!(outcome.unsteady.is_empty());
        run::remove(&folder)
    }
}
