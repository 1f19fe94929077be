//! Matrices as views of slices.

/// A matrix inside a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a, E> {
    pub(super) data: &'a [E],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: usize,
    pub(super) column_stride: usize,
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
    pub(super) fn rows(self, start: usize, count: usize) -> Self {
        assert!(start + count <= self.rows, "rows of a matrix");
        Self { data: &self.data[start * self.row_stride..], rows: count, ..self }
    }

    /// `count` columns from `start`.
    pub(super) fn columns(self, start: usize, count: usize) -> Self {
        self.transposed().rows(start, count).transposed()
    }
}
