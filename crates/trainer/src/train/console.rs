//! What a training shows while it runs.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Progress bar on the terminal, lines on standard output.
#[derive(Debug)]
pub(super) struct Console {
    bar: ProgressBar,
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
        Self { bar }
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
        self.bar.suspend(|| println!("{text}"));
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
