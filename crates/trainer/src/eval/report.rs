//! What was measured, as a table and as JSON.

use std::fmt::Write;

use diffusion::Schedule;
use diffusion::metrics::ChainOrder;
use model::Objective;
use serde::{Deserialize, Serialize};

use crate::table::estimate;

/// Measurements of one model. Entropies and losses in nats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) name: String,
    pub(crate) checkpoint: String,
    pub(crate) device: String,
    /// Optimizer steps of its training.
    pub(crate) step: Option<u32>,
    /// Whether the weights are their running average over the training.
    #[serde(default)]
    pub(crate) averaged: bool,
    pub(crate) parameters: usize,
    pub(crate) vocabulary: usize,
    pub(crate) objective: Objective,
    /// How the text was masked, unless the model is autoregressive.
    pub(crate) schedule: Schedule,
    pub(crate) masked_loss: f64,
    /// exp of the masked loss; not a bound of the likelihood.
    pub(crate) masked_perplexity: f64,
    pub(crate) accuracy: f64,
    /// t = 1 first; a single one for an autoregressive model.
    pub(crate) entropy_per_timestep: Vec<f64>,
    pub(crate) change_rate: f64,
    pub(crate) distinct_1: f64,
    pub(crate) distinct_2: f64,
    pub(crate) distinct_3: f64,
    pub(crate) unigram_entropy: f64,
    /// Upper bound, or the exact value of an autoregressive model, and the standard error of the
    /// estimate.
    pub(crate) bits_per_byte: f64,
    pub(crate) bits_per_byte_error: f64,
    /// The likelihood by the chain rule, if it was asked for.
    pub(crate) chain_rule: Option<ChainRule>,
    /// Share of generated 13-grams that stand in the training text.
    pub(crate) overlap_13: Option<f64>,
}

/// The likelihood by the chain rule, token after token.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChainRule {
    pub(crate) order: ChainOrder,
    pub(crate) bits_per_byte: f64,
    /// Standard error, from the scatter of the sequences.
    pub(crate) bits_per_byte_error: f64,
}

impl Report {
    /// Number of diffusion times, unless the model is autoregressive and has none.
    pub(crate) fn times(&self) -> Option<usize> {
        let times = self.entropy_per_timestep.len();
        (self.objective != Objective::Autoregressive).then_some(times)
    }
}

/// Models side by side, and the entropy over the timesteps as bars.
pub(crate) fn table(reports: &[Report]) -> String {
    let percent = |share: f64| format!("{:.2}%", 100.0 * share);
    let number = |value: f64| format!("{value:.4}");
    type Cell = Box<dyn Fn(&Report) -> String>;
    let at = move |pick: fn(usize) -> usize| -> Cell {
        Box::new(move |report| {
            let times = report.times();
            times.map_or("-".to_owned(), |t| number(report.entropy_per_timestep[pick(t) - 1]))
        })
    };
    let rows: Vec<(&str, Cell)> = vec![
        ("model", Box::new(|r| r.name.clone())),
        ("training steps", Box::new(|r| r.step.map_or("-".to_owned(), |step| step.to_string()))),
        ("weights", Box::new(|r| if r.averaged { "average" } else { "latest" }.to_owned())),
        ("parameters", Box::new(|r| r.parameters.to_string())),
        ("objective", Box::new(|r| r.objective.to_string())),
        (
            "masked as in schedule",
            Box::new(|r| r.times().map_or("-".to_owned(), |_| r.schedule.to_string())),
        ),
        ("masked loss, nats", Box::new(move |r| number(r.masked_loss))),
        ("masked perplexity", Box::new(|r| format!("{:.2}", r.masked_perplexity))),
        ("masked accuracy", Box::new(move |r| percent(r.accuracy))),
        (
            "entropy, mean over t, nats",
            Box::new(move |r| {
                let entropies = &r.entropy_per_timestep;
                number(entropies.iter().sum::<f64>() / entropies.len() as f64)
            }),
        ),
        ("  at t = 1", at(|_| 1)),
        ("  at t = (T + 1) / 2", at(|most| most.div_ceil(2))),
        ("  at t = T", at(|most| most)),
        ("token change rate", Box::new(move |r| percent(r.change_rate))),
        ("distinct-1", Box::new(move |r| number(r.distinct_1))),
        ("distinct-2", Box::new(move |r| number(r.distinct_2))),
        ("distinct-3", Box::new(move |r| number(r.distinct_3))),
        ("unigram entropy of texts, nats", Box::new(move |r| number(r.unigram_entropy))),
        (
            "bits per byte, at most",
            Box::new(|r| {
                let exactly = if r.times().is_none() { "exactly " } else { "" };
                format!("{exactly}{}", estimate(r.bits_per_byte, r.bits_per_byte_error, 4))
            }),
        ),
        (
            "13-grams from the training text",
            Box::new(move |r| r.overlap_13.map_or("-".to_owned(), percent)),
        ),
    ];
    let mut rows: Vec<(&str, Vec<String>)> =
        rows.iter().map(|(label, cell)| (*label, reports.iter().map(cell).collect())).collect();
    let chains: Vec<_> = reports.iter().filter_map(|report| report.chain_rule).collect();
    let label = chains.first().map(|chain| format!("bits per byte, {}", chain.order));
    if let Some(label) = &label {
        let cell = |chain: &ChainRule| estimate(chain.bits_per_byte, chain.bits_per_byte_error, 4);
        rows.push((label, chains.iter().map(cell).collect()));
    }
    let mut table = crate::table::table(&rows);
    for report in reports.iter().filter(|report| report.times().is_some()) {
        let _ = write!(table, "\nentropy per timestep, {}\n{}", report.name, bars(report));
    }
    table
}

