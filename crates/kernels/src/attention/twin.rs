//! Attention on the CPU: runs of queries (or keys) with the keys (or queries) that they see, so that
//! the work is matrix products of a size that stays in cache. Each run of each sequence, with all heads, is
//! a task of rayon's threads.

use std::ops::Range;

use device::{Args, Real};

use super::mask::Visibility;
use super::{DeltaParams, Params};
use crate::parallel::*;
use crate::product::{Matrix, multiply};
use crate::vectors::{largest_of, sum_of, vectorized};

/// Queries (or keys) that a thread takes at a time.
const CPU_RUN: usize = 64;

/// What a twin needs to find its matrices.
#[derive(Clone, Copy)]
struct Layout {
    visibility: Visibility,
    heads: usize,
    head_dim: usize,
    kv_rows: usize,
    kv_parts: usize,
    scale: f64,
}

impl Layout {
    fn new(params: Params, [head_dim, mask]: [u32; 2]) -> Self {
        let Params { heads, queries, keys, query_offset, kv_rows, kv_parts, block } = params;
        let [queries, keys, query_offset, block] =
            [queries, keys, query_offset, block].map(|size| size as usize);
        Self {
            visibility: Visibility { mask, block, queries, keys, query_offset },
            heads: heads as usize,
            head_dim: head_dim as usize,
            kv_rows: kv_rows as usize,
            kv_parts: kv_parts as usize,
            scale: 1.0 / f64::from(head_dim).sqrt(),
        }
    }

    /// Numbers of one position's output.
    fn width(self) -> usize {
        self.heads * self.head_dim
    }

    /// Numbers of one position's keys and values.
    fn kv_width(self) -> usize {
        self.kv_parts * self.width()
    }

    /// Numbers of one sequence's queries, keys with values, and outputs.
    fn sequence(self) -> [usize; 3] {
        let Visibility { queries, .. } = self.visibility;
        [3 * queries * self.width(), self.kv_rows * self.kv_width(), queries * self.width()]
    }

    /// A head's queries, in one sequence.
    fn queries<E>(self, q: &[E], head: usize, rows: Range<usize>) -> Matrix<'_, E> {
        let stride = 3 * self.width();
        let first = rows.start * stride + head * self.head_dim;
        Matrix::new(&q[first..], rows.len(), self.head_dim, stride)
    }

    /// Where a head's keys begin in one row; its values are a width further.
    fn first_key(self, head: usize, row: usize) -> usize {
        row * self.kv_width() + (self.kv_parts - 2) * self.width() + head * self.head_dim
    }

    /// A head's keys, in one sequence.
    fn keys<E>(self, kv: &[E], head: usize, rows: Range<usize>) -> Matrix<'_, E> {
        let first = self.first_key(head, rows.start);
        Matrix::new(&kv[first..], rows.len(), self.head_dim, self.kv_width())
    }

    /// A head's values, in one sequence.
    fn values<E>(self, kv: &[E], head: usize, rows: Range<usize>) -> Matrix<'_, E> {
        let first = self.first_key(head, rows.start) + self.width();
        Matrix::new(&kv[first..], rows.len(), self.head_dim, self.kv_width())
    }

    /// A head's outputs, in one sequence.
    fn outputs<E>(self, y: &[E], head: usize, rows: Range<usize>) -> Matrix<'_, E> {
        let first = rows.start * self.width() + head * self.head_dim;
        Matrix::new(&y[first..], rows.len(), self.head_dim, self.width())
    }

    /// Sets what a query's row has for `keys` that it does not see.
    #[inline(always)]
    fn hide<E: Copy>(self, row: &mut [E], query: usize, keys: Range<usize>, hidden: E) {
        if !self.visibility.is_full() {
            let first = keys.start;
            let fill =
                |range: Range<usize>| row[range.start - first..range.end - first].fill(hidden);
            self.visibility.each_hidden(query, keys, fill);
        }
    }
}

