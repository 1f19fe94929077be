//! Text widths in em, measured by the browser.

use std::collections::HashMap;

use leptos::prelude::document;
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, HtmlElement};

/// Font size for measuring: large, for subpixel precision.
const PIXELS: f32 = 100.0;

/// Measures text in the font of an element, with a cache.
#[derive(Debug)]
pub(super) struct Ruler {
    context: CanvasRenderingContext2d,
    family: String,
    known: HashMap<(String, bool), f32>,
}

impl Ruler {
    /// A ruler for the font of `element`; `None` without a canvas.
    pub(super) fn of(element: &HtmlElement) -> Option<Self> {
        let canvas: HtmlCanvasElement =
            document().create_element("canvas").ok()?.dyn_into().ok()?;
        let context = canvas.get_context("2d").ok()??.dyn_into().ok()?;
        let family = style(element, "font-family");
        Some(Self { context, family, known: HashMap::new() })
    }

    /// Width of a text in em.
    pub(super) fn width(&mut self, text: &str, bold: bool) -> f32 {
        let Self { context, family, known } = self;
        if let Some(&width) = known.get(&(text.to_owned(), bold)) {
            return width;
        }
        context.set_font(&format!("{} {PIXELS}px {family}", if bold { 600 } else { 400 }));
        let width = context.measure_text(text).map_or(0.0, |measured| measured.width());
        let width = width as f32 / PIXELS;
        known.insert((text.to_owned(), bold), width);
        width
    }
}

/// Pixels per em of an element's text.
pub(super) fn font_pixels(element: &HtmlElement) -> f32 {
    style(element, "font-size").trim_end_matches("px").parse().unwrap_or(16.0)
}

/// Content width of an element, in pixels.
pub(super) fn inner_width(element: &HtmlElement) -> f32 {
    let pixels = |name: &str| style(element, name).trim_end_matches("px").parse().unwrap_or(0.0);
    element.client_width() as f32 - pixels("padding-left") - pixels("padding-right")
}

fn style(element: &HtmlElement, property: &str) -> String {
    let computed = leptos::prelude::window().get_computed_style(element).ok().flatten();
    computed.and_then(|style| style.get_property_value(property).ok()).unwrap_or_default()
}
