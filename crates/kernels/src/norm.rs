//! RMSNorm over channels: forward, forward with a residual sum, backward.

use bytemuck::{Pod, Zeroable};
use device::{Args, Kernel, Launch, Real, Recording, Slice, floats, floats_mut, twin};
use rayon::prelude::*;

use crate::{COMMON, grid};

/// Added to the mean square: 2⁻²³, the epsilon of f32 and PyTorch's default for RMSNorm.
pub(crate) const EPSILON: f64 = f32::EPSILON as f64;

/// 1 / sqrt(mean(row²) + ε)
pub(crate) fn inverse_rms<E: Real>(row: &[E]) -> E {
    let squares = sum_of(row.len(), |i| row[i] * row[i]);
    E::one() / (squares / E::of(row.len() as f64) + E::of(EPSILON)).sqrt()
}

/// The sum of `term(0..len)` in eight interleaved parts, which compilers turn into vector sums.
pub(crate) fn sum_of<E: Real>(len: usize, term: impl Fn(usize) -> E) -> E {
    const PARTS: usize = 8;
    let mut parts = [E::zero(); PARTS];
    let whole = len - len % PARTS;
    for start in (0..whole).step_by(PARTS) {
        for (part, i) in parts.iter_mut().zip(start..) {
            *part += term(i);
        }
    }
    parts.into_iter().sum::<E>() + (whole..len).map(term).sum::<E>()
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct Params {
    rows: u32,
    channels: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct BackwardParams {
    rows: u32,
    channels: u32,
    accumulate: u32,
}

/// `shaders/rmsnorm_forward.wgsl`
pub static FORWARD: Kernel = Kernel {
    name: "rmsnorm_forward",
    source: include_str!("../../../shaders/rmsnorm_forward.wgsl"),
    imports: COMMON,
    bindings: &[floats("x"), floats_mut("h"), floats_mut("inv_rms")],
    params_size: size_of::<Params>(),
    subgroups: false,
    twin: twin!(forward_twin),
};

/// `shaders/residual_norm_forward.wgsl`
pub static RESIDUAL_FORWARD: Kernel = Kernel {
    name: "residual_norm_forward",
    source: include_str!("../../../shaders/residual_norm_forward.wgsl"),
    imports: COMMON,
    bindings: &[floats("y"), floats_mut("x"), floats_mut("h"), floats_mut("inv_rms")],
    params_size: size_of::<Params>(),
    subgroups: false,
    twin: twin!(residual_forward_twin),
};

/// `shaders/norm_backward.wgsl`
pub static BACKWARD: Kernel = Kernel {
    name: "norm_backward",
    source: include_str!("../../../shaders/norm_backward.wgsl"),
    imports: COMMON,
    bindings: &[floats("d_h"), floats("h"), floats("inv_rms"), floats_mut("d_x")],
    params_size: size_of::<BackwardParams>(),
    subgroups: false,
    twin: twin!(backward_twin),
};

fn channels(inv_rms: Slice, h: Slice) -> usize {
    h.len / inv_rms.len
}

/// Records `h = x / rms(x)`, row by row; rows are as many as `inv_rms` is long.
pub fn forward(step: &mut Recording, x: Slice, h: Slice, inv_rms: Slice) {
    let channels = channels(inv_rms, h);
    step.push(Launch {
        kernel: &FORWARD,
        constants: vec![("WORKGROUP_SIZE", grid::per_row(channels))],
        params: bytemuck::bytes_of(&Params { rows: inv_rms.len as u32, channels: channels as u32 })
            .to_vec(),
        buffers: vec![x, h, inv_rms],
        grid: grid::fold(inv_rms.len),
        flop: 3 * h.len as u64,
    });
}

/// Records `x += y; h = x / rms(x)`, row by row.
pub fn residual_forward(step: &mut Recording, y: Slice, x: Slice, h: Slice, inv_rms: Slice) {
    let channels = channels(inv_rms, h);
    step.push(Launch {
        kernel: &RESIDUAL_FORWARD,
        constants: vec![("WORKGROUP_SIZE", grid::per_row(channels))],
        params: bytemuck::bytes_of(&Params { rows: inv_rms.len as u32, channels: channels as u32 })
            .to_vec(),
        buffers: vec![y, x, h, inv_rms],
        grid: grid::fold(inv_rms.len),
        flop: 4 * h.len as u64,
    });
}

/// Records the gradient of either forward pass: `d_x` is set, or added to.
pub fn backward(
    step: &mut Recording,
    d_h: Slice,
    h: Slice,
    inv_rms: Slice,
    d_x: Slice,
    accumulate: bool,
) {
    let channels = channels(inv_rms, h);
    step.push(Launch {
        kernel: &BACKWARD,
        constants: vec![("WORKGROUP_SIZE", grid::per_row(channels))],
        params: bytemuck::bytes_of(&BackwardParams {
            rows: inv_rms.len as u32,
            channels: channels as u32,
            accumulate: u32::from(accumulate),
        })
        .to_vec(),
        buffers: vec![d_h, h, inv_rms, d_x],
        grid: grid::fold(inv_rms.len),
        flop: 6 * h.len as u64,
    });
}

fn forward_twin<E: Real>(args: Args<'_, E>) {
    let (params, [x, h, inv_rms]) = args.take::<Params, 3>();
    let channels = params.channels as usize;
    let rows = h.floats_mut().par_chunks_exact_mut(channels).zip(inv_rms.floats_mut());
    rows.zip(x.floats().par_chunks_exact(channels)).for_each(|((h, inv_rms), x)| {
        *inv_rms = inverse_rms(x);
        h.iter_mut().zip(x).for_each(|(h, &x)| *h = x * *inv_rms);
    });
}

fn residual_forward_twin<E: Real>(args: Args<'_, E>) {
    let (params, [y, x, h, inv_rms]) = args.take::<Params, 4>();
    let channels = params.channels as usize;
    let inputs = y.floats().par_chunks_exact(channels);
    let rows = x.floats_mut().par_chunks_exact_mut(channels).zip(inputs);
    let outputs = h.floats_mut().par_chunks_exact_mut(channels).zip(inv_rms.floats_mut());
    rows.zip(outputs).for_each(|((x, y), (h, inv_rms))| {
        x.iter_mut().zip(y).for_each(|(x, &y)| *x += y);
        *inv_rms = inverse_rms(x);
        h.iter_mut().zip(x).for_each(|(h, &mut x)| *h = x * *inv_rms);
    });
}

fn backward_twin<E: Real>(args: Args<'_, E>) {
    let (params, [d_h, h, inv_rms, d_x]) = args.take::<BackwardParams, 4>();
    let channels = params.channels as usize;
    let inputs = d_h.floats().par_chunks_exact(channels).zip(h.floats().par_chunks_exact(channels));
    let rows = d_x.floats_mut().par_chunks_exact_mut(channels).zip(inv_rms.floats());
    rows.zip(inputs).for_each(|((d_x, &inv_rms), (d_h, h))| {
        let mean = sum_of(channels, |c| d_h[c] * h[c]) / E::of(channels as f64);
        if params.accumulate == 0 {
            d_x.fill(E::zero());
        }
        for ((d_x, &d_h), &h) in d_x.iter_mut().zip(d_h).zip(h) {
            *d_x += inv_rms * (d_h - h * mean);
        }
    });
}
