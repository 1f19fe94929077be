//! What a picture of the page must look like: the shapes of the native layout, with the widths of
//! texts as the browser measures them.

use std::collections::HashMap;

use plot::Trace;
use plot::draw::{Align, Draw, Measure, Size, Weight};
use plot::layout::{Moment, Pair, Pane, Plan, Strip, StripPlan, Style};
use plot::raster::Raster;
use plot::theme::Theme;
use serde_json::json;

use crate::browser::Browser;

/// The font of the page's pictures.
const FAMILY: &str =
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif";

/// Widths of texts in the browser, measured when they are first asked for.
#[derive(Default)]
pub(crate) struct Widths {
    known: HashMap<(String, u32, bool), f32>,
}

impl Widths {
    /// The shapes of one moment, in the browser's font.
    pub(crate) fn shapes(
        &mut self,
        browser: &Browser,
        trace: &Trace,
        size: Size,
        moment: Moment,
    ) -> Vec<Draw> {
        self.measured(browser, |style, measure| {
            Plan::new(trace, size, measure).draw(moment, style, measure)
        })
    }

    /// The shapes of one moment of two runs beside each other.
    pub(crate) fn shapes_of_two(
        &mut self,
        browser: &Browser,
        panes: &[Pane<'_>; 2],
        size: Size,
        moment: Moment,
    ) -> Vec<Draw> {
        self.measured(browser, |style, measure| {
            Pair::new(panes.clone(), size, measure).draw(moment, style, measure)
        })
    }

    /// The shapes of one moment of a training.
    pub(crate) fn shapes_of_texts(
        &mut self,
        browser: &Browser,
        strip: &Strip,
        size: Size,
        moment: Moment,
    ) -> Vec<Draw> {
        self.measured(browser, |style, measure| {
            StripPlan::new(strip, size, measure).draw(moment, style, measure)
        })
    }

    /// What `draw` makes of texts as wide as they are in the browser.
    fn measured(
        &mut self,
        browser: &Browser,
        draw: impl Fn(&Style, &mut Measure<'_>) -> Vec<Draw>,
    ) -> Vec<Draw> {
        let style = Style { theme: Theme::Light, ..Style::default() };
        loop {
            let mut missing = Vec::new();
            let mut measure = |text: &str, size: f32, weight: Weight| {
                let key = (text.to_owned(), size.to_bits(), weight == Weight::Bold);
                self.known.get(&key).copied().unwrap_or_else(|| {
                    missing.push(key);
                    size * text.len() as f32 / 2.0
                })
            };
            let shapes = draw(&style, &mut measure);
            if missing.is_empty() {
                return shapes;
            }
            self.ask(browser, missing);
        }
    }

    fn ask(&mut self, browser: &Browser, missing: Vec<(String, u32, bool)>) {
        let font = |(text, size, bold): &(String, u32, bool)| {
            let weight = if *bold { 600 } else { 400 };
            json!([text, format!("{weight} {}px {FAMILY}", f32::from_bits(*size))])
        };
        let texts: Vec<_> = missing.iter().map(font).collect();
        let script = "const context = document.createElement('canvas').getContext('2d'); \
            return arguments[0].map(([text, font]) => { \
                context.font = font; \
                return context.measureText(text).width; \
            });";
        let widths = browser.execute(script, &[texts.into()]);
        let widths: Vec<f32> = serde_json::from_value(widths).expect("numbers");
        self.known.extend(missing.into_iter().zip(widths));
    }

    /// Where the letters of a text may be, as `[left, top, right, bottom]`.
    fn letters(&self, shape: &Draw) -> Option<[f32; 4]> {
        let Draw::Text { x, y, align, size, weight, text, .. } = shape else { return None };
        let key = (text.clone(), size.to_bits(), *weight == Weight::Bold);
        // A text that was not measured is short: a label or a number.
        let width = self.known.get(&key).copied().unwrap_or(size * 0.7 * text.len() as f32);
        let left = match align {
            Align::Left => *x,
            Align::Center => x - width / 2.0,
            Align::Right => x - width,
        };
        Some([left - 2.0, y - 0.95 * size, left + width + 2.0, y + 0.3 * size])
    }
}

/// Raw RGB of a picture.
pub(crate) struct Picture {
    pub(crate) size: Size,
    pub(crate) rgb: Vec<u8>,
}

impl Picture {
    fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        let at = 3 * (y * self.size.width + x) as usize;
        [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]]
    }

