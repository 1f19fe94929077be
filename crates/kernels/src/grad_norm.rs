//! Norm of the whole gradient, and the factor that clips it.

use bytemuck::{Pod, Zeroable};
use device::{Args, Kernel, Launch, Real, Recording, Slice, floats, floats_mut, twin, words};
use rayon::prelude::*;

use crate::COMMON;
use crate::norm::sum_of;

/// Workgroups of the first half, and so length of the scratch buffer.
pub const PARTIAL_SUMS: usize = 256;

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct SumParams {
    count: u32,
    groups: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct ClipParams {
    count: u32,
    slots: u32,
    limit: f32,
}

/// `shaders/sum_squares.wgsl`
pub static SUM_SQUARES: Kernel = Kernel {
    name: "sum_squares",
    source: include_str!("../../../shaders/sum_squares.wgsl"),
    imports: COMMON,
    bindings: &[floats("x"), floats_mut("partial_sums")],
    params_size: size_of::<SumParams>(),
    subgroups: false,
    twin: twin!(sum_twin),
};

/// `shaders/clip_gradient.wgsl`
pub static CLIP: Kernel = Kernel {
    name: "clip_gradient",
    source: include_str!("../../../shaders/clip_gradient.wgsl"),
    imports: COMMON,
    bindings: &[floats("partial_sums"), words("step"), floats_mut("control"), floats_mut("ring")],
    params_size: size_of::<ClipParams>(),
    subgroups: false,
    twin: twin!(clip_twin),
};

/// What clipping reads and writes.
#[derive(Clone, Copy, Debug)]
pub struct Clip {
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
pub fn record(step: &mut Recording, io: Clip, limit: f32) {
    step.push(Launch {
        kernel: &SUM_SQUARES,
        constants: vec![],
        params: bytemuck::bytes_of(&SumParams {
            count: io.gradient.len as u32,
            groups: PARTIAL_SUMS as u32,
        })
        .to_vec(),
        buffers: vec![io.gradient, io.partial_sums],
        grid: [PARTIAL_SUMS as u32, 1, 1],
        flop: 2 * io.gradient.len as u64,
    });
    step.push(Launch {
        kernel: &CLIP,
        constants: vec![],
        params: bytemuck::bytes_of(&ClipParams {
            count: PARTIAL_SUMS as u32,
            slots: io.ring.len as u32,
            limit,
        })
        .to_vec(),
        buffers: vec![io.partial_sums, io.counter, io.control, io.ring],
        grid: [1, 1, 1],
        flop: PARTIAL_SUMS as u64,
    });
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
    let (params, [partial_sums, step, control, ring]) = args.take::<ClipParams, 4>();
    let total: E = partial_sums.floats().iter().copied().sum();
    let norm = total.sqrt();
    let scale = (E::of(params.limit.into()) / (norm + E::of(1e-6))).min(E::one());
    control.floats_mut()[1] = if norm.is_finite() { scale } else { -E::one() };
    ring.floats_mut()[(step.words()[0] % params.slots) as usize] = norm;
}
