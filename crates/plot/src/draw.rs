//! Drawing primitives, shared by the canvas, SVG and raster back ends.

/// Width and height of a picture in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Size {
    /// The size of videos.
    pub const WIDE: Self = Self { width: 1280, height: 720 };
    /// The size for feeds that crop to a square.
    pub const SQUARE: Self = Self { width: 1080, height: 1080 };
}

/// An sRGB colour with straight alpha.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color {
    /// Red.
    pub r: u8,
    /// Green.
    pub g: u8,
    /// Blue.
    pub b: u8,
    /// Opacity, 255 = opaque.
    pub a: u8,
}

impl Color {
    /// An opaque colour from `0xRRGGBB`.
    pub const fn hex(rgb: u32) -> Self {
        Self { r: (rgb >> 16) as u8, g: (rgb >> 8) as u8, b: rgb as u8, a: 255 }
    }

    /// The same colour with opacity times `alpha` (0 to 1).
    #[must_use]
    pub fn fade(self, alpha: f32) -> Self {
        Self { a: (f32::from(self.a) * alpha.clamp(0.0, 1.0)).round() as u8, ..self }
    }

    /// A colour between `self` (0) and `other` (1).
    #[must_use]
    pub fn mix(self, other: Self, share: f32) -> Self {
        let share = share.clamp(0.0, 1.0);
        let mix =
            |a: u8, b: u8| (f32::from(a) + (f32::from(b) - f32::from(a)) * share).round() as u8;
        Self {
            r: mix(self.r, other.r),
            g: mix(self.g, other.g),
            b: mix(self.b, other.b),
            a: mix(self.a, other.a),
        }
    }

    /// The colour as CSS and SVG write it: `#rrggbb` or `rgba(...)`.
    pub fn css(self) -> String {
        let Self { r, g, b, a } = self;
        match a {
            255 => format!("#{r:02x}{g:02x}{b:02x}"),
            _ => format!("rgba({r},{g},{b},{:.3})", f32::from(a) / 255.0),
        }
    }
}

/// Font weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Weight {
    /// CSS weight 400.
    Regular,
    /// CSS weight 700.
    Bold,
}

/// Horizontal alignment of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// The text begins at x.
    Left,
    /// The text is centred at x.
    Center,
    /// The text ends at x.
    Right,
}

/// One shape. Coordinates are pixels from the top left corner.
#[derive(Clone, Debug, PartialEq)]
pub enum Draw {
    /// A filled rectangle with rounded corners.
    Rect {
        /// Left edge.
        x: f32,
        /// Top edge.
        y: f32,
        /// Width.
        width: f32,
        /// Height.
        height: f32,
        /// Radius of the corners.
        radius: f32,
        /// Fill.
        color: Color,
    },
    /// One line of text.
    Text {
        /// Where it begins, is centred or ends.
        x: f32,
        /// Its baseline.
        y: f32,
        /// Horizontal alignment.
        align: Align,
        /// Pixels per em.
        size: f32,
        /// Thickness.
        weight: Weight,
        /// Colour.
        color: Color,
        /// The characters; no line breaks.
        text: String,
    },
    /// A straight line.
    Line {
        /// One end.
        from: [f32; 2],
        /// Other end.
        to: [f32; 2],
        /// Thickness.
        width: f32,
        /// Colour.
        color: Color,
        /// Length of dashes and of the gaps between them; 0 is a solid line.
        dash: f32,
    },
    /// A line through points, with round joins.
    Polyline {
        /// The points.
        points: Vec<[f32; 2]>,
        /// Thickness.
        width: f32,
        /// Colour.
        color: Color,
    },
    /// A filled polygon.
    Area {
        /// The corners.
        points: Vec<[f32; 2]>,
        /// Fill.
        color: Color,
    },
}

/// Measures the width in pixels of a text at a size (pixels per em) and weight. Widths must be
/// proportional to the size.
pub type Measure<'a> = dyn FnMut(&str, f32, Weight) -> f32 + 'a;

/// `text`, shortened with an ellipsis until it is at most `width` pixels wide.
pub(crate) fn shorten(
    text: &str,
    width: f32,
    size: f32,
    weight: Weight,
    measure: &mut Measure<'_>,
) -> String {
    if measure(text, size, weight) <= width {
        return text.into();
    }
    let mut kept: Vec<char> = text.chars().collect();
    while kept.pop().is_some() {
        let short: String = kept.iter().collect::<String>().trim_end().to_owned() + "…";
        if measure(&short, size, weight) <= width {
            return short;
        }
    }
    String::new()
}
