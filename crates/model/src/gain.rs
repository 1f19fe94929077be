//! How much a tensor makes of what it is given: weights that are finite and yet no trained network's.

/// Largest gain of a tensor that is taken for trained. What goes into every matrix was normalised, so
/// the gain of the last one is about the size of the logits, and `exp` in f32 is zero below -104: at ten
/// times that, nothing is left of a prediction but certainty. The shipped models stay below 10.
pub(crate) const MAX_GAIN: f64 = 1_000.0;

/// The root mean square of `W x` over random `x` whose elements have root mean square 1: the Frobenius
/// norm of `W` over the root of its number of rows.
pub(crate) fn gain(values: &[f32], rows: usize) -> f64 {
    let squares: f64 = values.iter().map(|&value| f64::from(value) * f64::from(value)).sum();
    (squares / rows as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_is_what_random_vectors_grow_by() {
        // Signs of a Hadamard matrix: their products with the rows are all that matters.
        let (rows, columns) = (3, 4);
        let matrix: Vec<f32> = (0..rows * columns).map(|i| (i as f32 * 1.7).sin()).collect();
        let mut squares = 0.0;
        for signs in 0..1u32 << columns {
            let x = |c: usize| if signs >> c & 1 == 1 { 1.0 } else { -1.0 };
            for row in matrix.chunks(columns) {
                let y: f64 = row.iter().enumerate().map(|(c, &w)| f64::from(w) * x(c)).sum();
                squares += y * y;
            }
        }
        let mean = squares / f64::from(1u32 << columns) / rows as f64;
        assert!((gain(&matrix, rows) - mean.sqrt()).abs() < 1e-12);
    }
}
