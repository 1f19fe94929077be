//! Shapes to pixels, on the CPU.

mod font;
pub mod png;

use tiny_skia::{
    FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, PixmapMut, Rect, Stroke, StrokeDash,
    Transform,
};

use crate::draw::{Color, Draw, Measure, Size, Weight};
use crate::svg;

use font::Fonts;

/// Control-point distance with which a cubic Bézier approximates a quarter circle.
const ARC: f32 = 0.552_284_8;

/// Why a picture could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RasterError {
    /// A size without pixels, or one that no picture can have.
    #[error("a picture cannot be {0} x {1} pixels; each side must be 16 to 16384")]
    Size(u32, u32),
    /// The PNG could not be written.
    #[error("the PNG could not be written: {0}")]
    Png(#[from] ::png::EncodingError),
}

/// Draws shapes into an image of a fixed size, with the embedded Noto Sans and a glyph cache.
pub struct Raster {
    size: Size,
    pixels: Vec<u8>,
    fonts: Fonts,
}

impl Raster {
    /// A rasteriser for pictures of `size`.
    ///
    /// # Errors
    /// If a side is shorter than 16 or longer than 16384 pixels.
    pub fn new(size: Size) -> Result<Self, RasterError> {
        let sides = 16..=16384;
        if !sides.contains(&size.width) || !sides.contains(&size.height) {
            return Err(RasterError::Size(size.width, size.height));
        }
        let bytes = size.width as usize * size.height as usize * 4;
        Ok(Self { size, pixels: vec![255; bytes], fonts: Fonts::new() })
    }

    /// The size of the pictures.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The width of a text in pixels; see [`crate::draw::Measure`].
    pub fn measure(&mut self, text: &str, size: f32, weight: Weight) -> f32 {
        self.fonts.width(text, size, weight)
    }

    /// Paints `shapes` over white and returns the pixels: opaque RGBA, rows from the top.
    pub fn draw(&mut self, shapes: &[Draw]) -> &[u8] {
        self.pixels.fill(255);
        for shape in shapes {
            self.paint(shape);
        }
        &self.pixels
    }

    fn paint(&mut self, shape: &Draw) {
        let Size { width, height } = self.size;
        let mut canvas = PixmapMut::from_bytes(&mut self.pixels, width, height)
            .expect("the buffer has the size of the picture");
        let none = Transform::identity();
        match shape {
            &Draw::Rect { x, y, width, height, radius, color } => {
                if let Some(path) = rounded(x, y, width, height, radius) {
                    canvas.fill_path(&path, &paint(color), FillRule::Winding, none, None);
                }
            }
            Draw::Area { points, color } => {
                if let Some(path) = polyline(points, true) {
                    canvas.fill_path(&path, &paint(*color), FillRule::Winding, none, None);
                }
            }
            Draw::Line { from, to, width, color, dash } => {
                if let Some(path) = polyline(&[*from, *to], false) {
                    let dash = (*dash > 0.0).then(|| StrokeDash::new(vec![*dash; 2], 0.0));
                    let stroke =
                        Stroke { width: *width, dash: dash.flatten(), ..Stroke::default() };
                    canvas.stroke_path(&path, &paint(*color), &stroke, none, None);
                }
            }
            Draw::Polyline { points, width, color } => {
                if let Some(path) = polyline(points, false) {
                    let stroke = Stroke {
                        width: *width,
                        line_cap: LineCap::Round,
                        line_join: LineJoin::Round,
                        ..Stroke::default()
                    };
                    canvas.stroke_path(&path, &paint(*color), &stroke, none, None);
                }
            }
            Draw::Text { x, y, align, size, weight, color, text } => {
                let at = (*x, *y, *align);
                self.fonts.draw(&mut self.pixels, self.size, text, at, (*size, *weight), *color);
            }
        }
    }
}

fn paint(color: Color) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(color.r, color.g, color.b, color.a);
    paint
}

fn polyline(points: &[[f32; 2]], closed: bool) -> Option<Path> {
    let (first, rest) = points.split_first()?;
    let mut path = PathBuilder::new();
    path.move_to(first[0], first[1]);
    for point in rest {
        path.line_to(point[0], point[1]);
    }
    if closed {
        path.close();
    }
    path.finish()
}

fn rounded(x: f32, y: f32, width: f32, height: f32, radius: f32) -> Option<Path> {
    let r = radius.min(width / 2.0).min(height / 2.0);
    if r <= 0.0 {
        return Some(PathBuilder::from_rect(Rect::from_xywh(x, y, width, height)?));
    }
    let (right, bottom, k) = (x + width, y + height, r * (1.0 - ARC));
    let mut path = PathBuilder::new();
    path.move_to(x + r, y);
    path.line_to(right - r, y);
    path.cubic_to(right - k, y, right, y + k, right, y + r);
    path.line_to(right, bottom - r);
    path.cubic_to(right, bottom - k, right - k, bottom, right - r, bottom);
    path.line_to(x + r, bottom);
    path.cubic_to(x + k, bottom, x, bottom - k, x, bottom - r);
    path.line_to(x, y + r);
    path.cubic_to(x, y + k, x + k, y, x + r, y);
    path.close();
    path.finish()
}

/// The PNG and the SVG file of a picture; `draw` gets the measure and returns the shapes.
///
/// # Errors
/// If a side of `size` is shorter than 16 or longer than 16384 pixels.
pub fn files(
    size: Size,
    draw: impl FnOnce(&mut Measure<'_>) -> Vec<Draw>,
) -> Result<(Vec<u8>, String), RasterError> {
    let mut raster = Raster::new(size)?;
    let shapes = draw(&mut |text, size, weight| raster.measure(text, size, weight));
    Ok((png::encode(size, raster.draw(&shapes))?, svg::encode(size, &shapes)))
}
