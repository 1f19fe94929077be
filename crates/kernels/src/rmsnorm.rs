//! RMSNorm over channels: forward, forward with a residual sum, backward.

use device::{Args, Kernel, Launch, Real, Recording, Slice, buffers, params};

use crate::grid;
use crate::imports::kernel;
use crate::parallel::*;
use crate::vectors::{sum_of, vectorized};

/// Added to the mean square: 2⁻²³, the epsilon of f32 and PyTorch's default for RMSNorm.
pub(crate) const EPSILON: f64 = f32::EPSILON as f64;

/// 1 / sqrt(mean(row²) + ε)
#[inline(always)]
pub(crate) fn inverse_rms<E: Real>(row: &[E]) -> E {
    let squares = sum_of(row.len(), |i| row[i] * row[i]);
    E::one() / (squares / E::from_f64(row.len() as f64) + E::from_f64(EPSILON)).sqrt()
}

params! {
    struct Params {
        rows: u32,
        channels: u32,
    }
}

params! {
    struct BackwardParams {
        rows: u32,
        channels: u32,
        accumulate: u32,
    }
}

buffers! {
    /// Buffers of the forward pass.
    pub struct Forward {
        /// `(N, C)`
        x: floats,
        /// Written: `(N, C)`.
        h: floats_mut,
        /// Written: `(N)`.
        inv_rms: floats_mut,
    }
}

/// `shaders/rmsnorm_forward.wgsl`
pub static FORWARD: Kernel = kernel!("rmsnorm_forward", Params, Forward, forward_twin);

buffers! {
    /// Buffers of the forward pass with a residual sum.
    pub struct ResidualForward {
        /// The residual stream, `(N, C)`.
        x: floats,
        /// Output of the branch, `(N, C)`.
        y: floats,
        /// Written: the residual stream after the branch, `(N, C)`.
        sum: floats_mut,
        /// Written: `(N, C)`.
        h: floats_mut,
        /// Written: `(N)`.
        inv_rms: floats_mut,
    }
}

/// `shaders/rmsnorm_residual_forward.wgsl`
pub static RESIDUAL_FORWARD: Kernel =
    kernel!("rmsnorm_residual_forward", Params, ResidualForward, residual_forward_twin);

buffers! {
    /// Buffers of the backward pass.
    pub struct Backward {
        /// `(N, C)`
        d_h: floats,
        /// Of the forward pass, `(N, C)`.
        h: floats,
        /// Of the forward pass, `(N)`.
        inv_rms: floats,
        /// Set or added to: `(N, C)`.
        d_x: floats_mut,
    }
}

/// `shaders/rmsnorm_backward.wgsl`
pub static BACKWARD: Kernel = kernel!("rmsnorm_backward", BackwardParams, Backward, backward_twin);

fn channels(h: Slice, inv_rms: Slice) -> usize {
    h.len / inv_rms.len
}

/// Records `h = x / rms(x)`, row by row; rows are as many as `inv_rms` is long.
pub fn forward(step: &mut Recording, io: Forward) {
    let channels = channels(io.h, io.inv_rms);
    step.push(
        Launch::new(
            &FORWARD,
            &Params { rows: io.inv_rms.len as u32, channels: channels as u32 },
            io,
            grid::fold(io.inv_rms.len),
        )
        .constants([("WORKGROUP_SIZE", grid::per_row(channels))])
        .flop(3 * io.h.len),
    );
}

/// Records `sum = x + y; h = sum / rms(sum)`, row by row.
pub fn residual_forward(step: &mut Recording, io: ResidualForward) {
    let channels = channels(io.h, io.inv_rms);
    step.push(
        Launch::new(
            &RESIDUAL_FORWARD,
            &Params { rows: io.inv_rms.len as u32, channels: channels as u32 },
            io,
            grid::fold(io.inv_rms.len),
        )
        .constants([("WORKGROUP_SIZE", grid::per_row(channels))])
        .flop(4 * io.h.len),
    );
}

/// Records the gradient of either forward pass: `d_x` is set, or added to.
pub fn backward(step: &mut Recording, io: Backward, accumulate: bool) {
    let channels = channels(io.h, io.inv_rms);
    step.push(
        Launch::new(
            &BACKWARD,
            &BackwardParams {
                rows: io.inv_rms.len as u32,
                channels: channels as u32,
                accumulate: u32::from(accumulate),
            },
            io,
            grid::fold(io.inv_rms.len),
        )
        .constants([("WORKGROUP_SIZE", grid::per_row(channels))])
        .flop(6 * io.h.len),
    );
}

fn forward_twin<E: Real>(args: Args<'_, E>) {
    let (params, [x, h, inv_rms]) = args.take::<Params, 3>();
    let channels = params.channels as usize;
    let rows = h.floats_mut().par_chunks_exact_mut(channels).zip(inv_rms.floats_mut());
    rows.zip(x.floats().par_chunks_exact(channels)).for_each(|((h, inv_rms), x)| {
        vectorized!({
            *inv_rms = inverse_rms(x);
            h.iter_mut().zip(x).for_each(|(h, &x)| *h = x * *inv_rms);
        });
    });
}

fn residual_forward_twin<E: Real>(args: Args<'_, E>) {
    let (params, [x, y, sum, h, inv_rms]) = args.take::<Params, 5>();
    let channels = params.channels as usize;
    let inputs = x.floats().par_chunks_exact(channels).zip(y.floats().par_chunks_exact(channels));
    let rows = sum.floats_mut().par_chunks_exact_mut(channels).zip(inputs);
    let outputs = h.floats_mut().par_chunks_exact_mut(channels).zip(inv_rms.floats_mut());
    rows.zip(outputs).for_each(|((sum, (x, y)), (h, inv_rms))| {
        vectorized!({
            sum.iter_mut().zip(x).zip(y).for_each(|((sum, &x), &y)| *sum = x + y);
            *inv_rms = inverse_rms(sum);
            h.iter_mut().zip(sum).for_each(|(h, &mut sum)| *h = sum * *inv_rms);
        });
    });
}

fn backward_twin<E: Real>(args: Args<'_, E>) {
    let (params, [d_h, h, inv_rms, d_x]) = args.take::<BackwardParams, 4>();
    let channels = params.channels as usize;
    let inputs = d_h.floats().par_chunks_exact(channels).zip(h.floats().par_chunks_exact(channels));
    let rows = d_x.floats_mut().par_chunks_exact_mut(channels).zip(inv_rms.floats());
    rows.zip(inputs).for_each(|((d_x, &inv_rms), (d_h, h))| {
        vectorized!({
            let mean = sum_of(channels, |c| d_h[c] * h[c]) / E::from_f64(channels as f64);
            if params.accumulate == 0 {
                d_x.fill(E::zero());
            }
            for ((d_x, &d_h), &h) in d_x.iter_mut().zip(d_h).zip(h) {
                *d_x += inv_rms * (d_h - h * mean);
            }
        });
    });
}
