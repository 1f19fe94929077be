//! Sums with learned weights: U-Net skips and the embedding shortcut of the residual stream, and
//! values that are mixed with those of the first block.

use device::{Args, Kernel, Launch, Real, Recording, Slice, buffers, params};

use crate::grid;
use crate::grid::CHUNK;
use crate::imports::kernel;
use crate::parallel::*;
use crate::vectors::sum_of;

/// Workgroups of the backward pass, each of which sums up its share.
const GROUPS: usize = 256;

/// Length of the scratch buffer of the backward pass.
pub const PARTIAL_SUMS: usize = 2 * GROUPS;

/// Which sum `p x + q y` of two terms; `s` are its learned weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// `x + s y`: the output of an earlier block is added (U-ViT, arXiv 2209.12152).
    Skip,
    /// `s[0] x + s[1] y`: the embedding is added.
    Shortcut,
    /// `(1 - s) x + s y`: values of two blocks (value residual, arXiv 2410.17897).
    Values,
}

impl Mix {
    /// `base` and `slope`, where `p = base + slope s[0]`, and `last`, where `q = s[last]`.
    const fn coefficients(self) -> (f32, f32, u32) {
        match self {
            Self::Skip => (1.0, 0.0, 0),
            Self::Shortcut => (0.0, 1.0, 1),
            Self::Values => (1.0, -1.0, 0),
        }
    }
}

params! {
    struct ForwardParams {
        count: u32,
        base: f32,
        slope: f32,
        last: u32,
    }
}

params! {
    struct ValuesParams {
        count: u32,
        channels: u32,
    }
}

params! {
    struct BackwardParams {
        count: u32,
        groups: u32,
        channels: u32,
        stride: u32,
        offset: u32,
        base: f32,
        slope: f32,
        last: u32,
        accumulate: u32,
    }
}

params! {
    struct ScaleParams {
        groups: u32,
        slope: f32,
        last: u32,
        accumulate: u32,
    }
}

params! {
    struct AddParams {
        count: u32,
        channels: u32,
        stride: u32,
        offset: u32,
    }
}

buffers! {
    /// Buffers of a sum of two parts of the residual stream.
    pub struct Forward {
        /// Learned weights: `(1)`, of a shortcut `(2)`.
        scale: floats,
        /// First term, `(N, C)`.
        x: floats,
        /// Second term, `(N, C)`.
        y: floats,
        /// Written: `(N, C)`.
        out: floats_mut,
    }
}

/// `shaders/mix_forward.wgsl`
pub static FORWARD: Kernel = kernel!("mix_forward", ForwardParams, Forward, forward_twin);

buffers! {
    /// Buffers of mixed values.
    pub struct Values {
        /// Learned weight, `(1)`.
        scale: floats,
        /// Queries, keys and values of the first block, `(N, 3, C)`.
        first: floats,
        /// In place: the values of `(N, 3, C)`.
        qkv: floats_mut,
        /// Written: the values before, `(N, C)`.
        values: floats_mut,
    }
}

/// `shaders/mix_values.wgsl`
pub static VALUES: Kernel = kernel!("mix_values", ValuesParams, Values, values_twin);

buffers! {
    struct BackwardSums {
        scale: floats,
        x: floats,
        y: floats,
        d: floats_mut,
        d_y: floats_mut,
        partial_sums: floats_mut,
    }
}

/// `shaders/mix_backward.wgsl`
pub static BACKWARD: Kernel = kernel!("mix_backward", BackwardParams, BackwardSums, backward_twin);

buffers! {
    struct Scale {
        partial_sums: floats,
        d_scale: floats_mut,
    }
}

/// `shaders/mix_scale.wgsl`
pub static SCALE: Kernel = kernel!("mix_scale", ScaleParams, Scale, scale_twin);

buffers! {
    struct Add {
        x: floats,
        out: floats_mut,
    }
}

/// `shaders/mix_add.wgsl`
pub static ADD: Kernel = kernel!("mix_add", AddParams, Add, add_twin);

