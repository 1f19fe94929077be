//! Matrix products of the CPU twins, through the `gemm` crate.

use device::Real;
use gemm::Parallelism;
use rayon::prelude::*;

/// Rows that a thread takes at least.
const FEWEST_ROWS: usize = 16;

/// Columns from which rows are shared: fewer are summed in runs of another length in the library, and
/// results would depend on the number of threads.
const FEWEST_COLUMNS: usize = 65;

/// Multiply-adds below which threads cost more than they save.
const FEWEST_TERMS: usize = 1 << 19;

/// A matrix inside a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a, E> {
    data: &'a [E],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a, E> Matrix<'a, E> {
    /// Row-major, rows `stride` elements apart.
    pub(crate) fn new(data: &'a [E], rows: usize, columns: usize, stride: usize) -> Self {
        let last = (rows - 1) * stride + columns - 1;
        assert!(last < data.len(), "a matrix of {rows} x {columns} does not fit its slice");
        Self { data, rows, columns, row_stride: stride, column_stride: 1 }
    }

    /// The transpose, without moving anything.
    pub(crate) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// `count` rows from `start`.
    fn rows(self, start: usize, count: usize) -> Self {
        Self { data: &self.data[start * self.row_stride..], rows: count, ..self }
    }
}

/// `c = a b`, or `c += a b` when `add`, on all threads; `c` is row-major and dense.
///
/// Each thread makes some rows of `c` from start to end. The library's own threads meet after each run
/// of the inner dimension, which the gradients of weights have many of, and wait for one that packs.
pub(crate) fn multiply_shared<E: Real>(c: &mut [E], a: Matrix<'_, E>, b: Matrix<'_, E>, add: bool) {
    let (rows, columns) = (a.rows, b.columns);
    let mut share = rows.div_ceil(rayon::current_num_threads()).next_multiple_of(FEWEST_ROWS);
    // The library sums a single row in another order.
    while share < rows && rows % share == 1 {
        share += FEWEST_ROWS;
    }
    let large = rows * columns * a.columns >= FEWEST_TERMS;
    if !large || share >= rows || columns < FEWEST_COLUMNS {
        return multiply_with(c, columns, a, b, 1.0, add, Parallelism::Rayon(0));
    }
    let shares = c[..rows * columns].par_chunks_mut(share * columns);
    shares.zip((0..rows).into_par_iter().step_by(share)).for_each(|(c, start)| {
        let a = a.rows(start, share.min(rows - start));
        multiply(c, columns, a, b, 1.0, add);
    });
}

/// `c = alpha a b`, or `c += alpha a b` when `add`, on this thread; `c` is row-major, rows `stride`
/// apart.
pub(crate) fn multiply<E: Real>(
    c: &mut [E],
    stride: usize,
    a: Matrix<'_, E>,
    b: Matrix<'_, E>,
    alpha: f64,
    add: bool,
) {
    multiply_with(c, stride, a, b, alpha, add, Parallelism::None);
}

fn multiply_with<E: Real>(
    c: &mut [E],
    stride: usize,
    a: Matrix<'_, E>,
    b: Matrix<'_, E>,
    alpha: f64,
    add: bool,
    parallelism: Parallelism,
) {
    assert_eq!(a.columns, b.rows, "inner sizes of a product");
    let last = (a.rows - 1) * stride + b.columns - 1;
    assert!(last < c.len() && b.columns <= stride, "the product does not fit its slice");
    #[expect(unsafe_code, reason = "the library takes pointers and strides")]
    // SAFETY: `Matrix::new` and the assertion above keep every element inside its slice; the
    // borrow checker keeps `c` apart from `a` and `b`; E is f32 or f64, which the library knows.
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            c.as_mut_ptr(),
            1,
            stride as isize,
            add,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            E::one(),
            E::from_f64(alpha),
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize) -> Vec<f32> {
        (0..count).map(|i| (0.7 * i as f32).sin()).collect()
    }

    /// Each element is summed by one thread, in the order in which one thread alone would sum it.
    #[test]
    fn threads_change_no_bit() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("threads start");
        for [m, n, k] in [
            [100, 70, 90],
            [33, 129, 200],
            [97, 129, 200],
            [145, 100, 90],
            [1030, 66, 17],
            [64, 256, 1100],
        ] {
            assert!(m * n * k >= FEWEST_TERMS && n >= FEWEST_COLUMNS, "large enough to be shared");
            let (a, b) = (numbers(m * k), numbers(k * n));
            let b = Matrix::new(&b, k, n, n);
            for a in [Matrix::new(&a, m, k, k), Matrix::new(&a, k, m, m).transposed()] {
                for add in [false, true] {
                    let (mut alone, mut shared) = (numbers(m * n), numbers(m * n));
                    multiply(&mut alone, n, a, b, 1.0, add);
                    pool.install(|| multiply_shared(&mut shared, a, b, add));
                    let same = alone.iter().zip(&shared).all(|(a, b)| a.to_bits() == b.to_bits());
                    assert!(same, "{m} x {n} x {k}, added: {add}");
                }
            }
        }
    }
}
