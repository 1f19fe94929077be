//! Norm of the whole gradient, and the factor that clips it.

use device::{Args, Kernel, Launch, Real, Recording, Slice, buffers, params};

use crate::grid::WORKGROUP;
use crate::imports::kernel;
use crate::parallel::*;
use crate::vectors::{sum_of, vectorized};

/// Workgroups of the first half.
pub const PARTIAL_SUMS: usize = 256;

/// Sums that these workgroups keep from one page of the gradient to the next.
pub const SUMS: usize = PARTIAL_SUMS * WORKGROUP;

params! {
    struct SumParams {
        count: u32,
        first: u32,
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
    pub(crate) struct SumSquares {
        x: floats,
        sums: floats_mut,
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
    /// Scratch, [`SUMS`] long.
    pub sums: Slice,
    /// Scratch, [`PARTIAL_SUMS`] long.
    pub partial_sums: Slice,
    /// Step counter.
    pub counter: Slice,
    /// Written: element 1, the scale.
    pub control: Slice,
    /// Written: the norm, at the step's place.
    pub ring: Slice,
}

/// Records the norm of a gradient, given in pages, and its scale: `min(1, limit / norm)`. Both do
/// not depend on where pages end.
pub fn record(
    step: &mut Recording,
    gradient: impl IntoIterator<Item = Slice>,
    io: Buffers,
    limit: f32,
) {
    let Buffers { sums, partial_sums, counter, control, ring } = io;
    let mut first = 0;
    for x in gradient {
        sum_squares(step, SumSquares { x, sums, partial_sums }, first);
        first += x.len;
    }
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

/// Records the squares of a page of a vector, summed by as many workgroups as there are partial sums.
/// The page begins at the place `first` of the vector.
pub(crate) fn sum_squares(step: &mut Recording, io: SumSquares, first: usize) {
    let (count, groups) = (io.x.len, io.partial_sums.len as u32);
    let params = SumParams { count: count as u32, first: first as u32, groups };
    step.push(Launch::new(&SUM_SQUARES, &params, io, [groups, 1, 1]).flop(2 * count));
}

fn sum_twin<E: Real>(args: Args<'_, E>) {
    let (params, [x, sums, partial_sums]) = args.take::<SumParams, 3>();
    let x = x.floats();
    let (first, stride) = (params.first as usize, params.groups as usize * WORKGROUP);
    let end = first + x.len();
    let groups = sums.floats_mut().par_chunks_mut(WORKGROUP).zip(partial_sums.floats_mut());
    groups.enumerate().for_each(|(group, (sums, partial_sum))| {
        if first == 0 {
            sums.fill(E::zero());
        }
        // Places `run..run + WORKGROUP` of the vector, as far as they lie in this page.
        for run in (first / stride * stride + group * WORKGROUP..end).step_by(stride) {
            let (from, to) = (run.max(first), (run + WORKGROUP).min(end));
            if from < to {
                let terms = sums[from - run..to - run].iter_mut().zip(&x[from - first..to - first]);
                vectorized!(terms.for_each(|(sum, &x)| *sum += x * x));
            }
        }
        *partial_sum = sum_of(sums.len(), |i| sums[i]);
    });
}

fn clip_twin<E: Real>(args: Args<'_, E>) {
    let (params, [partial_sums, counter, control, ring]) = args.take::<ClipParams, 4>();
    let total: E = partial_sums.floats().iter().copied().sum();
    let norm = total.sqrt();
    let scale = (E::from_f64(params.limit.into()) / (norm + E::from_f64(1e-6))).min(E::one());
    control.floats_mut()[1] = if norm.is_finite() { scale } else { -E::one() };
    ring.floats_mut()[(counter.words()[0] % params.slots) as usize] = norm;
}
