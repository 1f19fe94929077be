//! Axis ticks and their labels.

/// Round values inside `low..=high`, about `count` of them.
pub(super) fn ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let rough = (high - low) / count.max(1) as f64;
    if !rough.is_finite() || rough <= 0.0 {
        return vec![low];
    }
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|&step| step >= 0.75 * rough)
        .unwrap_or(10.0 * power);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

/// Powers of ten inside `low..=high`; with their multiples by 2 and 5 if there are few.
pub(super) fn log_ticks(low: f64, high: f64) -> Vec<f64> {
    let exponents = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let factors: &[f64] = if high / low < 1e3 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    exponents
        .flat_map(|e| factors.iter().map(move |f| f * 10f64.powi(e)))
        .filter(|&tick| tick >= low * 0.999 && tick <= high * 1.001)
        .collect()
}

/// A number as a label: 2,500 · 40k · 1.5M · 0.25.
pub(super) fn label(value: f64) -> String {
    let magnitude = value.abs();
    let trim = |text: String| {
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        }
    };
    for (unit, name) in [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")] {
        if magnitude >= unit {
            let unit = if name == "k" { 1e3 } else { unit };
            let digits = match magnitude / unit {
                ..10.0 => 2,
                ..100.0 => 1,
                _ => 0,
            };
            return trim(format!("{:.digits$}", value / unit)) + name;
        }
    }
    if magnitude >= 1000.0 {
        let whole = value.round() as i64;
        return format!("{},{:03}", whole / 1000, whole.abs() % 1000);
    }
    trim(format!("{value:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks(0.0, 5000.0, 5), [0.0, 1000.0, 2000.0, 3000.0, 4000.0, 5000.0]);
        assert_eq!(ticks(1.3, 7.7, 4), [2.0, 4.0, 6.0]);
        assert_eq!(ticks(3.0, 3.0, 4), [3.0]);
        assert_eq!(log_ticks(1.0, 5000.0), [1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(log_ticks(3.0, 60.0), [5.0, 10.0, 20.0, 50.0]);
    }

    #[test]
    fn labels_are_short() {
        let shown = [0.0, 0.25, 7.62, 200.0, 2500.0, 40_000.0, 1.5e6, 81_920_000.0].map(label);
        assert_eq!(shown, ["0", "0.25", "7.62", "200", "2,500", "40k", "1.5M", "81.9M"]);
    }
}
