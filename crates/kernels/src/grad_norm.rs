//! Norm of the whole gradient, and the factor that clips it.

use device::{Args, Kernel, Launch, Real, Recording, Slice, buffers, params};
use rayon::prelude::*;

use crate::imports::kernel;
use crate::rmsnorm::sum_of;

/// Workgroups of the first half, and so length of the scratch buffer.
pub const PARTIAL_SUMS: usize = 256;

params! {
    struct SumParams {
        count: u32,
        groups: u32,
    }
}

params! {
    struct ClipParams {
        count: u32,
        slots: u32,
        limit: f32,
    }
}

buffers! {
    struct SumSquares {
        x: floats,
        partial_sums: floats_mut,
    }
}

/// `shaders/grad_norm_sum_squares.wgsl`
pub static SUM_SQUARES: Kernel = kernel!("grad_norm_sum_squares", SumParams, SumSquares, sum_twin);

buffers! {
    struct Clip {
        partial_sums: floats,
        counter: words,
        control: floats_mut,
        ring: floats_mut,
    }
}

/// `shaders/grad_norm_clip.wgsl`
pub static CLIP: Kernel = kernel!("grad_norm_clip", ClipParams, Clip, clip_twin);

/// Buffers of clipping.
#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    /// The whole gradient.
    pub gradient: Slice,
    /// Scratch, [`PARTIAL_SUMS`] long.
    pub partial_sums: Slice,
    /// Step counter.
    pub counter: Slice,
    /// Written: element 1, the scale.
    pub control: Slice,
    /// Written: the norm, at the step's place.
    pub ring: Slice,
}

/// Records the norm of the gradient and its scale: `min(1, limit / norm)`.
pub fn record(step: &mut Recording, io: Buffers, limit: f32) {
    let Buffers { gradient, partial_sums, counter, control, ring } = io;
    step.push(
        Launch::new(
            &SUM_SQUARES,
            &SumParams { count: gradient.len as u32, groups: PARTIAL_SUMS as u32 },
            SumSquares { x: gradient, partial_sums },
            [PARTIAL_SUMS as u32, 1, 1],
        )
        .flop(2 * gradient.len),
    );
    step.push(
        Launch::new(
            &CLIP,
            &ClipParams { count: PARTIAL_SUMS as u32, slots: ring.len as u32, limit },
            Clip { partial_sums, counter, control, ring },
            [1, 1, 1],
        )
        .flop(PARTIAL_SUMS),
    );
}

fn sum_twin<E: Real>(args: Args<'_, E>) {
    let (params, [x, partial_sums]) = args.take::<SumParams, 2>();
    let x = x.floats();
    let share = x.len().div_ceil(params.groups as usize).max(1);
    let partial_sums = partial_sums.floats_mut();
    partial_sums.fill(E::zero());
    partial_sums
        .par_iter_mut()
        .zip(x.par_chunks(share))
        .for_each(|(sum, x)| *sum = sum_of(x.len(), |i| x[i] * x[i]));
}

fn clip_twin<E: Real>(args: Args<'_, E>) {
    let (params, [partial_sums, counter, control, ring]) = args.take::<ClipParams, 4>();
    let total: E = partial_sums.floats().iter().copied().sum();
    let norm = total.sqrt();
    let scale = (E::of(params.limit.into()) / (norm + E::of(1e-6))).min(E::one());
    control.floats_mut()[1] = if norm.is_finite() { scale } else { -E::one() };
    ring.floats_mut()[(counter.words()[0] % params.slots) as usize] = norm;
}
