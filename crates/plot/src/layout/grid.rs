//! The grid: where text, charts, legend and footer go, for wide and for upright pictures.

use crate::draw::Size;

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) width: f32,
    pub(super) height: f32,
}

/// Places of all parts of a picture, in pixels.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    /// Pixels per unit of the design, which is 720 (wide) or 1080 (upright) units high.
    pub(super) unit: f32,
    /// Size of labels.
    pub(super) label: f32,
    pub(super) largest_font: f32,
    pub(super) margin: f32,
    pub(super) right: f32,
    pub(super) title: f32,
    pub(super) text: Area,
    /// Label line and bar of the step counter.
    pub(super) step: Area,
    pub(super) masks: Area,
    pub(super) confidence: Area,
    pub(super) legend: Area,
    /// Columns of the legend.
    pub(super) columns: usize,
    /// Baseline of the footer.
    pub(super) footer: f32,
}

impl Grid {
    /// Space between two columns of text.
    pub(super) fn gutter(&self) -> f32 {
        28.0 * self.unit
    }

    /// Where both charts are, as one.
    pub(super) fn charts(&self) -> Area {
        let (first, last) = (&self.masks, &self.confidence);
        let (width, height) = (last.x + last.width - first.x, last.y + last.height - first.y);
        Area { width, height, ..*first }
    }

    pub(super) fn new(size: Size) -> Self {
        let (width, height) = (size.width as f32, size.height as f32);
        if width >= 1.2 * height { Self::wide(width, height) } else { Self::upright(width, height) }
    }

    /// Text on the left, everything else in a column on the right.
    fn wide(width: f32, height: f32) -> Self {
        let unit = (width / 1280.0).min(height / 720.0);
        let u = |units: f32| units * unit;
        let margin = u(64.0);
        let column = u(320.0);
        let right = width - margin;
        let x = right - column;
        let top = u(116.0);
        let area = |y: f32, h: f32| Area { x, y: u(y), width: column, height: u(h) };
        let bottom = height - u(92.0);
        Self {
            unit,
            label: u(14.0),
            largest_font: u(30.0),
            margin,
            right,
            title: u(70.0),
            text: Area { x: margin, y: top, width: x - u(72.0) - margin, height: bottom - top },
            step: area(116.0, 44.0),
            masks: area(196.0, 136.0),
            confidence: area(368.0, 136.0),
            legend: Area { x, y: bottom - u(78.0), width: column, height: u(78.0) },
            columns: 2,
            footer: height - u(40.0),
        }
    }

    /// Text above, charts side by side below it.
    fn upright(width: f32, height: f32) -> Self {
        let unit = (width / 1080.0).min(height / 1080.0);
        let u = |units: f32| units * unit;
        let margin = u(72.0);
        let right = width - margin;
        let full = right - margin;
        let gutter = u(56.0);
        let half = (full - gutter) / 2.0;
        let up = |units: f32| height - u(units);
        let chart = |x: f32| Area { x, y: up(310.0), width: half, height: u(142.0) };
        let top = u(140.0);
        Self {
            unit,
            label: u(17.0),
            largest_font: u(36.0),
            margin,
            right,
            title: u(92.0),
            text: Area { x: margin, y: top, width: full, height: up(424.0) - top },
            step: Area { x: margin, y: up(392.0), width: full, height: u(48.0) },
            masks: chart(margin),
            confidence: chart(margin + half + gutter),
            legend: Area { x: margin, y: up(138.0), width: full, height: u(36.0) },
            columns: 5,
            footer: up(48.0),
        }
    }
}
