//! Matrix products of the CPU twins, through the `gemm` crate.

use std::sync::atomic::{AtomicPtr, Ordering};

use device::Real;
use gemm::Parallelism;

use crate::parallel::*;

/// Rows that a thread takes at least.
const FEWEST_ROWS: usize = 16;

/// Columns that a thread takes at least. With fewer, as with fewer rows, the library sums in another
/// order, and results would depend on the number of threads.
const FEWEST_COLUMNS: usize = 80;

/// What a thread takes is a multiple of so many rows or columns: the library's tiles.
const STEP: usize = 16;

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
        assert!(start + count <= self.rows, "rows of a matrix");
        Self { data: &self.data[start * self.row_stride..], rows: count, ..self }
    }

    /// `count` columns from `start`.
    fn columns(self, start: usize, count: usize) -> Self {
        self.transposed().rows(start, count).transposed()
    }
}

/// How many of `length` rows or columns each thread takes, so that none takes fewer than `fewest`;
/// `length` or more if one takes all.
fn share(length: usize, fewest: usize) -> usize {
    let even = length.div_ceil(current_num_threads()).next_multiple_of(STEP);
    let mut share = even.max(fewest);
    while share < length && (1..fewest).contains(&(length % share)) {
        share += STEP;
    }
    share
}

/// `c = a b`, or `c += a b` when `add`, on all threads; `c` is row-major and dense.
///
/// Each thread makes some rows of `c`, or some columns where these are more, from start to end. The
/// library's own threads meet after each run of the inner dimension, which the gradients of weights have
/// many of, and wait for the one that packs.
pub(crate) fn multiply_shared<E: Real>(c: &mut [E], a: Matrix<'_, E>, b: Matrix<'_, E>, add: bool) {
    let (rows, columns) = (a.rows, b.columns);
    let by_rows = rows > columns;
    let (longer, shorter, fewest) = match by_rows {
        true => (rows, columns, [FEWEST_ROWS, FEWEST_COLUMNS]),
        false => (columns, rows, [FEWEST_COLUMNS, FEWEST_ROWS]),
    };
    let share = share(longer, fewest[0]);
    let large = rows * columns * a.columns >= FEWEST_TERMS;
    let c = &mut c[..rows * columns];
    if !large || share >= longer || shorter < fewest[1] {
        multiply_with(c, columns, a, b, 1.0, add, ALL_THREADS);
    } else if by_rows {
        let shares = c.par_chunks_mut(share * columns).zip(starts(rows, share));
        shares.for_each(|(c, start)| {
            multiply(c, columns, a.rows(start, share.min(rows - start)), b, 1.0, add);
        });
    } else {
        assert_eq!(a.columns, b.rows, "inner sizes of a product");
        let c = AtomicPtr::new(c.as_mut_ptr());
        starts(columns, share).for_each(|start| {
            let b = b.columns(start, share.min(columns - start));
            let c = c.load(Ordering::Relaxed).wrapping_add(start);
            #[expect(unsafe_code, reason = "a slice cannot be cut into columns")]
            // SAFETY: `c` is borrowed for writing and has `rows` x `columns` elements; each thread
            // writes columns of its own.
            unsafe {
                multiply_at(c, columns, a, b, 1.0, add, Parallelism::None);
            }
        });
    }
}

/// Where shares of `length` start.
fn starts(length: usize, share: usize) -> impl IndexedParallelIterator<Item = usize> {
    (0..length).into_par_iter().step_by(share)
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
    #[expect(unsafe_code, reason = "the library takes pointers")]
    // SAFETY: the assertions above keep every element inside `c`, which is borrowed for writing.
    unsafe {
        multiply_at(c.as_mut_ptr(), stride, a, b, alpha, add, parallelism);
    }
}

/// The product at `c`, rows `stride` apart.
///
/// # Safety
/// `a` has as many columns as `b` rows. Each element of the product lies in one allocation from `c` on,
/// and nothing else reads or writes it meanwhile.
#[expect(unsafe_code, reason = "the library takes pointers and strides")]
unsafe fn multiply_at<E: Real>(
    c: *mut E,
    stride: usize,
    a: Matrix<'_, E>,
    b: Matrix<'_, E>,
    alpha: f64,
    add: bool,
    parallelism: Parallelism,
) {
    // SAFETY: `Matrix::new` keeps every element of `a` and `b` inside its slice, the caller those of `c`;
    // E is f32 or f64, which the library knows.
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            c,
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
        let tall = [[100, 81, 90], [145, 100, 90], [1030, 80, 17], [450, 128, 600]];
        let wide = [[33, 257, 200], [16, 2048, 64], [80, 192, 90], [256, 256, 1100]];
        for [m, n, k] in tall.into_iter().chain(wide) {
            let shared = pool.install(|| match m > n {
                true => share(m, FEWEST_ROWS) < m,
                false => share(n, FEWEST_COLUMNS) < n,
            });
            assert!(m * n * k >= FEWEST_TERMS && shared, "{m} x {n} x {k} is shared");
            let (a, b) = (numbers(m * k), numbers(k * n));
            let lefts = [Matrix::new(&a, m, k, k), Matrix::new(&a, k, m, m).transposed()];
            let rights = [Matrix::new(&b, k, n, n), Matrix::new(&b, n, k, k).transposed()];
            for (a, b) in lefts.into_iter().flat_map(|a| rights.map(|b| (a, b))) {
                for add in [false, true] {
                    let (mut alone, mut together) = (numbers(m * n), numbers(m * n));
                    multiply(&mut alone, n, a, b, 1.0, add);
                    pool.install(|| multiply_shared(&mut together, a, b, add));
                    let same = alone.iter().zip(&together).all(|(a, b)| a.to_bits() == b.to_bits());
                    assert!(same, "{m} x {n} x {k}, added: {add}");
                }
            }
        }
    }
}
