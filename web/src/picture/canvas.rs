//! Shapes on a 2D canvas.

use js_sys::{Function, Object, Promise, Reflect};
use leptos::prelude::document;
use plot::draw::{Align, Draw, Size, Weight};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, CanvasRenderingContext2d, HtmlCanvasElement, OffscreenCanvas};

/// Font stack of pictures.
const FAMILY: &str =
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif";

/// A canvas that is not in the document.
#[derive(Clone, Debug)]
pub(super) struct Canvas {
    element: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
}

impl Canvas {
    /// A canvas of this size; `None` where the browser has none.
    pub(super) fn new(size: Size) -> Option<Self> {
        let element: HtmlCanvasElement =
            document().create_element("canvas").ok()?.dyn_into().ok()?;
        element.set_width(size.width);
        element.set_height(size.height);
        let context = element.get_context("2d").ok()??.dyn_into().ok()?;
        Some(Self { element, context })
    }

    /// A canvas in a worker, whose pixels are read. It has no element.
    pub(super) fn offscreen(size: Size) -> Option<Self> {
        let canvas = OffscreenCanvas::new(size.width, size.height).ok()?;
        let read = Object::new();
        Reflect::set(&read, &"willReadFrequently".into(), &true.into()).ok()?;
        let context = canvas.get_context_with_context_options("2d", &read).ok()??;
        // Its context has the same methods under the same names: one painter serves both.
        Some(Self { element: canvas.unchecked_into(), context: context.unchecked_into() })
    }

    /// The picture as RGBA.
    pub(super) fn pixels(&self, size: Size) -> Option<Vec<u8>> {
        let (width, height) = (f64::from(size.width), f64::from(size.height));
        Some(self.context.get_image_data(0.0, 0.0, width, height).ok()?.data().0)
    }

    /// The element.
    pub(super) fn element(&self) -> &HtmlCanvasElement {
        &self.element
    }

    /// Width of a text in pixels.
    pub(super) fn measure(&self, text: &str, size: f32, weight: Weight) -> f32 {
        self.context.set_font(&font(size, weight));
        self.context.measure_text(text).map_or(0.0, |measured| measured.width() as f32)
    }

    /// Paints shapes, in order.
    pub(super) fn paint(&self, shapes: &[Draw]) {
        shapes.iter().for_each(|shape| self.paint_one(shape));
    }

    fn paint_one(&self, shape: &Draw) {
        let context = &self.context;
        let at = f64::from;
        match shape {
            Draw::Rect { x, y, width, height, radius, color } => {
                context.set_fill_style_str(&color.css());
                context.begin_path();
                // Fails only for a negative radius.
                let _ = context.round_rect_with_f64(
                    at(*x),
                    at(*y),
                    at(*width),
                    at(*height),
                    at(*radius),
                );
                context.fill();
            }
            Draw::Text { x, y, align, size, weight, color, text } => {
                context.set_font(&font(*size, *weight));
                context.set_text_align(match align {
                    Align::Left => "left",
                    Align::Center => "center",
                    Align::Right => "right",
                });
                context.set_fill_style_str(&color.css());
                // Fails only for coordinates that are NaN.
                let _ = context.fill_text(text, at(*x), at(*y));
            }
            Draw::Line { from, to, width, color, dash } => {
                let dashes = js_sys::Array::new();
                if *dash > 0.0 {
                    dashes.push(&(*dash).into());
                }
                // Fails only for lengths that are NaN.
                let _ = context.set_line_dash(&dashes);
                self.stroke(&[*from, *to], *width, &color.css());
                let _ = context.set_line_dash(&js_sys::Array::new());
            }
            Draw::Polyline { points, width, color } => self.stroke(points, *width, &color.css()),
            Draw::Area { points, color } => {
                self.path(points);
                context.set_fill_style_str(&color.css());
                context.close_path();
                context.fill();
            }
        }
    }

    fn path(&self, points: &[[f32; 2]]) {
        self.context.begin_path();
        for (i, [x, y]) in points.iter().enumerate() {
            let (x, y) = (f64::from(*x), f64::from(*y));
            if i == 0 { self.context.move_to(x, y) } else { self.context.line_to(x, y) }
        }
    }

    fn stroke(&self, points: &[[f32; 2]], width: f32, color: &str) {
        self.path(points);
        self.context.set_stroke_style_str(color);
        self.context.set_line_width(width.into());
        self.context.set_line_join("round");
        self.context.set_line_cap("round");
        self.context.stroke();
    }

    /// The picture as a PNG file.
    pub(super) async fn png(&self) -> Option<Blob> {
        let promise = Promise::new(&mut |resolve: Function, _| {
            let done = Closure::once_into_js(move |blob: wasm_bindgen::JsValue| {
                // Resolving a promise cannot fail.
                let _ = resolve.call1(&wasm_bindgen::JsValue::NULL, &blob);
            });
            // Fails only for a canvas tainted by cross-origin images.
            let _ = self.element.to_blob(done.unchecked_ref());
        });
        JsFuture::from(promise).await.ok()?.dyn_into().ok()
    }
}

fn font(size: f32, weight: Weight) -> String {
    let weight = match weight {
        Weight::Regular => 400,
        Weight::Bold => 600,
    };
    format!("{weight} {size}px {FAMILY}")
}
