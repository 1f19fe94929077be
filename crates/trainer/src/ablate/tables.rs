//! Numbers of an ablation as CSV and as Markdown.

use super::matrix::Ablation;
use super::measured::Measured;
use super::pictures::Results;
use crate::table::estimate;

/// Rows of cells as CSV (RFC 4180).
fn csv(rows: &[Vec<String>]) -> String {
    let cell = |cell: &String| match cell.contains([',', '"', '\n']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.clone(),
    };
    rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(",") + "\n").collect()
}

/// Rows of cells as a table in Markdown, the first row as its head.
pub(super) fn markdown(rows: &[Vec<String>]) -> String {
    let line = |row: &Vec<String>| {
        let cells = row.iter().map(|cell| cell.replace('|', "\\|").replace('\n', "<br>"));
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let Some((head, body)) = rows.split_first() else { return String::new() };
    let rule = format!("|{}\n", "---|".repeat(head.len()));
    line(head) + &rule + &body.iter().map(line).collect::<String>()
}

/// The names of the values of an arm, one for each axis.
fn values(ablation: &Ablation, (arm, _): &Results) -> Vec<String> {
    let axes = ablation.axis.iter().zip(&arm.values);
    axes.map(|(axis, &value)| axis.values[value].name.clone()).collect()
}

fn axes(ablation: &Ablation) -> Vec<String> {
    ablation.axis.iter().map(|axis| axis.name.clone()).collect()
}

fn head(ablation: &Ablation, rest: &[&str]) -> Vec<String> {
    axes(ablation).into_iter().chain(rest.iter().map(|&name| name.to_owned())).collect()
}

/// Every run with its last and its best network.
pub(super) fn runs(ablation: &Ablation, arms: &[Results]) -> String {
    let columns = [
        "seed",
        "parameters",
        "steps",
        "tokens",
        "seconds",
        "bits_per_byte",
        "bits_per_byte_error",
        "accuracy",
        "best_step",
        "best_bits_per_byte",
        "best_bits_per_byte_error",
    ];
    let mut rows = vec![head(ablation, &columns)];
    for results in arms {
        for (planned, run) in results.0.runs.iter().zip(&results.1) {
            let Measured { last, best, seconds, .. } = run;
            let tokens = planned.settings.tokens_per_step() * planned.settings.train.steps as usize;
            let step = |step: Option<u32>| step.map_or(String::new(), |step| step.to_string());
            let mut row = values(ablation, results);
            row.extend([
                planned.seed.to_string(),
                last.parameters.to_string(),
                step(last.step),
                tokens.to_string(),
                format!("{seconds:.1}"),
                format!("{:.5}", last.bits_per_byte),
                format!("{:.5}", last.bits_per_byte_error),
                format!("{:.5}", last.accuracy),
                step(best.step),
                format!("{:.5}", best.bits_per_byte),
                format!("{:.5}", best.bits_per_byte_error),
            ]);
            rows.push(row);
        }
    }
    csv(&rows)
}

/// Every point of every curve.
pub(super) fn curves(ablation: &Ablation, arms: &[Results]) -> String {
    let columns = ["seed", "step", "tokens", "seconds", "bits_per_byte"];
    let mut rows = vec![head(ablation, &columns)];
    for results in arms {
        for (planned, run) in results.0.runs.iter().zip(&results.1) {
            for point in &run.curve {
                let mut row = values(ablation, results);
                row.extend([
                    planned.seed.to_string(),
                    point.step.to_string(),
                    point.tokens.to_string(),
                    format!("{:.2}", point.seconds),
                    format!("{:.5}", point.bits_per_byte),
                ]);
                rows.push(row);
            }
        }
    }
    csv(&rows)
}

/// What the arms came to, each over its seeds.
pub(super) fn summary(ablation: &Ablation, arms: &[Results]) -> String {
    let columns =
        ["parameters", "tokens, millions", "minutes", "bits per byte, last", "bits per byte, best"];
    let mut rows = vec![head(ablation, &columns)];
    for results in arms {
        let (arm, runs) = results;
        let mean =
            |of: &dyn Fn(&Measured) -> f64| runs.iter().map(of).sum::<f64>() / runs.len() as f64;
        // Several seeds: how far they lie apart.
        let spread = |of: &dyn Fn(&Measured) -> f64| {
            let (low, high) = runs
                .iter()
                .map(of)
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), bits| {
                    (low.min(bits), high.max(bits))
                });
            if runs.len() > 1 { format!(" ({low:.3} to {high:.3})") } else { String::new() }
        };
        let bits = |of: &dyn Fn(&Measured) -> f64, error: &dyn Fn(&Measured) -> f64| {
            estimate(mean(of), mean(error), 3) + &spread(of)
        };
        let settings = &arm.runs[0].settings;
        let tokens = settings.tokens_per_step() as f64 * f64::from(settings.train.steps);
        let step = mean(&|run| f64::from(run.best.step.unwrap_or(0)));
        let mut row = values(ablation, results);
        row.extend([
            thousands(runs[0].last.parameters),
            format!("{:.2}", 1e-6 * tokens),
            format!("{:.1}", mean(&|run| run.seconds) / 60.0),
            bits(&|run| run.last.bits_per_byte, &|run| run.last.bits_per_byte_error),
            format!(
                "{}, step {step:.0}",
                bits(&|run| run.best.bits_per_byte, &|run| run.best.bits_per_byte_error)
            ),
        ]);
        rows.push(row);
    }
    markdown(&rows)
}

/// A whole number with commas.
pub(super) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let rows = |cells: &[[&str; 2]]| -> Vec<Vec<String>> {
            cells.iter().map(|row| row.map(str::to_owned).to_vec()).collect()
        };
        let table = rows(&[["a", "b"], ["x, y", "say \"hi\""], ["p|q", "l\nm"]]);
        assert_eq!(csv(&table), "a,b\n\"x, y\",\"say \"\"hi\"\"\"\np|q,\"l\nm\"\n");
        let expected = "| a | b |\n|---|---|\n| x, y | say \"hi\" |\n| p\\|q | l<br>m |\n";
        assert_eq!(markdown(&table), expected);
        assert_eq!([7, 1234, 1_000_000].map(thousands), ["7", "1,234", "1,000,000"]);
    }
}