pub(super) fn forward<E: Real>(args: Args<'_, E>) {
    let constants = ["HEAD_DIM", "MASK"].map(|name| args.constant(name));
    let (params, [q, kv, y, lse]) = args.take::<Params, 4>();
    let layout = Layout::new(params, constants);
    let Layout { visibility, heads, head_dim, scale, .. } = layout;
    let [q_len, kv_len, y_len] = layout.sequence();
    let inputs = q.floats().par_chunks_exact(q_len).zip(kv.floats().par_chunks_exact(kv_len));
    let outputs = y.floats_mut().par_chunks_exact_mut(y_len);
    let outputs = outputs.zip(lse.floats_mut().par_chunks_exact_mut(visibility.queries * heads));
    let tasks = inputs.zip(outputs).flat_map(|(inputs, (y, lse))| {
        let y = y.par_chunks_mut(CPU_RUN * layout.width());
        runs(visibility.queries)
            .zip(y.zip(lse.par_chunks_mut(CPU_RUN * heads)))
            .map(move |run| (inputs, run))
    });
    tasks.for_each(|((q, kv), (run, (y, lse)))| {
        let ranges = visibility.keys_of_run(run.clone());
        let columns = ranges.iter().map(Range::len).sum();
        let mut scores = vec![E::zero(); run.len() * columns];
        for head in 0..heads {
            let q = layout.queries(q, head, run.clone());
            let mut column = 0;
            for range in &ranges {
                let k = layout.keys(kv, head, range.clone());
                let scores = &mut scores[column..];
                multiply(scores, columns, q, k.transposed(), scale, false);
                column += range.len();
            }
            let rows = scores.chunks_exact_mut(columns).zip(lse.chunks_exact_mut(heads));
            for ((scores, lse), query) in rows.zip(run.clone()) {
                let mut column = 0;
                for range in &ranges {
                    let scores = &mut scores[column..];
                    layout.hide(scores, query, range.clone(), E::neg_infinity());
                    column += range.len();
                }
                let [m, l] = vectorized!(softmax(scores));
                lse[head] = m + l.ln();
            }
            let out = &mut y[head * head_dim..];
            let mut column = 0;
            for range in &ranges {
                let p = Matrix::new(&scores[column..], run.len(), range.len(), columns);
                let v = layout.values(kv, head, range.clone());
                multiply(out, layout.width(), p, v, 1.0, column > 0);
                column += range.len();
            }
        }
    });
}

/// Makes probabilities of scores; returns the largest score, and the sum of exponentials relative to it.
#[inline(always)]
fn softmax<E: Real>(scores: &mut [E]) -> [E; 2] {
    let m = largest_of(scores);
    scores.iter_mut().for_each(|score| *score = (*score - m).exp_fast());
    let l = sum_of(scores.len(), |j| scores[j]);
    scores.iter_mut().for_each(|score| *score /= l);
    [m, l]
}

/// Runs of queries or keys.
fn runs(rows: usize) -> impl IndexedParallelIterator<Item = Range<usize>> {
    (0..rows).into_par_iter().step_by(CPU_RUN).map(move |start| start..rows.min(start + CPU_RUN))
}

pub(super) fn delta<E: Real>(args: Args<'_, E>) {
    let (params, [y, d_y, delta]) = args.take::<DeltaParams, 3>();
    let head_dim = params.head_dim as usize;
    let heads = y.floats().par_chunks_exact(head_dim).zip(d_y.floats().par_chunks_exact(head_dim));
    delta.floats_mut().par_iter_mut().zip(heads).for_each(|(delta, (y, d_y))| {
        *delta = vectorized!(sum_of(head_dim, |d| y[d] * d_y[d]));
    });
}

/// What both gradients of one sequence are made from.
struct Inputs<'a, E> {
    q: &'a [E],
    kv: &'a [E],
    lse: &'a [E],
    d_y: &'a [E],
    delta: &'a [E],
}

impl<E: Real> Inputs<'_, E> {
    /// Probabilities of a head, and gradients of its scores, `(queries, keys)`.
    fn recompute(
        &self,
        layout: Layout,
        head: usize,
        queries: Range<usize>,
        keys: Range<usize>,
        p: &mut [E],
        d_s: &mut [E],
    ) {
        let Layout { heads, scale, .. } = layout;
        let columns = keys.len();
        let q = layout.queries(self.q, head, queries.clone());
        let k = layout.keys(self.kv, head, keys.clone());
        let v = layout.values(self.kv, head, keys.clone());
        let d_y = layout.outputs(self.d_y, head, queries.clone());
        multiply(p, columns, q, k.transposed(), scale, false);
        multiply(d_s, columns, d_y, v.transposed(), 1.0, false);
        let rows = p.chunks_exact_mut(columns).zip(d_s.chunks_exact_mut(columns));
        for ((p, d_s), query) in rows.zip(queries) {
            let lse = self.lse[query * heads + head];
            let delta = self.delta[query * heads + head];
            vectorized!(for (p, d_s) in p.iter_mut().zip(&mut *d_s) {
                *p = (*p - lse).exp_fast();
                *d_s = *p * (*d_s - delta);
            });
            layout.hide(p, query, keys.clone(), E::zero());
            layout.hide(d_s, query, keys.clone(), E::zero());
        }
    }
}

