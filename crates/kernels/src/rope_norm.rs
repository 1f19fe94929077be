//! Rotary position embedding and RMSNorm of query and key heads, forward and backward.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::grid;
use crate::imports::kernel;
use crate::parallel::*;
use crate::rmsnorm::inverse_rms;
use crate::vectors::{sum_of, vectorized};

/// Sizes of the heads. Row n has the position `offset + n % period`.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Rows (N).
    pub rows: usize,
    /// Rows after which positions repeat: the length of a sequence, or half of it where noisy and
    /// clean tokens of the same positions follow each other.
    pub period: usize,
    /// Position of the first row.
    pub offset: usize,
    /// Heads (H).
    pub heads: usize,
    /// Width of a head (D), a multiple of 4.
    pub head_dim: usize,
}

params! {
    struct Params {
        rows: u32,
        period: u32,
        offset: u32,
        heads: u32,
    }
}

impl Params {
    fn position(self, row: usize) -> usize {
        self.offset as usize + row % self.period as usize
    }
}

buffers! {
    /// Buffers of the forward pass.
    pub struct Forward {
        /// See [`table`].
        rope: floats,
        /// In place: `(N, 3, H, D)`.
        qkv: floats_mut,
        /// Written: `(N, 2, H)`.
        inv_rms: floats_mut,
    }
}

/// `shaders/rope_norm_forward.wgsl`
pub static FORWARD: Kernel = kernel!("rope_norm_forward", Params, Forward, forward_twin);

buffers! {
    /// Buffers of the backward pass.
    pub struct Backward {
        /// See [`table`].
        rope: floats,
        /// Of the forward pass, `(N, 3, H, D)`.
        qkv: floats,
        /// Of the forward pass, `(N, 2, H)`.
        inv_rms: floats,
        /// In place: `(N, 3, H, D)`.
        d_qkv: floats_mut,
    }
}

/// `shaders/rope_norm_backward.wgsl`
pub static BACKWARD: Kernel = kernel!("rope_norm_backward", Params, Backward, backward_twin);

/// The table `rope`: for each of `length` positions p, the cosines of p * 10000^(-2j / D) for
/// j in 0..D / 2, then the sines. Angles are rounded to f32, as PyTorch's tables are.
pub fn table(length: usize, head_dim: usize) -> Vec<f32> {
    let frequency = |j: usize| 10_000f64.powf(-2.0 * j as f64 / head_dim as f64) as f32;
    let angles = |p: usize| (0..head_dim / 2).map(move |j| f64::from(p as f32 * frequency(j)));
    (0..length)
        .flat_map(|p| angles(p).map(f64::cos).chain(angles(p).map(f64::sin)))
        .map(|value| value as f32)
        .collect()
}

fn launch(kernel: &'static Kernel, buffers: impl device::Buffers, shape: Shape) -> Launch {
    let Shape { rows, period, offset, heads, head_dim } = shape;
    assert!(head_dim.is_multiple_of(4), "a head of {head_dim} channels, which no four divide");
    let params = Params {
        rows: rows as u32,
        period: period as u32,
        offset: offset as u32,
        heads: heads as u32,
    };
    Launch::new(kernel, &params, buffers, grid::fold((2 * rows * heads).div_ceil(64)))
        .constants([("HEAD_DIM", head_dim as u32)])
        .flop(12 * rows * heads * head_dim)
}

/// Records the forward pass.
///
/// # Panics
/// When four do not divide the width of a head.
pub fn forward(step: &mut Recording, io: Forward, shape: Shape) {
    step.push(launch(&FORWARD, io, shape));
}

/// Records the backward pass.
///
/// # Panics
/// When four do not divide the width of a head.
pub fn backward(step: &mut Recording, io: Backward, shape: Shape) {
    step.push(launch(&BACKWARD, io, shape));
}

fn forward_twin<E: Real>(args: Args<'_, E>) {
    let head_dim = args.constant("HEAD_DIM") as usize;
    let (params, [rope, qkv, inv_rms]) = args.take::<Params, 3>();
    let heads = params.heads as usize;
    let rope = rope.floats();
    let rows = qkv.floats_mut().par_chunks_exact_mut(3 * heads * head_dim);
    let rows = rows.zip(inv_rms.floats_mut().par_chunks_exact_mut(2 * heads)).enumerate();
    rows.for_each(|(n, (row, inv_rms))| {
        let angles = &rope[params.position(n) * head_dim..][..head_dim];
        let (cosines, sines) = angles.split_at(head_dim / 2);
        vectorized!(for (head, inv_rms) in row.chunks_exact_mut(head_dim).zip(inv_rms) {
            let (lo, hi) = head.split_at_mut(head_dim / 2);
            for (((lo, hi), &cosine), &sine) in lo.iter_mut().zip(hi).zip(cosines).zip(sines) {
                (*lo, *hi) = (*lo * cosine + *hi * sine, *hi * cosine - *lo * sine);
            }
            *inv_rms = inverse_rms(head);
            head.iter_mut().for_each(|value| *value *= *inv_rms);
        })
    });
}

fn backward_twin<E: Real>(args: Args<'_, E>) {
    let head_dim = args.constant("HEAD_DIM") as usize;
    let (params, [rope, qkv, inv_rms, d_qkv]) = args.take::<Params, 4>();
    let heads = params.heads as usize;
    let rope = rope.floats();
    let width = 3 * heads * head_dim;
    let inputs = qkv.floats().par_chunks_exact(width);
    let inputs = inputs.zip(inv_rms.floats().par_chunks_exact(2 * heads));
    let rows = d_qkv.floats_mut().par_chunks_exact_mut(width).zip(inputs).enumerate();
    rows.for_each(|(n, (d_row, (row, inv_rms)))| {
        let angles = &rope[params.position(n) * head_dim..][..head_dim];
        let (cosines, sines) = angles.split_at(head_dim / 2);
        let heads = row.chunks_exact(head_dim).zip(d_row.chunks_exact_mut(head_dim));
        vectorized!(for ((head, d_head), &inv_rms) in heads.zip(inv_rms) {
            let mean = sum_of(head_dim, |j| d_head[j] * head[j]) / E::from_f64(head_dim as f64);
            for (d, &value) in d_head.iter_mut().zip(head) {
                *d = inv_rms * (*d - value * mean);
            }
            let (lo, hi) = d_head.split_at_mut(head_dim / 2);
            for (((lo, hi), &cosine), &sine) in lo.iter_mut().zip(hi).zip(cosines).zip(sines) {
                (*lo, *hi) = (*lo * cosine - *hi * sine, *hi * cosine + *lo * sine);
            }
        })
    });
}
