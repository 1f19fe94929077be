//! The denoising in the terminal.

use std::io::{self, IsTerminal, Write};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use console::Term;
use plot::Trace;
use plot::terminal::{self, Colors, Style};
use plot::theme::Theme;

/// How long a whole denoising takes on the screen, in milliseconds, and the least and most that a
/// frame of it stays.
const WHOLE: u64 = 7_000;
const FRAME: (u64, u64) = (25, 400);

/// Whether standard output is a terminal that can be painted on.
pub(super) fn possible() -> bool {
    io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Plays a denoising on standard output, where its last frame stays; returns whether the terminal
/// was large enough.
pub(super) fn play(trace: &Trace, theme: Theme) -> Result<bool> {
    let (rows, columns) = Term::stdout().size();
    let style = Style {
        width: usize::from(columns).saturating_sub(1).min(100),
        colors: colors(),
        confidence: true,
        theme,
    };
    let height = terminal::frame(trace, 0, &style).lines().count();
    if height >= usize::from(rows) {
        return Ok(false);
    }
    let pause = (WHOLE / trace.frames.len() as u64).clamp(FRAME.0, FRAME.1);
    for frame in 0..trace.frames.len() {
        let mut picture = String::new();
        if frame > 0 {
            thread::sleep(Duration::from_millis(pause));
            picture.push_str(&format!("\x1b[{height}A"));
        }
        for line in terminal::frame(trace, frame, &style).lines() {
            // Clears what the frame before had behind the line's end.
            picture.push_str(line);
            picture.push_str("\x1b[K\n");
        }
        let mut out = io::stdout().lock();
        out.write_all(picture.as_bytes())
            .and_then(|()| out.flush())
            .context("cannot write to the terminal")?;
    }
    Ok(true)
}

fn colors() -> Colors {
    let set = |name: &str| std::env::var(name).unwrap_or_default();
    if !set("NO_COLOR").is_empty() {
        Colors::None
    } else if matches!(set("COLORTERM").as_str(), "truecolor" | "24bit") {
        Colors::True
    } else {
        Colors::Ansi256
    }
}
