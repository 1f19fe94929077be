//! Attention on the CPU: runs of queries (or keys) with all keys (or queries), so that the work is
//! matrix products of a size that stays in cache. Sequences go to rayon's threads.

use device::{Args, Real};
use gemm::Parallelism;
use rayon::prelude::*;

use super::Params;
use crate::product::{Matrix, multiply};
use crate::rmsnorm::sum_of;

/// Queries (or keys) that a thread takes at a time.
const CPU_RUN: usize = 64;

/// What a twin needs to find its matrices.
#[derive(Clone, Copy)]
struct Layout {
    length: usize,
    heads: usize,
    head_dim: usize,
    scale: f64,
}

impl Layout {
    fn new(params: Params) -> Self {
        let [length, heads, head_dim] =
            [params.length, params.heads, params.head_dim].map(|size| size as usize);
        Self { length, heads, head_dim, scale: 1.0 / f64::from(params.head_dim).sqrt() }
    }

    fn width(self) -> usize {
        self.heads * self.head_dim
    }

    /// Rows `start..start + rows` of the queries (part 0), keys (1) or values (2) of a head, in
    /// the `qkv` of one sequence.
    fn head<E>(
        self,
        qkv: &[E],
        part: usize,
        head: usize,
        start: usize,
        rows: usize,
    ) -> Matrix<'_, E> {
        let stride = 3 * self.width();
        let first = start * stride + part * self.width() + head * self.head_dim;
        Matrix::new(&qkv[first..], rows, self.head_dim, stride)
    }

    /// Rows `start..start + rows` of a head, in a `(length, H, D)` of one sequence.
    fn output<E>(self, y: &[E], head: usize, start: usize, rows: usize) -> Matrix<'_, E> {
        let first = start * self.width() + head * self.head_dim;
        Matrix::new(&y[first..], rows, self.head_dim, self.width())
    }
}

const SERIAL: Parallelism = Parallelism::None;

pub(super) fn forward<E: Real>(args: Args<'_, E>) {
    let (params, [qkv, y, lse]) = args.take::<Params, 3>();
    let layout = Layout::new(params);
    let Layout { length, heads, head_dim, scale } = layout;
    let sequences = qkv.floats().par_chunks_exact(length * 3 * layout.width());
    let outputs = y.floats_mut().par_chunks_exact_mut(length * layout.width());
    let outputs = outputs.zip(lse.floats_mut().par_chunks_exact_mut(length * heads));
    sequences.zip(outputs).for_each(|(qkv, (y, lse))| {
        let mut scores = vec![E::zero(); CPU_RUN * length];
        for (head, start) in runs(layout) {
            let rows = CPU_RUN.min(length - start);
            let q = layout.head(qkv, 0, head, start, rows);
            let k = layout.head(qkv, 1, head, 0, length);
            multiply(&mut scores, length, q, k.transposed(), scale, false, SERIAL);
            for (scores, query) in scores.chunks_exact_mut(length).zip(start..start + rows) {
                let largest = scores.iter().copied().fold(E::neg_infinity(), E::max);
                scores.iter_mut().for_each(|score| *score = (*score - largest).exp_fast());
                let total = sum_of(length, |j| scores[j]);
                scores.iter_mut().for_each(|score| *score /= total);
                lse[query * heads + head] = largest + total.ln();
            }
            let p = Matrix::new(&scores, rows, length, length);
            let v = layout.head(qkv, 2, head, 0, length);
            let out = &mut y[start * layout.width() + head * head_dim..];
            multiply(out, layout.width(), p, v, 1.0, false, SERIAL);
        }
    });
}

/// Every head with every run of positions.
fn runs(layout: Layout) -> impl Iterator<Item = (usize, usize)> {
    let starts = move |head| (0..layout.length).step_by(CPU_RUN).map(move |start| (head, start));
    (0..layout.heads).flat_map(starts)
}

pub(super) fn delta<E: Real>(args: Args<'_, E>) {
    let (params, [y, d_y, delta]) = args.take::<Params, 3>();
    let head_dim = params.head_dim as usize;
    let heads = y.floats().par_chunks_exact(head_dim).zip(d_y.floats().par_chunks_exact(head_dim));
    delta.floats_mut().par_iter_mut().zip(heads).for_each(|(delta, (y, d_y))| {
        *delta = sum_of(head_dim, |d| y[d] * d_y[d]);
    });
}

