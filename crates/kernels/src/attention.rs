//! Bidirectional attention, forward and backward; the scores are never stored.

use bytemuck::{Pod, Zeroable};
use device::{Args, Kernel, Launch, Real, Recording, Slice, Twin, floats, floats_mut};
use gemm::Parallelism;
use rayon::prelude::*;

use crate::norm::sum_of;
use crate::product::{Matrix, multiply};
use crate::{COMMON, Forms, grid};

/// Invocations of a workgroup, each with a query or a key of its own.
const WORKGROUP: usize = 64;

/// Queries (or keys) that a thread of the CPU device takes at a time.
const CPU_RUN: usize = 64;

/// Sizes of attention.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Sequences.
    pub batch: usize,
    /// Positions of a sequence.
    pub length: usize,
    /// Heads (H).
    pub heads: usize,
    /// Width of a head (D), at most 128.
    pub head_dim: usize,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct Params {
    batch: u32,
    length: u32,
    heads: u32,
    head_dim: u32,
}

/// `shaders/attention_forward.wgsl`
pub static FORWARD: Kernel = Kernel {
    name: "attention_forward",
    source: include_str!("../../../shaders/attention_forward.wgsl"),
    imports: COMMON,
    bindings: &[floats("qkv"), floats_mut("y"), floats_mut("lse")],
    params_size: size_of::<Params>(),
    subgroups: false,
    twin: Twin { f32: forward_twin, f64: forward_twin },
};

/// `shaders/attention_delta.wgsl`
pub static DELTA: Kernel = Kernel {
    name: "attention_delta",
    source: include_str!("../../../shaders/attention_delta.wgsl"),
    imports: COMMON,
    bindings: &[floats("y"), floats("d_y"), floats_mut("delta")],
    params_size: size_of::<Params>(),
    subgroups: false,
    twin: Twin { f32: delta_twin, f64: delta_twin },
};

/// `shaders/attention_backward_q.wgsl`
pub static BACKWARD_Q: Kernel = Kernel {
    name: "attention_backward_q",
    source: include_str!("../../../shaders/attention_backward_q.wgsl"),
    imports: COMMON,
    bindings: &[
        floats("qkv"),
        floats("lse"),
        floats("d_y"),
        floats("delta"),
        floats_mut("d_qkv"),
    ],
    params_size: size_of::<Params>(),
    subgroups: false,
    twin: Twin { f32: backward_q_twin, f64: backward_q_twin },
};

/// `shaders/attention_backward_kv.wgsl`
pub static BACKWARD_KV: Kernel = Kernel {
    name: "attention_backward_kv",
    source: include_str!("../../../shaders/attention_backward_kv.wgsl"),
    imports: COMMON,
    bindings: &[
        floats("qkv"),
        floats("lse"),
        floats("d_y"),
        floats("delta"),
        floats_mut("d_qkv"),
    ],
    params_size: size_of::<Params>(),
    subgroups: false,
    twin: Twin { f32: backward_kv_twin, f64: backward_kv_twin },
};

fn launch(kernel: &'static Kernel, buffers: Vec<Slice>, shape: Shape, products: usize) -> Launch {
    let Shape { batch, length, heads, head_dim } = shape;
    Launch {
        kernel,
        constants: vec![("HEAD_DIM", head_dim as u32)],
        params: bytemuck::bytes_of(&Params {
            batch: batch as u32,
            length: length as u32,
            heads: heads as u32,
            head_dim: head_dim as u32,
        })
        .to_vec(),
        buffers,
        grid: [length.div_ceil(WORKGROUP) as u32, (batch * heads) as u32, 1],
        flop: (2 * products * batch * heads * length * length * head_dim) as u64,
    }
}

/// Records `y (N, H, D)` and `lse (N, H)` from `qkv (N, 3, H, D)`.
pub fn forward(
    step: &mut Recording,
    _forms: &Forms,
    qkv: Slice,
    y: Slice,
    lse: Slice,
    shape: Shape,
) {
    step.push(launch(&FORWARD, vec![qkv, y, lse], shape, 2));
}

/// Records `d_qkv (N, 3, H, D)` from `d_y (N, H, D)`; `delta (N, H)` is scratch.
#[expect(clippy::too_many_arguments, reason = "each is a tensor of the backward pass")]
pub fn backward(
    step: &mut Recording,
    _forms: &Forms,
    qkv: Slice,
    y: Slice,
    lse: Slice,
    d_y: Slice,
    delta: Slice,
    d_qkv: Slice,
    shape: Shape,
) {
    let Shape { batch, length, heads, head_dim } = shape;
    step.push(Launch {
        constants: vec![],
        grid: grid::fold((batch * length * heads).div_ceil(WORKGROUP)),
        flop: 2 * (batch * length * heads * head_dim) as u64,
        ..launch(&DELTA, vec![y, d_y, delta], shape, 0)
    });
    step.push(launch(&BACKWARD_Q, vec![qkv, lse, d_y, delta, d_qkv], shape, 3));
    step.push(launch(&BACKWARD_KV, vec![qkv, lse, d_y, delta, d_qkv], shape, 4));
}

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
    fn head<E>(self, qkv: &[E], part: usize, head: usize, start: usize, rows: usize) -> Matrix<'_, E> {
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

fn forward_twin<E: Real>(args: Args<'_, E>) {
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

fn delta_twin<E: Real>(args: Args<'_, E>) {
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

fn backward_twin<E: Real>(
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

fn backward_q_twin<E: Real>(args: Args<'_, E>) {
    backward_twin(args, |layout, scores, p, d_s, d_qkv, head, start| {
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

fn backward_kv_twin<E: Real>(args: Args<'_, E>) {
    backward_twin(args, |layout, scores, p, d_s, d_qkv, head, start| {
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
