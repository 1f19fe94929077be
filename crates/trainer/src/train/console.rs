//! What a training shows while it runs.

use std::cell::Cell;
use std::io::ErrorKind;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::print;

/// Progress bar on the terminal, lines on standard output.
#[derive(Debug)]
pub(super) struct Console {
    bar: ProgressBar,
    listener: Cell<Listener>,
}

/// Who takes the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listener {
    Listens,
    /// Whoever read them has gone away.
    Gone,
    /// They cannot be written, and that was said.
    Full,
}

impl Console {
    /// A bar over `steps` steps of which `done` are done.
    pub(super) fn new(done: u32, steps: u32) -> Self {
        let template = "{bar:24} step {pos}/{len}  {msg}  {eta} left";
        let style = ProgressStyle::with_template(template).expect("a valid template");
        let bar = ProgressBar::new(steps.into()).with_style(style.progress_chars("━╸ "));
        bar.set_position(done.into());
        // Time left is reckoned from the steps of this part of the run alone.
        bar.reset_eta();
        bar.enable_steady_tick(Duration::from_millis(500));
        Self { bar, listener: Cell::new(Listener::Listens) }
    }

    /// Moves the bar.
    pub(super) fn at(&self, step: u32) {
        self.bar.set_position(step.into());
    }

    /// Shows the latest loss and speed.
    pub(super) fn show(&self, loss: f64, tokens_per_second: f64) {
        self.bar.set_message(format!("loss {loss:.3}  {tokens_per_second:.0} tokens/s"));
    }

    /// Prints a line above the bar.
    pub(super) fn line(&self, text: &str) {
        if self.listener.get() != Listener::Listens {
            return;
        }
        if let Err(error) = self.bar.suspend(|| print::line(text)) {
            if error.kind() == ErrorKind::BrokenPipe {
                self.listener.set(Listener::Gone);
            } else {
                self.listener.set(Listener::Full);
                self.bar.suspend(|| print::warn(&error));
            }
        }
    }

    /// Whether whoever read the lines has gone away, as `head` does after some of them.
    pub(super) fn abandoned(&self) -> bool {
        self.listener.get() == Listener::Gone
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
