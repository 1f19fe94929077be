//! `strace`, which notes the calls of a program that write, and lets one of them fail.

use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The system calls, and how they fail.
const CALLS: [(&str, &str); 6] = [
    ("openat", "ENOSPC"),
    ("write", "ENOSPC"),
    ("fsync", "EIO"),
    ("rename", "EIO"),
    ("mkdir", "EROFS"),
    ("unlink", "EIO"),
];

/// Whose calls are noted and fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Traced {
    /// The program's own, of its first thread.
    Program,
    /// Those of each thread of the ffmpeg that it starts.
    Ffmpeg,
}

/// A folder in which programs run under `strace`.
pub(super) struct Strace {
    folder: PathBuf,
}

impl Strace {
    /// Puts an `ffmpeg` that is traced into a folder below `folder`.
    pub(super) fn new(folder: &Path) -> Result<Self> {
        let this = Self { folder: folder.to_owned() };
        if let Some(ffmpeg) = crate::run::find("ffmpeg") {
            let script = format!(
                "#!/bin/sh\nexec strace -f -y -o '{}' -e \"$STRACE_RULE\" '{}' \"$@\"\n",
                this.trace().display(),
                ffmpeg.display()
            );
            fs::create_dir_all(this.stand_in())?;
            let path = this.stand_in().join("ffmpeg");
            fs::write(&path, script)?;
            executable(&path)?;
        }
        Ok(this)
    }

    fn trace(&self) -> PathBuf {
        self.folder.join("strace.txt")
    }

    /// The folder of the traced `ffmpeg`.
    fn stand_in(&self) -> PathBuf {
        self.folder.join("strace")
    }

    /// Runs a command, notes its calls, and lets the call of this name and number fail.
    pub(super) fn run(
        &self,
        command: &Command,
        traced: Traced,
        fault: Option<(&str, usize)>,
    ) -> Result<Output> {
        let rule = match fault {
            Some((call, at)) => {
                let error = CALLS.iter().find(|(name, _)| *name == call);
                let error = error.context("a known call")?.1;
                format!("inject={call}:error={error}:when={at}")
            }
            None => {
                let names: Vec<&str> = CALLS.iter().map(|(name, _)| *name).collect();
                format!("trace={}", names.join(","))
            }
        };
        let mut run = match traced {
            Traced::Program => {
                let mut strace = Command::new("strace");
                strace.arg("-y").arg("-o").arg(self.trace()).args(["-e", &rule]);
                strace.arg(command.get_program());
                strace
            }
            Traced::Ffmpeg => {
                let mut program = Command::new(command.get_program());
                crate::wasm::path_first(&mut program, &[self.stand_in()]);
                program.env("STRACE_RULE", rule);
                program
            }
        };
        run.args(command.get_args());
        run.current_dir(&self.folder).env("RUST_BACKTRACE", "0").env_remove("RUST_LOG");
        run.output().context("strace cannot start; install it")
    }

    /// The calls that write of the last command, each with its number among those of its name and thread.
    ///
    /// Of many calls that write to a pipe, as pictures go to ffmpeg, the first two, the last, and one between.
    pub(super) fn places(&self) -> Result<Vec<(&'static str, usize)>> {
        let found = of_trace(&fs::read_to_string(self.trace())?);
        ensure!(!found.is_empty(), "strace saw no call that writes");
        Ok(found)
    }
}

#[cfg(unix)]
fn executable(file: &Path) -> Result<()> {
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    Ok(fs::set_permissions(file, permissions)?)
}

#[cfg(not(unix))]
fn executable(_: &Path) -> Result<()> {
    Ok(())
}

fn of_trace(trace: &str) -> Vec<(&'static str, usize)> {
    let mut numbers: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let (mut found, mut pipes) = (Vec::new(), Vec::new());
    for line in trace.lines() {
        // With several threads, each line begins with the number of its own.
        let (thread, line) = match line.trim_start().split_once(' ') {
            Some((thread, rest)) if thread.bytes().all(|b| b.is_ascii_digit()) => (thread, rest),
            _ => ("", line),
        };
        let line = line.trim_start();
        let Some((call, _)) = CALLS
            .iter()
            .find(|(call, _)| line.strip_prefix(call).is_some_and(|rest| rest.starts_with('(')))
        else {
            continue;
        };
        let call = *call;
        let number = numbers.entry((thread, call)).or_default();
        *number += 1;
        let writes = ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| line.contains(flag));
        if line.contains("<pipe:") {
            pipes.push((call, *number));
        } else if call != "openat" || writes {
            found.push((call, *number));
        }
    }
    let kept = [0, 1, pipes.len() / 2, pipes.len().wrapping_sub(1)];
    found.extend(
        pipes.iter().enumerate().filter(|(at, _)| kept.contains(at)).map(|(_, pipe)| *pipe),
    );
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::of_trace;

    #[test]
    fn calls_are_counted_by_thread_and_name() {
        let trace = "openat(AT_FDCWD</>, \"a\", O_RDONLY) = 3\n\
                     openat(AT_FDCWD</>, \"b\", O_WRONLY|O_CREAT, 0666) = 4</b>\n\
                     write(4</b>, \"x\", 1) = 1\nfsync(4</b>) = 0\n+++ exited with 0 +++\n";
        assert_eq!(of_trace(trace), [("fsync", 1), ("openat", 2), ("write", 1)]);
        let threads = "12 write(1</a>, \"x\", 1) = 1\n 13 write(1</a>, \"x\", 1) = 1\n\
                       13 write(1</a>, \"x\", 1) = 1\n";
        assert_eq!(of_trace(threads), [("write", 1), ("write", 2)]);
    }

    #[test]
    fn of_many_pictures_some_are_enough() {
        let trace = "write(5<pipe:[7]>, \"x\"..., 9) = 9\n".repeat(9);
        assert_eq!(of_trace(&trace), [1, 2, 5, 9].map(|number| ("write", number)));
    }
}
