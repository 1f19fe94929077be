//! Lines with bands: means of several runs and how far these lie apart.

use super::chart::{Chart, Line};
use super::{Reference, finite};
use crate::draw::{Draw, Measure, Size};
use crate::theme::Theme;

/// A line of a [`BandPlot`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Name in the legend.
    pub name: String,
    /// x, lower end of the band, y, upper end of the band; x growing. Points that are not finite are
    /// left out.
    pub points: Vec<[f64; 4]>,
    /// Whether each point is a dot.
    pub dots: bool,
}

impl Series {
    /// A line with a dot at each point.
    pub fn dots(name: &str, points: Vec<[f64; 4]>) -> Self {
        Self { name: name.to_owned(), points, dots: true }
    }

    /// A plain line.
    pub fn line(name: &str, points: Vec<[f64; 4]>) -> Self {
        Self { name: name.to_owned(), points, dots: false }
    }
}

/// Lines with bands.
#[derive(Clone, Debug, Default)]
pub struct BandPlot {
    /// Title.
    pub title: String,
    /// What x is, with its unit.
    pub x_label: String,
    /// A second row of x labels: its name and how many of it one x is.
    pub x_scale: Option<(String, f64)>,
    /// What y is, with its unit.
    pub y_label: String,
    /// The lines: six are easily told apart, twelve with care.
    pub lines: Vec<Series>,
    /// Horizontal lines.
    pub references: Vec<Reference>,
    /// Logarithmic x.
    pub log_x: bool,
    /// Light or dark.
    pub theme: Theme,
}

impl BandPlot {
    /// The shapes of the plot.
    pub fn draw(&self, size: Size, measure: &mut Measure<'_>) -> Vec<Draw> {
        let palette = self.theme.palette();
        let lines = self.lines.iter().enumerate().map(|(i, series)| {
            let color = palette.series[i % palette.series.len()];
            // Once all colours are taken, they come darker.
            let color = color.mix(palette.ink, 0.5 * (i / palette.series.len()) as f32);
            let points: Vec<_> = series.points.iter().map(|&[x, _, y, _]| (x, y)).collect();
            let name = Some(series.name.clone());
            let line = match series.dots {
                true => Line::dotted(name, finite(&points), color),
                false => Line::thick(name, finite(&points), color),
            };
            let whole = series.points.iter().filter(|point| point.iter().all(|v| v.is_finite()));
            line.with_band(whole.map(|&[x, low, _, high]| [x, low, high]).collect())
        });
        let chart = Chart {
            title: &self.title,
            x_label: &self.x_label,
            y_label: &self.y_label,
            lines: lines.collect(),
            references: &self.references,
            x_scale: self.x_scale.as_ref().map(|(name, scale)| (name.as_str(), *scale)),
            log_x: self.log_x,
            from_zero: false,
        };
        chart.draw(size, palette, measure)
    }
}
