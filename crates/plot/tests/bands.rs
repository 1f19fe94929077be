//! Lines with bands: what lies where.

use plot::curve::{BandPlot, Series};
use plot::draw::{Draw, Size};

#[test]
fn a_single_point_has_a_whisker_and_labels_around_it() {
    let lines = [96.0, 98.0].map(|x| Series::dots("run", vec![[x, 0.4, 0.5, 0.7]]));
    let plot = BandPlot { lines: lines.to_vec(), log_x: true, ..BandPlot::default() };
    let shapes = plot.draw(Size { width: 1200, height: 675 }, &mut |_, _, _| 10.0);
    let upright = shapes.iter().filter(|shape| match shape {
        Draw::Line { from, to, .. } => from[0] == to[0] && from[1] - to[1] > 50.0,
        _ => false,
    });
    assert_eq!(upright.count(), 2);
    let labels = shapes.iter().filter(|shape| {
        matches!(shape, Draw::Text { text, .. } if ["96", "97", "97.5"].contains(&text.as_str()))
    });
    assert!(labels.count() > 0, "a narrow logarithmic axis");
}

#[test]
fn every_line_is_in_the_legend() {
    let names: Vec<String> = (0..12).map(|n| format!("a sampler with a long name {n}")).collect();
    let point = vec![[1.0, 1.0, 1.0, 1.0], [2.0, 2.0, 2.0, 2.0]];
    let lines = names.iter().map(|name| Series::line(name, point.clone())).collect();
    let plot = BandPlot { lines, ..BandPlot::default() };
    let shapes = plot.draw(Size { width: 1200, height: 675 }, &mut |_, _, _| 250.0);
    let place = |name: &String| {
        shapes.iter().find_map(|shape| match shape {
            Draw::Text { text, x, y, .. } if text == name => Some((*x, *y)),
            _ => None,
        })
    };
    let places: Vec<_> = names.iter().map(|name| place(name).expect("a name")).collect();
    assert!(places.iter().all(|&(x, _)| x > 48.0 && x + 250.0 <= 1152.0), "{places:?}");
    let lowest = places.iter().map(|place| place.1).fold(0.0, f32::max);
    let line = shapes.iter().find_map(|shape| match shape {
        Draw::Polyline { points, .. } => points.iter().map(|point| point[1]).reduce(f32::min),
        _ => None,
    });
    assert!(line.is_some_and(|top| top > lowest), "lines begin below the legend");
}

#[test]
fn a_band_lies_around_its_line() {
    let points = vec![[1.0, 2.0, 3.0, 5.0], [2.0, 1.0, 2.0, 2.5], [3.0, 0.0, f64::NAN, 1.0]];
    let plot = BandPlot { lines: vec![Series::line("runs", points)], ..BandPlot::default() };
    let shapes = plot.draw(Size { width: 1200, height: 675 }, &mut |_, _, _| 10.0);
    let area = shapes.iter().find_map(|shape| match shape {
        Draw::Area { points, .. } => Some(points),
        _ => None,
    });
    let line = shapes.iter().find_map(|shape| match shape {
        Draw::Polyline { points, .. } => Some(points),
        _ => None,
    });
    let (area, line) = (area.expect("a band"), line.expect("a line"));
    assert_eq!((area.len(), line.len()), (4, 2), "points that are not finite are left out");
    // Lower ends to the right, upper ends back; y grows downwards.
    assert!(area[0][1] > line[0][1] && area[3][1] < line[0][1]);
    assert!(area[1][1] > line[1][1] && area[2][1] < line[1][1]);
    assert_eq!([area[0][0], area[1][0]], [line[0][0], line[1][0]]);
    assert!(area.iter().all(|point| (0.0..=675.0).contains(&point[1])), "inside the picture");
}
