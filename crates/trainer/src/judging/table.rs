//! What is known of texts, as rows of a table.

use judge::KINDS;

use super::{Column, Estimate};
use crate::table;

/// The rows: a label, and a cell for each column; the first row names the columns. Rows of which
/// nothing is known are left out, but for those of the texts themselves.
pub(crate) fn rows(columns: &[Column]) -> Vec<(String, Vec<String>)> {
    let known = |value: Option<f64>, digits: usize| {
        value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
    };
    let estimate = |value: Option<Estimate>, scale: f64, digits: usize| {
        value.map_or("-".to_owned(), |Estimate { mean, error }| {
            table::estimate(scale * mean, scale * error, digits)
        })
    };
    let mut rows: Vec<(String, Vec<String>)> = vec![];
    let mut row = |label: &str, cell: &dyn Fn(&Column) -> String| {
        rows.push((label.to_owned(), columns.iter().map(cell).collect()));
    };
    row("", &|one| one.judgement.name.clone());
    row("texts", &|one| one.judgement.texts.to_string());
    row("words", &|one| one.judgement.words.to_string());
    if columns.iter().any(|one| one.origin.is_some()) {
        row("passes of the network", &|one| {
            known(one.origin.as_ref().map(|origin| origin.passes), 0)
        });
    }
    for (kind, label) in KINDS.iter().enumerate() {
        row(&format!("{label} / 1,000 words"), &|one| known(one.judgement.faults[kind], 2));
    }
    row("told from real text, AUC", &|one| {
        let found = one.judgement.separability;
        estimate(found.map(|found| Estimate { mean: found.auc, error: found.error }), 1.0, 3)
    });
    for n in 1..=3 {
        row(&format!("distinct-{n}"), &|one| known(Some(one.judgement.distinct[n - 1]), 3));
    }
    row("13-grams of the training text, %", &|one| {
        known(one.judgement.copied.map(|share| 100.0 * share), 2)
    });
    if columns.iter().any(|one| one.nats_per_byte.is_some()) {
        row("nats per byte under the reader", &|one| estimate(one.nats_per_byte, 1.0, 3));
        row("entropy of a text's tokens, nats", &|one| known(one.entropy, 3));
    }
    let share = |one: &Column| one.origin.as_ref().and_then(|origin| origin.endings);
    if columns.iter().any(|one| share(one).is_some()) {
        row("last sentences known, %", &|one| estimate(share(one), 100.0, 1));
    }
    rows
}
