//! Frames for the terminal: as wide as asked, as many lines in each frame, colours only if wanted.

mod support;

use plot::terminal::{Colors, Style, frame};
use plot::theme::Theme;
use support::{denoising, story};
use unicode_width::UnicodeWidthStr;

fn style(width: usize, colors: Colors) -> Style {
    Style { width, colors, confidence: true, theme: Theme::Dark }
}

/// The text without escape sequences.
fn plain(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut out = parts.next().unwrap().to_owned();
    out.extend(parts.map(|part| part.split_once('m').expect("only colours are set").1));
    out
}

#[test]
fn nothing_moves_and_nothing_is_too_wide() {
    let awkward = denoising("", &"unbreakable\n\n\u{4f60}\u{597d}".repeat(20), Some(" x"), 6);
    for trace in [story(), awkward] {
        for width in [24, 60, 100] {
            let lines = |f| frame(&trace, f, &style(width, Colors::None)).lines().count();
            for f in 0..trace.frames.len() {
                assert_eq!(lines(f), lines(0), "frame {f} at width {width}");
                for line in frame(&trace, f, &style(width, Colors::None)).lines() {
                    assert!(line.width() <= width, "{line:?} is wider than {width}");
                }
            }
        }
    }
}

#[test]
fn colors_change_nothing_but_colors() {
    let trace = story();
    for f in [0, 20, 50] {
        let bare = frame(&trace, f, &style(80, Colors::None));
        assert!(!bare.contains('\x1b'));
        for colors in [Colors::Ansi256, Colors::True] {
            let colored = frame(&trace, f, &style(80, colors));
            assert_ne!(colored, bare);
            assert_eq!(plain(&colored), bare);
        }
    }
    assert!(frame(&trace, 20, &style(80, Colors::True)).contains("\x1b[48;2;229;83;61m"));
    assert!(frame(&trace, 20, &style(80, Colors::Ansi256)).contains("\x1b[48;5;"));
}

#[test]
fn first_and_last_frame() {
    let trace = denoising("The cat", " sat on the mat.", Some(" More"), 12);
    let shown = |f| frame(&trace, f, &style(60, Colors::None));
    // Masks are as wide as what will stand there.
    assert!(shown(0).starts_with("The cat ░░░ ░░ ░░░ ░░░░░\n"), "{}", shown(0));
    assert!(shown(12).starts_with("The cat sat on the mat.■\n"), "{}", shown(12));
    assert!(shown(12).contains("12/12  0 masked  confidence 0."), "{}", shown(12));
}

#[test]
fn a_character_in_two_tokens_takes_its_own_width() {
    let trace = denoising("", "\u{201c}Do.\u{201d} Yes", None, 8);
    let shown = |f| frame(&trace, f, &style(60, Colors::None));
    assert!(shown(8).starts_with("\u{201c}Do.\u{201d} Yes\n"), "{}", shown(8));
    assert!(shown(0).starts_with("░░░░░ ░░░\n"), "{}", shown(0));
}

#[test]
fn control_characters_never_reach_the_terminal() {
    let trace = denoising("a\u{1b}]0;title\u{7}", " b\u{1b}[2J c", None, 3);
    for f in 0..trace.frames.len() {
        let bare = frame(&trace, f, &style(40, Colors::None));
        assert!(bare.chars().all(|c| !c.is_control() || c == '\n'), "{bare:?}");
    }
}