    /// Compares the picture with its shapes. Outside of letters, where fonts differ, all but 0.5 %
    /// of the pixels (edges, and what an encoder blurs) are those of the native rasteriser within
    /// `tolerance` in every channel; each text of three letters or more has ink in its place.
    ///
    /// # Panics
    /// When it is another picture.
    pub(crate) fn check(&self, what: &str, shapes: &[Draw], widths: &Widths, tolerance: u8) {
        let (difference, texts) = self.differences(shapes, widths, tolerance);
        println!("{what}: {:.3} % of the pixels differ, {texts} texts", 100.0 * difference);
        assert!(difference < 0.005, "{what}: {:.2} % of the pixels differ", 100.0 * difference);
        assert!(texts > 5, "{what}: only {texts} texts");
        for shape in shapes {
            let Draw::Text { text, color, .. } = shape else { continue };
            if text.chars().filter(|c| c.is_alphanumeric()).count() < 3 || color.a < 200 {
                continue;
            }
            let ink = self.ink(widths.letters(shape).expect("a text"));
            assert!(ink > 0.04, "{what}: no ink where “{text}” should be ({ink})");
        }
    }

    /// The share of pixels outside of letters that are not those of the rasteriser, and the number
    /// of texts.
    pub(crate) fn differences(
        &self,
        shapes: &[Draw],
        widths: &Widths,
        tolerance: u8,
    ) -> (f64, usize) {
        let without: Vec<Draw> =
            shapes.iter().filter(|shape| !matches!(shape, Draw::Text { .. })).cloned().collect();
        let mut raster = Raster::new(self.size).expect("a size that is possible");
        let expected = raster.draw(&without);
        let letters: Vec<[f32; 4]> =
            shapes.iter().filter_map(|shape| widths.letters(shape)).collect();
        let (mut seen, mut different) = (0usize, 0usize);
        for y in 0..self.size.height {
            for x in 0..self.size.width {
                let (px, py) = (x as f32 + 0.5, y as f32 + 0.5);
                let inside = |[left, top, right, bottom]: &[f32; 4]| {
                    (left..right).contains(&&px) && (top..bottom).contains(&&py)
                };
                if letters.iter().any(inside) {
                    continue;
                }
                seen += 1;
                let at = 4 * (y * self.size.width + x) as usize;
                let pairs = self.pixel(x, y).into_iter().zip(&expected[at..at + 3]);
                different +=
                    usize::from(pairs.into_iter().any(|(a, b)| a.abs_diff(*b) > tolerance));
            }
        }
        (different as f64 / seen as f64, letters.len())
    }

    /// Share of the pixels of a rectangle that stand out from what is most common in it.
    fn ink(&self, [left, top, right, bottom]: [f32; 4]) -> f64 {
        let columns = left.max(0.0) as u32..(right as u32).min(self.size.width);
        let rows = top.max(0.0) as u32..(bottom as u32).min(self.size.height);
        let pixels: Vec<[u8; 3]> = rows
            .flat_map(|y| columns.clone().map(move |x| (x, y)))
            .map(|(x, y)| self.pixel(x, y))
            .collect();
        let brightness = |pixel: &[u8; 3]| pixel.iter().map(|&c| u32::from(c)).sum::<u32>();
        let mut sorted: Vec<u32> = pixels.iter().map(brightness).collect();
        sorted.sort_unstable();
        let Some(&usual) = sorted.get(sorted.len() / 2) else { return 0.0 };
        let stands_out = sorted.iter().filter(|value| value.abs_diff(usual) > 120).count();
        stands_out as f64 / sorted.len() as f64
    }
}