/// Entropy per timestep as bars of at most 60 columns, up to ln V.
fn bars(report: &Report) -> String {
    const ROWS: usize = 8;
    const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let entropies = &report.entropy_per_timestep;
    let columns = entropies.len().min(60);
    let top = (report.vocabulary as f64).ln();
    let heights: Vec<usize> = (0..columns)
        .map(|column| {
            let part = &entropies
                [column * entropies.len() / columns..(column + 1) * entropies.len() / columns];
            let mean = part.iter().sum::<f64>() / part.len() as f64;
            ((mean / top).clamp(0.0, 1.0) * (8 * ROWS) as f64).round() as usize
        })
        .collect();
    let mut picture = String::new();
    for row in (0..ROWS).rev() {
        let label = match row {
            row if row == ROWS - 1 => format!("{top:5.2}"),
            0 => format!("{:5.2}", 0.0),
            _ => " ".repeat(5),
        };
        let line: String =
            heights.iter().map(|height| BLOCKS[height.saturating_sub(8 * row).min(8)]).collect();
        let _ = writeln!(picture, "{label} ┤{}", line.trim_end());
    }
    let last = format!("T = {}", entropies.len());
    let _ = writeln!(picture, "      t = 1{last:>width$}", width = columns.saturating_sub(4));
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_stand_side_by_side() {
        let report = |name: &str| Report {
            name: name.to_owned(),
            checkpoint: String::new(),
            device: String::new(),
            step: Some(5),
            averaged: false,
            parameters: 1000,
            vocabulary: 100,
            objective: Objective::Masked,
            schedule: Schedule::Linear,
            masked_loss: 2.0,
            masked_perplexity: 2.0f64.exp(),
            accuracy: 0.25,
            entropy_per_timestep: vec![1.0, 2.0, 4.0],
            change_rate: 0.5,
            distinct_1: 0.1,
            distinct_2: 0.2,
            distinct_3: 0.3,
            unigram_entropy: 3.0,
            bits_per_byte: 1.5,
            bits_per_byte_error: 0.01,
            chain_rule: None,
            overlap_13: None,
        };
        let chain_rule = ChainRule {
            order: ChainOrder::Confidence,
            bits_per_byte: 1.25,
            bits_per_byte_error: 0.02,
        };
        let measured = |name| Report { chain_rule: Some(chain_rule), ..report(name) };
        let table = table(&[measured("one"), measured("another")]);
        for (label, one, another) in [
            ("model", "one", "another"),
            ("masked perplexity", "7.39", "7.39"),
            ("  at t = (T + 1) / 2", "2.0000", "2.0000"),
            ("bits per byte, at most", "1.5000 ± 0.0100", "1.5000 ± 0.0100"),
            ("bits per byte, confidence", "1.2500 ± 0.0200", "1.2500 ± 0.0200"),
        ] {
            let line = format!("{label:31}  {one:>15}  {another:>15}");
            assert!(table.lines().any(|found| found == line), "{line}\n{table}");
        }
        assert_eq!(table.matches(" 4.61 ┤").count(), 2, "{table}");

        let left_to_right = Report {
            objective: Objective::Autoregressive,
            entropy_per_timestep: vec![2.0],
            ..report("ar")
        };
        let table = super::table(&[left_to_right]);
        assert!(table.contains("exactly 1.5000 ± 0.0100"), "{table}");
        assert!(!table.contains('┤'), "an autoregressive model has no times: {table}");
    }
}
