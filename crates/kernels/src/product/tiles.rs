//! Matrix products for narrow vectors and one thread, which is what a browser tab has.
//!
//! Both factors are packed into panels as wide as a tile of the result; a tile is summed in registers, depth
//! after depth (Goto and van de Geijn, *Anatomy of High-Performance Matrix Multiplication*, 2008). The
//! `gemm` crate does the same with tiles of 12 by 4, whose sums take all of WebAssembly's registers: its
//! products, which are not fused with sums there, have none left.

use device::Real;

use super::Matrix;

/// A tile of the result: eight vectors of four are summed at a time.
const ROWS: usize = 4;
const COLUMNS: usize = 8;
/// Depth of a panel: one of either factor fits the first cache.
const DEPTH: usize = 256;
/// Rows of the left factor that are packed at a time, which fit the second cache.
const BLOCK: usize = 96;

/// `c = a b`, or `c += a b` when `add`; `c` is row-major and dense.
#[cfg(target_arch = "wasm32")]
pub(crate) fn multiply_shared<E: Real>(c: &mut [E], a: Matrix<'_, E>, b: Matrix<'_, E>, add: bool) {
    multiply(c, b.columns, a, b, 1.0, add);
}

/// `c = alpha a b`, or `c += alpha a b` when `add`; `c` is row-major, rows `stride` apart.
pub(crate) fn multiply<E: Real>(
    c: &mut [E],
    stride: usize,
    a: Matrix<'_, E>,
    b: Matrix<'_, E>,
    alpha: f64,
    add: bool,
) {
    assert_eq!(a.columns, b.rows, "inner sizes of a product");
    let [rows, columns, terms] = [a.rows, b.columns, a.columns];
    let alpha = E::from_f64(alpha);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for start in (0..terms).step_by(DEPTH) {
        let depth = DEPTH.min(terms - start);
        pack::<E, COLUMNS>(b.rows(start, depth), &mut right);
        for first in (0..rows).step_by(BLOCK) {
            let block = a.rows(first, BLOCK.min(rows - first)).columns(start, depth);
            pack::<E, ROWS>(block.transposed(), &mut left);
            for (column, right) in (0..columns).step_by(COLUMNS).zip(right.chunks_exact(depth)) {
                let width = COLUMNS.min(columns - column);
                for (row, left) in (first..rows).step_by(ROWS).zip(left.chunks_exact(depth)) {
                    let sums = tile(left, right);
                    for (row, sums) in (row..rows).zip(&sums) {
                        let c = &mut c[row * stride + column..][..width];
                        let add = add || start > 0;
                        for (c, &sum) in c.iter_mut().zip(sums) {
                            *c = if add { *c + alpha * sum } else { alpha * sum };
                        }
                    }
                }
            }
        }
    }
}

/// The product of a panel of rows with one of columns.
#[inline(never)]
fn tile<E: Real>(left: &[[E; ROWS]], right: &[[E; COLUMNS]]) -> [[E; COLUMNS]; ROWS] {
    let mut sums = [[E::zero(); COLUMNS]; ROWS];
    for (left, right) in left.iter().zip(right) {
        for (sums, &left) in sums.iter_mut().zip(left) {
            for (sum, &right) in sums.iter_mut().zip(right) {
                *sum += left * right;
            }
        }
    }
    sums
}

/// Panels of `WIDTH` columns, one after the other, each row by row; columns that the last one lacks are
/// zeros.
fn pack<E: Real, const WIDTH: usize>(matrix: Matrix<'_, E>, panels: &mut Vec<[E; WIDTH]>) {
    let Matrix { data, rows, columns, row_stride, column_stride } = matrix;
    panels.clear();
    for first in (0..columns).step_by(WIDTH) {
        let width = WIDTH.min(columns - first);
        let data = &data[first * column_stride..];
        if width < WIDTH {
            let at = |row, column| match column < width {
                true => data[row * row_stride + column * column_stride],
                false => E::zero(),
            };
            panels.extend((0..rows).map(|row| std::array::from_fn(|column| at(row, column))));
        } else if column_stride == 1 {
            let line = |row| *data[row * row_stride..].first_chunk().expect("a row of the panel");
            panels.extend((0..rows).map(line));
        } else {
            let lines: [&[E]; WIDTH] =
                std::array::from_fn(|column| &data[column * column_stride..]);
            panels.extend((0..rows).map(|row| lines.map(|line| line[row * row_stride])));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, pace: f64) -> Vec<f32> {
        (0..count).map(|i| (pace * i as f64).sin() as f32).collect()
    }

    fn at<E: Real>(matrix: Matrix<'_, E>, row: usize, column: usize) -> E {
        matrix.data[row * matrix.row_stride + column * matrix.column_stride]
    }

    /// Against sums in f64: each of `k` terms of at most 1 rounds twice.
    #[test]
    fn products_of_all_sizes_and_layouts() {
        let sizes = [
            [1, 1, 1],
            [3, 7, 5],
            [4, 8, 256],
            [5, 9, 257],
            [97, 17, 33],
            [96, 96, 96],
            [100, 65, 600],
            [2, 130, 513],
        ];
        for [m, n, k] in sizes {
            let (a, b) = (numbers(m * (k + 3), 0.7), numbers(k * (n + 3), 0.3));
            let lefts = [Matrix::new(&a, m, k, k + 3), Matrix::new(&a, k, m, m).transposed()];
            let rights = [Matrix::new(&b, k, n, n + 2), Matrix::new(&b, n, k, k).transposed()];
            for (a, b) in lefts.into_iter().flat_map(|a| rights.map(|b| (a, b))) {
                for (alpha, add, stride) in [(1.0, false, n), (0.3, true, n + 5)] {
                    let before = numbers(m * stride, 0.1);
                    let mut c = before.clone();
                    multiply(&mut c, stride, a, b, alpha, add);
                    for (index, (&c, &before)) in c.iter().zip(&before).enumerate() {
                        let (row, column) = (index / stride, index % stride);
                        if column >= n {
                            assert_eq!(c, before, "between rows nothing changes");
                            continue;
                        }
                        let term = |i| f64::from(at(a, row, i)) * f64::from(at(b, i, column));
                        let sum = alpha * (0..k).map(term).sum::<f64>();
                        let expected = sum + if add { f64::from(before) } else { 0.0 };
                        let tolerance = (k + 2) as f64 * f64::from(f32::EPSILON);
                        let error = (f64::from(c) - expected).abs();
                        assert!(error <= tolerance, "{m} x {n} x {k} at {row}, {column}: {error}");
                    }
                }
            }
        }
    }

    /// In f64, where only the order of sums differs.
    #[test]
    fn products_in_double_precision() {
        let a: Vec<f64> = (0..9 * 300).map(|i| (0.7 * f64::from(i)).sin()).collect();
        let a = Matrix::new(&a, 9, 300, 300);
        let mut c = vec![0.0; 81];
        multiply(&mut c, 9, a, a.transposed(), 1.0, false);
        for (index, c) in c.into_iter().enumerate() {
            let term = |i| at(a, index / 9, i) * at(a, index % 9, i);
            assert!((c - (0..300).map(term).sum::<f64>()).abs() < 1e-12);
        }
    }
}
