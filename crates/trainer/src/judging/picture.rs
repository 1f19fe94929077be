//! Pictures of what was judged.

use plot::curve::{BandPlot, Reference, Series};
use plot::theme::Theme;

use super::Column;

/// Information of the texts under the reader over their own entropy: one curve for each model and
/// sampler, one point for each temperature. `None` without a reader.
pub(crate) fn perplexity_and_entropy(title: &str, columns: &[Column]) -> Option<BandPlot> {
    let point = |one: &Column| {
        let read = one.nats_per_byte?;
        Some([one.entropy?, read.mean - read.error, read.mean, read.mean + read.error])
    };
    let mut lines = curves(columns, &point);
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

/// How well the texts are told from real ones over the passes that they took: one curve for each model
/// and sampler. `None` if none was written by a model.
pub(crate) fn against_passes(title: &str, columns: &[Column]) -> Option<BandPlot> {
    let lines = curves(columns, &|one| {
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

/// The columns that models wrote as curves.
fn curves(columns: &[Column], point: &dyn Fn(&Column) -> Option<[f64; 4]>) -> Vec<Series> {
    let mut curves: Vec<Series> = vec![];
    for one in columns {
        let (Some(origin), Some(point)) = (&one.origin, point(one)) else { continue };
        match curves.iter_mut().find(|curve| curve.name == origin.curve) {
            Some(curve) => curve.points.push(point),
            None => curves.push(Series::dots(&origin.curve, vec![point])),
        }
    }
    for curve in &mut curves {
        curve.points.sort_by(|a, b| a[0].total_cmp(&b[0]));
    }
    curves
}
