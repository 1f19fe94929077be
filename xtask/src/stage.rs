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
    /// Whether it is `cargo test`: at least one test must then have run.
    pub(crate) counts: bool,
}

/// Result of a [`Stage`].
pub(crate) struct Outcome {
    pub(crate) ok: bool,
    pub(crate) counts: Counts,
    pub(crate) took: Duration,
}

impl Stage {
    /// Runs the command and passes its output on.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn run(&mut self) -> Result<Outcome> {
        let start = Instant::now();
        let line = run::line(&self.command);
        println!("$ {line}");
        let mut counts = Counts::default();
        if self.counts {
            self.command.stdout(Stdio::piped());
        }
        let mut child = self.command.spawn().with_context(|| format!("cannot start `{line}`"))?;
        if let Some(stdout) = child.stdout.take() {
            for line in BufReader::new(stdout).split(b'\n') {
                let line = line?;
                let line = String::from_utf8_lossy(&line);
                println!("{line}");
                counts += Counts::parse(&line).unwrap_or_default();
            }
        }
        let mut ok = child.wait()?.success();
        if self.counts && counts.passed == 0 {
            println!("no test ran");
            ok = false;
        }
        Ok(Outcome { ok, counts, took: start.elapsed() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_without_any_test_fails() -> Result<()> {
        let mut command = run::cargo();
        command.arg("--version");
        let outcome = Stage { name: "empty".to_owned(), command, counts: true }.run()?;
        assert!(!outcome.ok);
        Ok(())
    }
}