/// Records `out = x + s y` or `out = s[0] x + s[1] y`.
///
/// # Panics
/// When `mix` is [`Mix::Values`], which has a kernel of its own.
pub fn forward(step: &mut Recording, mix: Mix, io: Forward) {
    assert_ne!(mix, Mix::Values, "values lie between queries and keys");
    let count = io.out.len;
    let (base, slope, last) = mix.coefficients();
    let params = ForwardParams { count: count as u32, base, slope, last };
    step.push(Launch::new(&FORWARD, &params, io, grid::elements(count)).flop(3 * count));
}

/// Records `v += s (first v - v)`, the mixture of the values of a block and of the first one.
pub fn values(step: &mut Recording, io: Values, channels: usize) {
    let count = io.values.len;
    let params = ValuesParams { count: count as u32, channels: channels as u32 };
    step.push(Launch::new(&VALUES, &params, io, grid::elements(count)).flop(3 * count));
}

/// Buffers of the backward pass. Where values are mixed, `y` and `d` are `(N, 3, C)`, of which the
/// last part is meant.
#[derive(Clone, Copy, Debug)]
pub struct Backward {
    /// Learned weights.
    pub scale: Slice,
    /// First term, `(N, C)`.
    pub x: Slice,
    /// Second term, `(N, C)`.
    pub y: Slice,
    /// In place: gradient of the sum, then of `x`, `(N, C)`.
    pub d: Slice,
    /// Gradient of `y`, set or added to: `(N, C)`.
    pub d_y: Slice,
    /// Whether `d_y` is added to.
    pub add_y: bool,
    /// Scratch, [`PARTIAL_SUMS`] long.
    pub partial_sums: Slice,
    /// Gradient of `scale`, set or added to.
    pub d_scale: Slice,
}

/// Columns of a row of which `channels` are meant, and the first of these: the last of as many
/// parts as `whole` is longer than `part`.
fn last_part(whole: Slice, part: Slice, channels: usize) -> [u32; 2] {
    let parts = whole.len / part.len;
    [parts * channels, (parts - 1) * channels].map(|columns| columns as u32)
}

/// Records the gradients of both terms and of the weights; these are added to if `accumulate`.
pub fn backward(step: &mut Recording, mix: Mix, io: Backward, channels: usize, accumulate: bool) {
    let Backward { scale, x, y, d, d_y, add_y, partial_sums, d_scale } = io;
    let (base, slope, last) = mix.coefficients();
    let [stride, offset] = last_part(d, x, channels);
    let groups = GROUPS as u32;
    let params = BackwardParams {
        count: x.len as u32,
        groups,
        channels: channels as u32,
        stride,
        offset,
        base,
        slope,
        last,
        accumulate: u32::from(add_y),
    };
    let buffers = BackwardSums { scale, x, y, d, d_y, partial_sums };
    step.push(Launch::new(&BACKWARD, &params, buffers, [groups, 1, 1]).flop(6 * x.len));
    let params = ScaleParams { groups, slope, last, accumulate: u32::from(accumulate) };
    let buffers = Scale { partial_sums, d_scale };
    step.push(Launch::new(&SCALE, &params, buffers, [1, 1, 1]).flop(PARTIAL_SUMS));
}

/// Records `out += x`; where `out (N, 3, C)` is longer than `x (N, C)`, its last part is meant.
pub fn add(step: &mut Recording, x: Slice, out: Slice, channels: usize) {
    let [stride, offset] = last_part(out, x, channels);
    let params = AddParams { count: x.len as u32, channels: channels as u32, stride, offset };
    let grid = grid::elements(x.len);
    step.push(Launch::new(&ADD, &params, Add { x, out }, grid).flop(x.len));
}

/// The factors of both terms.
fn factors<E: Real>(scale: &[E], base: f32, slope: f32, last: u32) -> [E; 2] {
    [E::from_f64(base.into()) + E::from_f64(slope.into()) * scale[0], scale[last as usize]]
}

