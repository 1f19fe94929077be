//! Attention on the CPU: runs of queries (or keys) with the keys (or queries) that they see, so that
//! the work is matrix products of a size that stays in cache. Sequences go to rayon's threads.

use std::ops::Range;

use device::{Args, Real};
use gemm::Parallelism;
use rayon::prelude::*;

use super::mask::Visibility;
use super::{DeltaParams, Params};
use crate::product::{Matrix, multiply};
use crate::rmsnorm::sum_of;

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

    /// Every head with every run of `rows` queries or keys.
    fn runs(self, rows: usize) -> impl Iterator<Item = (usize, Range<usize>)> {
        let run = move |start: usize| start..rows.min(start + CPU_RUN);
        let starts = move |head| (0..rows).step_by(CPU_RUN).map(move |start| (head, run(start)));
        (0..self.heads).flat_map(starts)
    }

    /// Sets what a query's row has for `keys` that it does not see.
    fn hide<E: Copy>(self, row: &mut [E], query: usize, keys: Range<usize>, hidden: E) {
        if !self.visibility.is_full() {
            let first = keys.start;
            let fill =
                |range: Range<usize>| row[range.start - first..range.end - first].fill(hidden);
            self.visibility.each_hidden(query, keys, fill);
        }
    }
}

const SERIAL: Parallelism = Parallelism::None;

pub(super) fn forward<E: Real>(args: Args<'_, E>) {
    let constants = ["HEAD_DIM", "MASK"].map(|name| args.constant(name));
    let (params, [q, kv, y, lse]) = args.take::<Params, 4>();
    let layout = Layout::new(params, constants);
    let Layout { visibility, heads, head_dim, scale, .. } = layout;
    let [q_len, kv_len, y_len] = layout.sequence();
    let inputs = q.floats().par_chunks_exact(q_len).zip(kv.floats().par_chunks_exact(kv_len));
    let outputs = y.floats_mut().par_chunks_exact_mut(y_len);
    let outputs = outputs.zip(lse.floats_mut().par_chunks_exact_mut(visibility.queries * heads));
    inputs.zip(outputs).for_each(|((q, kv), (y, lse))| {
        let mut scores = vec![E::zero(); CPU_RUN * visibility.keys];
        for (head, run) in layout.runs(visibility.queries) {
            let ranges = visibility.keys_of_run(run.clone());
            let columns = ranges.iter().map(Range::len).sum();
            let q = layout.queries(q, head, run.clone());
            let mut column = 0;
            for range in &ranges {
                let k = layout.keys(kv, head, range.clone());
                let scores = &mut scores[column..];
                multiply(scores, columns, q, k.transposed(), scale, false, SERIAL);
                column += range.len();
            }
            for (scores, query) in scores.chunks_exact_mut(columns).zip(run.clone()) {
                let mut column = 0;
                for range in &ranges {
                    let scores = &mut scores[column..];
                    layout.hide(scores, query, range.clone(), E::neg_infinity());
                    column += range.len();
                }
                let m = scores.iter().copied().fold(E::neg_infinity(), E::max);
                scores.iter_mut().for_each(|score| *score = (*score - m).exp_fast());
                let l = sum_of(columns, |j| scores[j]);
                scores.iter_mut().for_each(|score| *score /= l);
                lse[query * heads + head] = m + l.ln();
            }
            let out = &mut y[run.start * layout.width() + head * head_dim..];
            let mut column = 0;
            for range in ranges {
                let p = Matrix::new(&scores[column..], run.len(), range.len(), columns);
                let v = layout.values(kv, head, range.clone());
                multiply(out, layout.width(), p, v, 1.0, column > 0, SERIAL);
                column += range.len();
            }
        }
    });
}

