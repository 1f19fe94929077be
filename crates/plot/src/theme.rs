//! Colours: warm paper or warm night, one cinnabar red, and a blue ramp for confidence.

use std::fmt;

use crate::draw::Color;

/// Light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Theme {
    /// Dark ink on paper.
    Light,
    /// Pale ink on near-black.
    #[default]
    Dark,
}

/// The colours of a theme by their use.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    /// Behind everything.
    pub background: Color,
    /// Text.
    pub ink: Color,
    /// Labels and footers.
    pub muted: Color,
    /// Axes and rules.
    pub hairline: Color,
    /// A mask.
    pub mask: Color,
    /// Cinnabar: new tokens.
    pub accent: Color,
    /// Text on the accent.
    pub on_accent: Color,
    /// Confidence 0, 1/3, 2/3 and 1.
    pub ramp: [Color; 4],
    /// Lines of several runs in one plot; safe for colour blindness (after Okabe and Ito).
    pub series: [Color; 6],
}

impl Theme {
    /// All of them, the default first.
    pub const ALL: [Self; 2] = [Self::Dark, Self::Light];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// What it looks like, in one line.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Light => "Dark ink on paper",
            Self::Dark => "Pale ink on near-black",
        }
    }

    /// The colours of the theme.
    pub const fn palette(self) -> &'static Palette {
        match self {
            Self::Light => &LIGHT,
            Self::Dark => &DARK,
        }
    }
}

impl fmt::Display for Theme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Palette {
    /// The colour of a confidence from 0 to 1. Its distance in lightness from the background grows
    /// with the confidence, so that it is read without telling hues apart.
    pub fn confidence(&self, confidence: f32) -> Color {
        let at = confidence.clamp(0.0, 1.0) * (self.ramp.len() - 1) as f32;
        let i = (at as usize).min(self.ramp.len() - 2);
        self.ramp[i].mix(self.ramp[i + 1], at - i as f32)
    }
}

const LIGHT: Palette = Palette {
    background: Color::hex(0xfbf8f3),
    ink: Color::hex(0x25211d),
    muted: Color::hex(0x7d756c),
    hairline: Color::hex(0xe6dfd5),
    mask: Color::hex(0xe5ddd0),
    accent: Color::hex(0xd6402b),
    on_accent: Color::hex(0xffffff),
    ramp: [Color::hex(0xf0dfb0), Color::hex(0xa5cdb4), Color::hex(0x3f93a8), Color::hex(0x17477c)],
    series: [
        Color::hex(0xd6402b),
        Color::hex(0x1f6f9f),
        Color::hex(0x2f8f6f),
        Color::hex(0xb8811a),
        Color::hex(0x8a5a9e),
        Color::hex(0x6b645c),
    ],
};

const DARK: Palette = Palette {
    background: Color::hex(0x171412),
    ink: Color::hex(0xeee8df),
    muted: Color::hex(0x968d83),
    hairline: Color::hex(0x302b27),
    mask: Color::hex(0x3a342f),
    accent: Color::hex(0xe5533d),
    on_accent: Color::hex(0xffffff),
    ramp: [Color::hex(0x2f4468), Color::hex(0x2f7896), Color::hex(0x5bb5ae), Color::hex(0xdff0c0)],
    series: [
        Color::hex(0xec6a54),
        Color::hex(0x64b5e0),
        Color::hex(0x5cc2a0),
        Color::hex(0xe2b252),
        Color::hex(0xc49ad8),
        Color::hex(0xa79e94),
    ],
};