fn forward_twin<E: Real>(args: Args<'_, E>) {
    let (params, [scale, x, y, out]) = args.take::<ForwardParams, 4>();
    let [p, q] = factors(scale.floats(), params.base, params.slope, params.last);
    let terms = x.floats().par_chunks(CHUNK).zip(y.floats().par_chunks(CHUNK));
    out.floats_mut().par_chunks_mut(CHUNK).zip(terms).for_each(|(out, (x, y))| {
        for ((out, &x), &y) in out.iter_mut().zip(x).zip(y) {
            *out = p * x + q * y;
        }
    });
}

fn values_twin<E: Real>(args: Args<'_, E>) {
    let (params, [scale, first, qkv, values]) = args.take::<ValuesParams, 4>();
    let (channels, scale) = (params.channels as usize, scale.floats()[0]);
    let rows = qkv.floats_mut().par_chunks_exact_mut(3 * channels);
    let rows = rows.zip(first.floats().par_chunks_exact(3 * channels));
    rows.zip(values.floats_mut().par_chunks_exact_mut(channels)).for_each(
        |((qkv, first), values)| {
            let (v, first) = (&mut qkv[2 * channels..], &first[2 * channels..]);
            values.copy_from_slice(v);
            for (v, &first) in v.iter_mut().zip(first) {
                *v += scale * (first - *v);
            }
        },
    );
}

fn backward_twin<E: Real>(args: Args<'_, E>) {
    let (params, [scale, x, y, d, d_y, partial_sums]) = args.take::<BackwardParams, 6>();
    let [p, q] = factors(scale.floats(), params.base, params.slope, params.last);
    let (channels, stride) = (params.channels as usize, params.stride as usize);
    let (offset, groups) = (params.offset as usize, params.groups as usize);
    let (x, partial_sums) = (x.floats(), partial_sums.floats_mut());
    // Whole rows go to a group, so that the groups can be threads.
    let share = (x.len() / channels).div_ceil(groups).max(1);
    partial_sums.fill(E::zero());
    let (sums_x, sums_y) = partial_sums.split_at_mut(groups);
    let sums = sums_x.par_iter_mut().zip(sums_y);
    let terms = x.par_chunks(share * channels).zip(y.floats().par_chunks(share * stride));
    let d = d.floats_mut().par_chunks_mut(share * stride);
    let d_y = d_y.floats_mut().par_chunks_mut(share * channels);
    sums.zip(terms).zip(d.zip(d_y)).for_each(|(((sum_x, sum_y), (x, y)), (d, d_y))| {
        let rows = x.chunks_exact(channels).zip(y.chunks_exact(stride));
        let gradients = d.chunks_exact_mut(stride).zip(d_y.chunks_exact_mut(channels));
        for ((x, y), (d, d_y)) in rows.zip(gradients) {
            let (y, d) = (&y[offset..], &mut d[offset..]);
            *sum_x += sum_of(channels, |c| d[c] * x[c]);
            *sum_y += sum_of(channels, |c| d[c] * y[c]);
            if params.accumulate == 0 {
                d_y.fill(E::zero());
            }
            for (d, d_y) in d.iter_mut().zip(d_y) {
                *d_y += q * *d;
                *d *= p;
            }
        }
    });
}

fn scale_twin<E: Real>(args: Args<'_, E>) {
    let (params, [partial_sums, d_scale]) = args.take::<ScaleParams, 2>();
    let (sums_x, sums_y) = partial_sums.floats().split_at(params.groups as usize);
    let (d_scale, last) = (d_scale.floats_mut(), params.last as usize);
    if params.accumulate == 0 {
        d_scale.fill(E::zero());
    }
    d_scale[0] += E::from_f64(params.slope.into()) * sums_x.iter().copied().sum::<E>();
    d_scale[last] += sums_y.iter().copied().sum::<E>();
}

fn add_twin<E: Real>(args: Args<'_, E>) {
    let (params, [x, out]) = args.take::<AddParams, 2>();
    let AddParams { channels, stride, offset, .. } = params;
    let rows = out.floats_mut().par_chunks_exact_mut(stride as usize);
    rows.zip(x.floats().par_chunks_exact(channels as usize)).for_each(|(out, x)| {
        out[offset as usize..].iter_mut().zip(x).for_each(|(out, &x)| *out += x);
    });
}
