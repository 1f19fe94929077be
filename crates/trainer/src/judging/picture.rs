//! Pictures of what was judged.

use plot::curve::{BandPlot, Reference, Series};
use plot::theme::Theme;

use super::{Column, Origin, names};

/// Information of the texts under the reader over their own entropy: one curve for each model, sampler
/// and number of steps, one point for each temperature. `None` without a reader.
pub(crate) fn perplexity_and_entropy(title: &str, columns: &[Column]) -> Option<BandPlot> {
    let point = |one: &Column| {
        let read = one.nats_per_byte?;
        Some([one.entropy?, read.mean - read.error, read.mean, read.mean + read.error])
    };
    let part = |origin: &Origin| {
        let [model, sampler, steps, _] = origin.parts();
        [model, sampler, steps]
    };
    let mut lines = curves(columns, &part, &point);
    if let Some(real) = columns.iter().find(|one| one.origin.is_none()) {
        lines.extend(point(real).map(|point| Series::dots(&real.judgement.name, vec![point])));
    }
    (!lines.is_empty()).then(|| BandPlot {
        title: title.to_owned(),
        x_label: "Entropy of a text's tokens, nats".to_owned(),
        y_label: "Nats per byte under the reader (along a line: temperatures)".to_owned(),
        lines,
        theme: Theme::Light,
        ..BandPlot::default()
    })
}

/// How well the texts are told from real ones over the passes that they took: one curve for each model,
/// sampler and temperature. `None` if none was written by a model.
pub(crate) fn against_passes(title: &str, columns: &[Column]) -> Option<BandPlot> {
    let part = |origin: &Origin| {
        let [model, sampler, _, temperature] = origin.parts();
        [model, sampler, temperature]
    };
    let lines = curves(columns, &part, &|one| {
        let found = one.judgement.separability?;
        let passes = one.origin.as_ref()?.passes;
        Some([passes, found.auc - found.error, found.auc, found.auc + found.error])
    });
    (!lines.is_empty()).then(|| BandPlot {
        title: title.to_owned(),
        x_label: "Passes of the network".to_owned(),
        y_label: "Told from real text, AUC".to_owned(),
        lines,
        references: vec![Reference { label: "cannot be told apart".to_owned(), value: 0.5 }],
        log_x: true,
        theme: Theme::Light,
        ..BandPlot::default()
    })
}

/// The columns that models wrote as curves: those of the same `parts` are one.
fn curves(
    columns: &[Column],
    parts: &dyn Fn(&Origin) -> [String; 3],
    point: &dyn Fn(&Column) -> Option<[f64; 4]>,
) -> Vec<Series> {
    let known = columns.iter().filter_map(|one| Some((parts(one.origin.as_ref()?), point(one)?)));
    let (parts, points): (Vec<_>, Vec<_>) = known.unzip();
    let mut curves: Vec<Series> = vec![];
    for (name, point) in names(&parts).iter().zip(points) {
        match curves.iter_mut().find(|curve| curve.name == *name) {
            Some(curve) => curve.points.push(point),
            None => curves.push(Series::dots(name, vec![point])),
        }
    }
    for curve in &mut curves {
        curve.points.sort_by(|a, b| a[0].total_cmp(&b[0]));
    }
    curves
}
