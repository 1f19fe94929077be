//! A frame of a trace as lines of text for a terminal.
//!
//! As in the pictures, every token has its place from the first frame to the last, so that a
//! terminal that repaints the lines shows words appear and nothing move. The caller moves the
//! cursor: [`frame`] always returns the same number of lines for one trace and one width.

use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::draw::Color;
use crate::theme::{Palette, Theme};
use crate::trace::{State, Trace};
use crate::wrap::{Kind, Measured, Widths};

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colors {
    /// No escape sequences at all (`NO_COLOR`, or not a terminal).
    None,
    /// The 256 colours of xterm.
    Ansi256,
    /// 24-bit colours (`COLORTERM=truecolor`).
    True,
}

/// How frames are shown.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Character cells in a line, at least 20.
    pub width: usize,
    /// What the terminal can show.
    pub colors: Colors,
    /// Colour settled tokens by their confidence.
    pub confidence: bool,
    /// Whether the terminal's background is light or dark.
    pub theme: Theme,
}

const RESET: &str = "\x1b[0m";

/// The lines of `frame`, each ended by a line feed: the text, an empty line, and a status line.
///
/// # Panics
/// If the trace has no such frame.
pub fn frame(trace: &Trace, frame: usize, style: &Style) -> String {
    let width = style.width.max(20);
    let mut cells = |text: &str, _bold: bool| text.width() as f32;
    let widths = Widths { space: 1.0, small: 1.0, empty: 0.0, mask: 4.0 };
    let wrapped = Measured::new(trace, widths, &mut cells).wrap(width as f32, &mut cells);
    let last = trace.frames.len() - 1;
    let (now, end_state) = (trace.strings(frame), trace.strings(last));
    let end = trace.end(frame).unwrap_or(usize::MAX);
    let ids = &trace.frames[frame].ids;

    let mut out = String::new();
    let mut segments = wrapped.segments.iter().enumerate().peekable();
    for (line, &gap) in wrapped.gaps.iter().enumerate() {
        if gap {
            out.push('\n');
        }
        let mut column = 0;
        while let Some((i, segment)) = segments.next_if(|(_, s)| s.line == line) {
            let token = segment.token;
            let start = segment.x as usize;
            let room = segment.width as usize;
            out.extend(std::iter::repeat_n(' ', start.saturating_sub(column)));
            column = start + room;
            let state = trace.state(frame, token);
            // A token that differs from the last frame's is shown in its first place only.
            let first = i == 0 || wrapped.segments[i - 1].token != token;
            let shown = match state {
                _ if room == 0 => String::new(), // continues a character of the token before
                State::Masked => fill(segment.kind, room),
                _ if Some(ids[token]) == trace.end_id => "■".to_owned(),
                _ if now[token] == end_state[token] => segment.text.clone(),
                _ if first => cut(&now[token], room),
                _ => String::new(),
            };
            let pad = room.saturating_sub(shown.width());
            paint(
                &mut out,
                &shown,
                pad,
                state,
                trace.frames[frame].confidence[token],
                token > end,
                style,
            );
        }
        out.push('\n');
    }
    out.push('\n');
    out.push_str(&status(trace, frame, width, style));
    out.push('\n');
    out
}

/// A mask as wide as what will stand there; a break is one thin cell.
fn fill(kind: Kind, room: usize) -> String {
    if kind == Kind::Break { "·".to_owned() } else { "░".repeat(room) }
}

/// As much of a token as fits into its place, on one line and without control characters.
fn cut(text: &str, room: usize) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = words.replace(char::REPLACEMENT_CHARACTER, "·"); // half a character
    if words.width() <= room {
        return words;
    }
    let mut out = String::new();
    for character in words.chars() {
        if out.width() + character.width().unwrap_or(0) + 1 > room {
            break;
        }
        out.push(character);
    }
    out.push('…');
    out
}