/// Probabilities and gradients of the scores of queries `start..start + rows` of a head.
struct Scores<'a, E> {
    qkv: &'a [E],
    lse: &'a [E],
    d_y: &'a [E],
    delta: &'a [E],
}

impl<E: Real> Scores<'_, E> {
    fn recompute(
        &self,
        layout: Layout,
        head: usize,
        [query, queries]: [usize; 2],
        [key, keys]: [usize; 2],
        p: &mut [E],
        d_s: &mut [E],
    ) {
        let Layout { heads, scale, .. } = layout;
        let q = layout.head(self.qkv, 0, head, query, queries);
        let k = layout.head(self.qkv, 1, head, key, keys);
        let v = layout.head(self.qkv, 2, head, key, keys);
        let d_y = layout.output(self.d_y, head, query, queries);
        multiply(p, keys, q, k.transposed(), scale, false, SERIAL);
        multiply(d_s, keys, d_y, v.transposed(), 1.0, false, SERIAL);
        let rows = p.chunks_exact_mut(keys).zip(d_s.chunks_exact_mut(keys));
        for ((p, d_s), query) in rows.zip(query..query + queries) {
            let lse = self.lse[query * heads + head];
            let delta = self.delta[query * heads + head];
            for (p, d_s) in p.iter_mut().zip(d_s) {
                *p = (*p - lse).exp_fast();
                *d_s = *p * (*d_s - delta);
            }
        }
    }
}

fn backward<E: Real>(
    args: Args<'_, E>,
    run: impl Fn(Layout, &Scores<'_, E>, &mut [E], &mut [E], &mut [E], usize, usize) + Sync,
) {
    let (params, [qkv, lse, d_y, delta, d_qkv]) = args.take::<Params, 5>();
    let layout = Layout::new(params);
    let Layout { length, heads, .. } = layout;
    let (qkv, lse, d_y, delta) = (qkv.floats(), lse.floats(), d_y.floats(), delta.floats());
    let (narrow, wide) = (length * layout.width(), 3 * length * layout.width());
    d_qkv.floats_mut().par_chunks_exact_mut(wide).enumerate().for_each(|(sequence, d_qkv)| {
        let scores = Scores {
            qkv: &qkv[sequence * wide..][..wide],
            lse: &lse[sequence * length * heads..][..length * heads],
            d_y: &d_y[sequence * narrow..][..narrow],
            delta: &delta[sequence * length * heads..][..length * heads],
        };
        let mut p = vec![E::zero(); CPU_RUN * length];
        let mut d_s = p.clone();
        for (head, start) in runs(layout) {
            run(layout, &scores, &mut p, &mut d_s, d_qkv, head, start);
        }
    });
}

pub(super) fn backward_q<E: Real>(args: Args<'_, E>) {
    backward(args, |layout, scores, p, d_s, d_qkv, head, start| {
        let Layout { length, head_dim, scale, .. } = layout;
        let rows = CPU_RUN.min(length - start);
        scores.recompute(layout, head, [start, rows], [0, length], p, d_s);
        let d_s = Matrix::new(d_s, rows, length, length);
        let k = layout.head(scores.qkv, 1, head, 0, length);
        let stride = 3 * layout.width();
        let d_q = &mut d_qkv[start * stride + head * head_dim..];
        multiply(d_q, stride, d_s, k, scale, false, SERIAL);
    });
}

pub(super) fn backward_kv<E: Real>(args: Args<'_, E>) {
    backward(args, |layout, scores, p, d_s, d_qkv, head, start| {
        let Layout { length, head_dim, scale, .. } = layout;
        let keys = CPU_RUN.min(length - start);
        scores.recompute(layout, head, [0, length], [start, keys], p, d_s);
        let p = Matrix::new(p, length, keys, keys);
        let d_s = Matrix::new(d_s, length, keys, keys);
        let q = layout.head(scores.qkv, 0, head, 0, length);
        let d_y = layout.output(scores.d_y, head, 0, length);
        let stride = 3 * layout.width();
        let d_k = &mut d_qkv[start * stride + layout.width() + head * head_dim..];
        multiply(d_k, stride, d_s.transposed(), q, scale, false, SERIAL);
        let d_v = &mut d_qkv[start * stride + 2 * layout.width() + head * head_dim..];
        multiply(d_v, stride, p.transposed(), d_y, 1.0, false, SERIAL);
    });
}
