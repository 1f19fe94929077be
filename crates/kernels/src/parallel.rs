//! Iterators over slices that share their work among threads, which are rayon's. A browser tab has
//! one thread: there the same names are the standard library's iterators.

#[cfg(target_arch = "wasm32")]
pub(crate) use one_thread::*;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use rayon::{current_num_threads, prelude::*};

/// All threads, for a matrix product.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) const ALL_THREADS: gemm::Parallelism = gemm::Parallelism::Rayon(0);
/// The one thread there is.
#[cfg(target_arch = "wasm32")]
pub(crate) const ALL_THREADS: gemm::Parallelism = gemm::Parallelism::None;

#[cfg(target_arch = "wasm32")]
mod one_thread {
    pub(crate) use std::iter::Iterator as IndexedParallelIterator;
    use std::slice::{Chunks, ChunksExact, ChunksExactMut, ChunksMut, Iter, IterMut, Windows};

    pub(crate) fn current_num_threads() -> usize {
        1
    }

    pub(crate) trait IntoOneThread: IntoIterator + Sized {
        fn into_par_iter(self) -> Self::IntoIter {
            self.into_iter()
        }
    }

    impl<I: IntoIterator> IntoOneThread for I {}

    pub(crate) trait MinLen: Iterator + Sized {
        fn with_min_len(self, _: usize) -> Self {
            self
        }
    }

    impl<I: Iterator> MinLen for I {}

    pub(crate) trait OneThread<T> {
        fn par_iter(&self) -> Iter<'_, T>;
        fn par_iter_mut(&mut self) -> IterMut<'_, T>;
        fn par_windows(&self, size: usize) -> Windows<'_, T>;
        fn par_chunks(&self, size: usize) -> Chunks<'_, T>;
        fn par_chunks_mut(&mut self, size: usize) -> ChunksMut<'_, T>;
        fn par_chunks_exact(&self, size: usize) -> ChunksExact<'_, T>;
        fn par_chunks_exact_mut(&mut self, size: usize) -> ChunksExactMut<'_, T>;
    }

    impl<T> OneThread<T> for [T] {
        fn par_iter(&self) -> Iter<'_, T> {
            self.iter()
        }

        fn par_iter_mut(&mut self) -> IterMut<'_, T> {
            self.iter_mut()
        }

        fn par_windows(&self, size: usize) -> Windows<'_, T> {
            self.windows(size)
        }

        fn par_chunks(&self, size: usize) -> Chunks<'_, T> {
            self.chunks(size)
        }

        fn par_chunks_mut(&mut self, size: usize) -> ChunksMut<'_, T> {
            self.chunks_mut(size)
        }

        fn par_chunks_exact(&self, size: usize) -> ChunksExact<'_, T> {
            self.chunks_exact(size)
        }

        fn par_chunks_exact_mut(&mut self, size: usize) -> ChunksExactMut<'_, T> {
            self.chunks_exact_mut(size)
        }
    }
}
