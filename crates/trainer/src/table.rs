//! Tables and measured numbers on the terminal.

use std::fmt::Write;

/// Rows of a label and cells, as text: labels to the left, each column to the right and as wide as its
/// widest cell.
pub(crate) fn table<L: AsRef<str>>(rows: &[(L, Vec<String>)]) -> String {
    let width = |text: &str| text.chars().count();
    let label = rows.iter().map(|(label, _)| width(label.as_ref())).max().unwrap_or(0);
    let columns = rows.first().map_or(0, |(_, cells)| cells.len());
    let widest = |column: usize| rows.iter().map(|(_, cells)| width(&cells[column])).max();
    let widths: Vec<usize> = (0..columns).map(|column| widest(column).unwrap_or(0)).collect();
    let mut table = String::new();
    for (name, cells) in rows {
        let _ = write!(table, "{:label$}", name.as_ref());
        for (cell, width) in cells.iter().zip(&widths) {
            let _ = write!(table, "  {cell:>width$}");
        }
        table.push('\n');
    }
    table
}

/// A mean with its standard error; of a single sample, which has none, the mean alone.
pub(crate) fn estimate(mean: f64, error: f64, digits: usize) -> String {
    match error.is_finite() {
        true => format!("{mean:.digits$} ± {error:.digits$}"),
        false => format!("{mean:.digits$}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sample_has_no_standard_error() {
        assert_eq!(estimate(1.5, 0.01, 3), "1.500 ± 0.010");
        assert_eq!(estimate(1.5, f64::NAN, 3), "1.500");
    }

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        let row =
            |label: &'static str, cells: [&str; 2]| (label, cells.map(str::to_owned).to_vec());
        let rows = [row("", ["one", "another"]), row("loss", ["2.5 ± 0.1", "-"])];
        assert_eq!(table(&rows), "            one  another\nloss  2.5 ± 0.1        -\n");
        assert_eq!(table::<&str>(&[]), "");
    }
}
