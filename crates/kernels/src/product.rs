//! Matrix products of the CPU twins, through the `gemm` crate.

use device::Real;
use gemm::Parallelism;

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
}

/// `c = alpha a b`, or `c += alpha a b` when `add`; `c` is row-major, rows `stride` apart.
pub(crate) fn multiply<E: Real>(
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
