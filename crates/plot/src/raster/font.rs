//! Text: Noto Sans, each glyph rasterised once per size and quarter of a pixel.

use std::collections::HashMap;

use ab_glyph::{Font, FontRef, GlyphId, PxScale, point};

use crate::draw::{Align, Color, Size, Weight};

/// Subpixel positions per pixel.
const PHASES: f32 = 4.0;

/// A rasterised glyph: coverage 0 to 255 and where it lies relative to its origin.
struct Coverage {
    left: i32,
    top: i32,
    width: usize,
    values: Vec<u8>,
}

/// Both weights, with a cache of glyphs.
pub(super) struct Fonts {
    regular: FontRef<'static>,
    bold: FontRef<'static>,
    /// By glyph, weight, size in 1/64 pixels and phase; `None` for glyphs without ink.
    glyphs: HashMap<(GlyphId, Weight, u32, u8), Option<Coverage>>,
}

impl Fonts {
    pub(super) fn new() -> Self {
        let load =
            |bytes| FontRef::try_from_slice(bytes).expect("the embedded font is a whole TrueType");
        Self {
            regular: load(notosans::REGULAR_TTF),
            bold: load(notosans::BOLD_TTF),
            glyphs: HashMap::new(),
        }
    }

    fn face(&self, weight: Weight) -> &FontRef<'static> {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }

    /// Width of `text` in pixels.
    pub(super) fn width(&self, text: &str, size: f32, weight: Weight) -> f32 {
        let face = self.face(weight);
        let advance = |c| face.h_advance_unscaled(face.glyph_id(c));
        text.chars().map(advance).sum::<f32>() * size / units_per_em(face)
    }

    /// Blends `text` into opaque RGBA `pixels`.
    pub(super) fn draw(
        &mut self,
        pixels: &mut [u8],
        picture: Size,
        text: &str,
        (x, y, align): (f32, f32, Align),
        (size, weight): (f32, Weight),
        color: Color,
    ) {
        let mut pen = match align {
            Align::Left => x,
            Align::Center => x - self.width(text, size, weight) / 2.0,
            Align::Right => x - self.width(text, size, weight),
        };
        let baseline = y.round() as i32; // whole pixels keep baselines sharp
        let face = match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        };
        for character in text.chars() {
            let glyph = face.glyph_id(character);
            let advance = face.h_advance_unscaled(glyph) * size / units_per_em(face);
            let at = (pen * PHASES).round() / PHASES;
            let phase = ((at - at.floor()) * PHASES) as u8;
            let key = (glyph, weight, (size * 64.0) as u32, phase);
            let coverage = self
                .glyphs
                .entry(key)
                .or_insert_with(|| outline(face, glyph, size, f32::from(phase) / PHASES));
            if let Some(coverage) = coverage {
                blend(pixels, picture, coverage, (at.floor() as i32, baseline), color);
            }
            pen += advance;
        }
    }
}

fn units_per_em(face: &FontRef<'_>) -> f32 {
    face.units_per_em().unwrap_or(1000.0)
}

fn outline(face: &FontRef<'_>, glyph: GlyphId, size: f32, phase: f32) -> Option<Coverage> {
    // ab_glyph's scale is the height from descent to ascent, ours is the em.
    let scale = PxScale::from(size * face.height_unscaled() / units_per_em(face));
    let outlined = face.outline_glyph(glyph.with_scale_and_position(scale, point(phase, 0.0)))?;
    let bounds = outlined.px_bounds();
    let width = bounds.width().ceil() as usize;
    let height = bounds.height().ceil() as usize;
    let mut values = vec![0; width * height];
    outlined.draw(|x, y, c| {
        if let Some(value) = values.get_mut(y as usize * width + x as usize) {
            *value = (c.clamp(0.0, 1.0) * 255.0).round() as u8;
        }
    });
    Some(Coverage { left: bounds.min.x as i32, top: bounds.min.y as i32, width, values })
}

fn blend(pixels: &mut [u8], picture: Size, glyph: &Coverage, (x, y): (i32, i32), color: Color) {
    for (i, &value) in glyph.values.iter().enumerate().filter(|(_, v)| **v > 0) {
        let px = x + glyph.left + (i % glyph.width) as i32;
        let py = y + glyph.top + (i / glyph.width) as i32;
        if px < 0 || py < 0 || px >= picture.width as i32 || py >= picture.height as i32 {
            continue;
        }
        let at = (py as usize * picture.width as usize + px as usize) * 4;
        let alpha = u32::from(value) * u32::from(color.a);
        for (pixel, ink) in pixels[at..at + 3].iter_mut().zip([color.r, color.g, color.b]) {
            let sum = u32::from(ink) * alpha + u32::from(*pixel) * (65025 - alpha);
            *pixel = ((sum + 32512) / 65025) as u8;
        }
    }
}
