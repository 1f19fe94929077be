//! Printing that never fails the work: nobody may be there to read, and a disk may be full.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::sync::Once;

use anyhow::{Context, Result};

/// A line on standard error, written at once, so that it stays whole beside those of other processes.
pub(crate) fn note(text: impl Display) {
    // There is nobody left who could be told.
    let _ = io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// An error on standard error. It is one line: line breaks and other control characters, which come
/// from names and files of others, are shown as Rust writes them.
pub(crate) fn error(text: &str) {
    note(format_args!("error: {}", visible(text)));
}

/// A text with its control characters made visible.
fn visible(text: &str) -> String {
    let show = |c: char| match c.is_control() {
        true => c.escape_default().collect(),
        false => c.to_string(),
    };
    text.chars().map(show).collect()
}

/// A line on standard output, at once.
pub(crate) fn line(text: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// What a command says of its work on standard output. If that cannot be written, the work is still
/// done: one note says so, unless the reader has gone away.
pub(crate) fn summary(text: impl Display) {
    if let Err(error) = line(text)
        && error.kind() != ErrorKind::BrokenPipe
    {
        warn(&error);
    }
}

/// [`summary`] with the arguments of `println!`.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::print::summary(format_args!($($text)*))
    };
}
pub(crate) use say;

/// What a command was run for, on standard output.
///
/// # Errors
/// It cannot be written. A reader that has gone away has read enough.
pub(crate) fn result(text: impl Display) -> Result<()> {
    match line(text) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to standard output"),
    }
}

/// Says, the first time, that standard output cannot be written to.
pub(crate) fn warn(error: &io::Error) {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| {
        note(format_args!("warning: cannot write to standard output ({error}); the work goes on"));
    });
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn control_characters_are_visible() {
        let text = "cannot read “a\nb\u{1b}[2J”: é";
        assert_eq!(visible(text), "cannot read “a\\nb\\u{1b}[2J”: é");
    }
}