pub(super) fn delta<E: Real>(args: Args<'_, E>) {
    let (params, [y, d_y, delta]) = args.take::<DeltaParams, 3>();
    let head_dim = params.head_dim as usize;
    let heads = y.floats().par_chunks_exact(head_dim).zip(d_y.floats().par_chunks_exact(head_dim));
    delta.floats_mut().par_iter_mut().zip(heads).for_each(|(delta, (y, d_y))| {
        *delta = sum_of(head_dim, |d| y[d] * d_y[d]);
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
        multiply(p, columns, q, k.transposed(), scale, false, SERIAL);
        multiply(d_s, columns, d_y, v.transposed(), 1.0, false, SERIAL);
        let rows = p.chunks_exact_mut(columns).zip(d_s.chunks_exact_mut(columns));
        for ((p, d_s), query) in rows.zip(queries) {
            let lse = self.lse[query * heads + head];
            let delta = self.delta[query * heads + head];
            for (p, d_s) in p.iter_mut().zip(&mut *d_s) {
                *p = (*p - lse).exp_fast();
                *d_s = *p * (*d_s - delta);
            }
            layout.hide(p, query, keys.clone(), E::zero());
            layout.hide(d_s, query, keys.clone(), E::zero());
        }
    }
}

/// Calls `run` with each sequence's inputs, scratch for `p` and `d_s`, and the sequence's gradient,
/// of which it has `gradient` numbers.
fn backward<E: Real>(
    args: Args<'_, E>,
    gradient: impl Fn(Layout) -> usize,
    run: impl Fn(Layout, &Inputs<'_, E>, [&mut [E]; 2], &mut [E]) + Sync,
) {
    let constants = ["HEAD_DIM", "MASK"].map(|name| args.constant(name));
    let (params, [q, kv, lse, d_y, delta, out]) = args.take::<Params, 6>();
    let layout = Layout::new(params, constants);
    let Visibility { queries, keys, .. } = layout.visibility;
    let [q_len, kv_len, y_len] = layout.sequence();
    let rows = queries * layout.heads;
    let (q, kv, d_y) = (q.floats(), kv.floats(), d_y.floats());
    let (lse, delta) = (lse.floats(), delta.floats());
    let sequences = out.floats_mut().par_chunks_exact_mut(gradient(layout)).enumerate();
    sequences.for_each(|(sequence, out)| {
        let inputs = Inputs {
            q: &q[sequence * q_len..][..q_len],
            kv: &kv[sequence * kv_len..][..kv_len],
            lse: &lse[sequence * rows..][..rows],
            d_y: &d_y[sequence * y_len..][..y_len],
            delta: &delta[sequence * rows..][..rows],
        };
        let mut p = vec![E::zero(); CPU_RUN * queries.max(keys)];
        let mut d_s = p.clone();
        run(layout, &inputs, [&mut p, &mut d_s], out);
    });
}

pub(super) fn backward_q<E: Real>(args: Args<'_, E>) {
    let gradient = |layout: Layout| layout.sequence()[0];
    backward(args, gradient, |layout, inputs, [p, d_s], d_q| {
        let Layout { visibility, head_dim, scale, .. } = layout;
        let stride = 3 * layout.width();
        for (head, run) in layout.runs(visibility.queries) {
            let d_q = &mut d_q[run.start * stride + head * head_dim..];
            let mut add = false;
            for range in visibility.keys_of_run(run.clone()) {
                inputs.recompute(layout, head, run.clone(), range.clone(), p, d_s);
                let d_s = Matrix::new(d_s, run.len(), range.len(), range.len());
                let k = layout.keys(inputs.kv, head, range);
                multiply(d_q, stride, d_s, k, scale, add, SERIAL);
                add = true;
            }
        }
    });
}

pub(super) fn backward_kv<E: Real>(args: Args<'_, E>) {
    let gradient = |layout: Layout| layout.sequence()[1];
    backward(args, gradient, |layout, inputs, [p, d_s], d_kv| {
        let Layout { visibility, head_dim, scale, .. } = layout;
        let stride = layout.kv_width();
        for (head, run) in layout.runs(visibility.keys) {
            let ranges = visibility.queries_of_run(run.clone());
            if ranges.is_empty() {
                for first in run.clone().map(|key| layout.first_key(head, key)) {
                    d_kv[first..][..head_dim].fill(E::zero());
                    d_kv[first + layout.width()..][..head_dim].fill(E::zero());
                }
            }
            let first = layout.first_key(head, run.start);
            let mut add = false;
            for range in ranges {
                inputs.recompute(layout, head, range.clone(), run.clone(), p, d_s);
                let p = Matrix::new(p, range.len(), run.len(), run.len());
                let d_s = Matrix::new(d_s, range.len(), run.len(), run.len());
                let q = layout.queries(inputs.q, head, range.clone());
                let d_y = layout.outputs(inputs.d_y, head, range);
                multiply(&mut d_kv[first..], stride, d_s.transposed(), q, scale, add, SERIAL);
                let d_v = &mut d_kv[first + layout.width()..];
                multiply(d_v, stride, p.transposed(), d_y, 1.0, add, SERIAL);
                add = true;
            }
        }
    });
}