/// Rows of one sequence's gradient, of queries or of keys.
struct Rows {
    count: usize,
    /// As many as there are, or more in a cache.
    in_buffer: usize,
    width: usize,
}

/// Calls `run` with the inputs of each sequence, each run of its rows, scratch for `p` and `d_s`, and the
/// gradient of these rows.
fn backward<E: Real>(
    args: Args<'_, E>,
    rows: impl Fn(Layout) -> Rows,
    run: impl Fn(Layout, &Inputs<'_, E>, Range<usize>, [&mut [E]; 2], &mut [E]) + Sync,
) {
    let constants = ["HEAD_DIM", "MASK"].map(|name| args.constant(name));
    let (params, [q, kv, lse, d_y, delta, out]) = args.take::<Params, 6>();
    let layout = Layout::new(params, constants);
    let Visibility { queries, keys, .. } = layout.visibility;
    let [q_len, kv_len, y_len] = layout.sequence();
    let stats = queries * layout.heads;
    let (q, kv, d_y) = (q.floats(), kv.floats(), d_y.floats());
    let (lse, delta) = (lse.floats(), delta.floats());
    let Rows { count, in_buffer, width } = rows(layout);
    let sequences = out.floats_mut().par_chunks_exact_mut(in_buffer * width).enumerate();
    let tasks = sequences.flat_map(|(sequence, out)| {
        let runs = runs(count).zip(out.par_chunks_mut(CPU_RUN * width));
        runs.map(move |run| (sequence, run))
    });
    tasks.for_each(|(sequence, (rows, out))| {
        let inputs = Inputs {
            q: &q[sequence * q_len..][..q_len],
            kv: &kv[sequence * kv_len..][..kv_len],
            lse: &lse[sequence * stats..][..stats],
            d_y: &d_y[sequence * y_len..][..y_len],
            delta: &delta[sequence * stats..][..stats],
        };
        let mut p = vec![E::zero(); rows.len() * queries.max(keys)];
        let mut d_s = p.clone();
        run(layout, &inputs, rows, [&mut p, &mut d_s], out);
    });
}

pub(super) fn backward_q<E: Real>(args: Args<'_, E>) {
    let rows = |layout: Layout| {
        let queries = layout.visibility.queries;
        Rows { count: queries, in_buffer: queries, width: 3 * layout.width() }
    };
    backward(args, rows, |layout, inputs, run, [p, d_s], d_q| {
        let Layout { visibility, heads, head_dim, scale, .. } = layout;
        let ranges = visibility.keys_of_run(run.clone());
        for head in 0..heads {
            let d_q = &mut d_q[head * head_dim..];
            let mut add = false;
            for range in &ranges {
                inputs.recompute(layout, head, run.clone(), range.clone(), p, d_s);
                let d_s = Matrix::new(d_s, run.len(), range.len(), range.len());
                let k = layout.keys(inputs.kv, head, range.clone());
                multiply(d_q, 3 * layout.width(), d_s, k, scale, add);
                add = true;
            }
        }
    });
}

pub(super) fn backward_kv<E: Real>(args: Args<'_, E>) {
    let rows = |layout: Layout| Rows {
        count: layout.visibility.keys,
        in_buffer: layout.kv_rows,
        width: layout.kv_width(),
    };
    backward(args, rows, |layout, inputs, run, [p, d_s], d_kv| {
        let Layout { visibility, heads, head_dim, scale, .. } = layout;
        let stride = layout.kv_width();
        let ranges = visibility.queries_of_run(run.clone());
        for head in 0..heads {
            let first = layout.first_key(head, 0);
            if ranges.is_empty() {
                for first in (0..run.len()).map(|row| layout.first_key(head, row)) {
                    d_kv[first..][..head_dim].fill(E::zero());
                    d_kv[first + layout.width()..][..head_dim].fill(E::zero());
                }
            }
            let mut add = false;
            for range in &ranges {
                inputs.recompute(layout, head, range.clone(), run.clone(), p, d_s);
                let p = Matrix::new(p, range.len(), run.len(), run.len());
                let d_s = Matrix::new(d_s, range.len(), run.len(), run.len());
                let q = layout.queries(inputs.q, head, range.clone());
                let d_y = layout.outputs(inputs.d_y, head, range.clone());
                multiply(&mut d_kv[first..], stride, d_s.transposed(), q, scale, add);
                let d_v = &mut d_kv[first + layout.width()..];
                multiply(d_v, stride, p.transposed(), d_y, 1.0, add);
                add = true;
            }
        }
    });
}