/// Writes one token in its colours, then `pad` blanks.
fn paint(
    out: &mut String,
    text: &str,
    pad: usize,
    state: State,
    confidence: f32,
    after_end: bool,
    style: &Style,
) {
    let text: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    let palette = style.theme.palette();
    let escape = match (style.colors, state) {
        (Colors::None, _) => String::new(),
        (_, State::Prompt) => "\x1b[1m".to_owned(),
        (colors, State::Masked) => foreground(palette.muted.fade_on(palette, 0.55), colors),
        (colors, State::Fresh) => {
            let white = foreground(palette.on_accent, colors);
            format!("\x1b[1m{}{white}", background(palette.accent, colors))
        }
        (colors, State::Settled) if after_end => {
            foreground(palette.muted.fade_on(palette, 0.7), colors)
        }
        (colors, State::Settled) if style.confidence => {
            // Mixed with the text colour: the faint end of the ramp is illegible for text.
            foreground(palette.confidence(confidence).mix(palette.ink, 0.35), colors)
        }
        _ => String::new(),
    };
    if escape.is_empty() || text.is_empty() {
        out.push_str(&text);
    } else {
        out.push_str(&escape);
        out.push_str(&text);
        out.push_str(RESET);
    }
    out.extend(std::iter::repeat_n(' ', pad));
}

/// Step, noise, masks and confidence with a bar, cut to the width.
fn status(trace: &Trace, frame: usize, width: usize, style: &Style) -> String {
    let state = &trace.frames[frame];
    let (steps, clock) = (trace.total().max(1), trace.clock(state.step));
    let mut line = String::new();
    let digits = steps.to_string().len() + usize::from(trace.corrections > 0);
    let _ = write!(line, " {:>digits$}/{}", clock.short(), clock.of);
    let masks = trace.generated().to_string().len();
    let _ = write!(line, "  {:>masks$} masked", trace.masks(frame));
    match trace.mean_confidence(frame) {
        Some(confidence) => {
            let _ = write!(line, "  confidence {confidence:.2}");
        }
        None => line.push_str("  confidence  –  "),
    }
    let length = width.saturating_sub(line.width()).min(24);
    let done = length * state.step.min(steps) as usize / steps as usize;
    let (full, rest) = ("━".repeat(done), "─".repeat(length - done));
    let palette = style.theme.palette();
    let bar = match style.colors {
        Colors::None => full + &rest,
        colors => format!(
            "{}{full}{}{rest}{RESET}",
            foreground(palette.accent, colors),
            foreground(palette.muted.fade_on(palette, 0.5), colors)
        ),
    };
    bar + &cut_cells(&line, width - length)
}

fn cut_cells(text: &str, room: usize) -> String {
    let mut used = 0;
    text.chars()
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= room
        })
        .collect()
}

impl Color {
    /// The opaque colour that this one at `alpha` shows on the background.
    fn fade_on(self, palette: &Palette, alpha: f32) -> Self {
        palette.background.mix(self, alpha)
    }
}

fn foreground(color: Color, colors: Colors) -> String {
    select(38, color, colors)
}

fn background(color: Color, colors: Colors) -> String {
    select(48, color, colors)
}

/// The sequence that selects a foreground (38) or background (48) colour.
fn select(layer: u8, Color { r, g, b, .. }: Color, colors: Colors) -> String {
    match colors {
        Colors::None => String::new(),
        Colors::True => format!("\x1b[{layer};2;{r};{g};{b}m"),
        Colors::Ansi256 => format!("\x1b[{layer};5;{}m", xterm(r, g, b)),
    }
}

/// The nearest of xterm's colours 16 to 255: a 6 x 6 x 6 cube and 24 greys.
fn xterm(r: u8, g: u8, b: u8) -> u8 {
    const LEVELS: [i32; 6] = [0, 95, 135, 175, 215, 255];
    let rgb = [r, g, b].map(i32::from);
    let distance =
        |other: [i32; 3]| -> i32 { rgb.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum() };
    let cube = (0..216usize).map(|i| {
        let color = [LEVELS[i / 36], LEVELS[i / 6 % 6], LEVELS[i % 6]];
        (16 + i as u8, distance(color))
    });
    let grays = (0..24u8).map(|i| (232 + i, distance([8 + 10 * i32::from(i); 3])));
    cube.chain(grays).min_by_key(|c| c.1).map_or(16, |c| c.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_of_256_colors() {
        let found = [(255, 0, 0), (0, 0, 0), (255, 255, 255), (128, 128, 128), (95, 135, 175)]
            .map(|(r, g, b)| xterm(r, g, b));
        assert_eq!(found, [196, 16, 231, 244, 67]);
    }
}
