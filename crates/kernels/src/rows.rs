//! Rows that count, side by side, so that the output layer works on these alone: in training those
//! that have a loss, in sampling those that may be drawn.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use crate::grid;
use crate::imports::kernel;
use crate::parallel::*;

/// Words of [`Select::live`] per run: a slice starts at a multiple of these.
pub const LIVE: usize = device::ALIGNMENT;

params! {
    struct SelectParams {
        count: u32,
        run: u32,
        runs: u32,
    }
}

buffers! {
    /// Buffers of the selection among N rows.
    pub struct Select {
        /// Weight of each row: 0 where it does not count, `(N)`.
        weights: floats,
        /// Written: the rows of weights other than 0, ascending, then N, `(N)`.
        rows: words_mut,
        /// Written: where each row stands among these, or N, `(N)`.
        places: words_mut,
        /// Written: 1 for runs of places of which any is taken, else 0, `(LIVE R)`; the first of
        /// every [`LIVE`] words.
        live: words_mut,
    }
}

/// `shaders/rows_select.wgsl`
pub static SELECT: Kernel = kernel!("rows_select", SelectParams, Select, select_twin);

params! {
    struct MoveParams {
        count: u32,
        channels: u32,
    }
}

buffers! {
    /// Buffers of the gathering of rows.
    pub struct Gather {
        /// From [`select`], `(N)`.
        rows: words,
        /// `(N, C)`
        h: floats,
        /// `(N)`
        targets: words,
        /// `(N)`
        weights: floats,
        /// Written: `(N, C)`; zeros beyond the last row, as in the others.
        row_h: floats_mut,
        /// Written: `(N)`.
        row_targets: words_mut,
        /// Written: `(N)`.
        row_weights: floats_mut,
    }
}

/// `shaders/rows_gather.wgsl`
pub static GATHER: Kernel = kernel!("rows_gather", MoveParams, Gather, gather_twin);

buffers! {
    /// Buffers of the scattering of a gradient.
    pub struct Scatter {
        /// From [`select`], `(N)`.
        places: words,
        /// Gradient of the gathered rows, `(N, C)`.
        row_d_h: floats,
        /// Written: gradient of all rows, `(N, C)`; zeros where there is no loss.
        d_h: floats_mut,
    }
}

/// `shaders/rows_scatter.wgsl`
pub static SCATTER: Kernel = kernel!("rows_scatter", MoveParams, Scatter, scatter_twin);

/// Records which rows count, and which runs of `run` places they fill.
pub fn select(step: &mut Recording, io: Select, run: usize) {
    let count = io.weights.len;
    let runs = count.div_ceil(run);
    let params = SelectParams { count: count as u32, run: run as u32, runs: runs as u32 };
    step.push(Launch::new(&SELECT, &params, io, [1, 1, 1]));
}

/// Records the gathering of the rows that count.
pub fn gather(step: &mut Recording, io: Gather) {
    let (count, channels) = (io.rows.len, io.h.len / io.rows.len);
    let params = MoveParams { count: count as u32, channels: channels as u32 };
    step.push(
        Launch::new(&GATHER, &params, io, grid::fold(count))
            .constants([("WORKGROUP_SIZE", grid::per_row(channels))]),
    );
}

/// Records the way back of their gradient.
pub fn scatter(step: &mut Recording, io: Scatter) {
    let (count, channels) = (io.places.len, io.d_h.len / io.places.len);
    let params = MoveParams { count: count as u32, channels: channels as u32 };
    step.push(
        Launch::new(&SCATTER, &params, io, grid::fold(count))
            .constants([("WORKGROUP_SIZE", grid::per_row(channels))]),
    );
}

fn select_twin<E: Real>(args: Args<'_, E>) {
    let (params, [weights, rows, places, live]) = args.take::<SelectParams, 4>();
    let (rows, places) = (rows.words_mut(), places.words_mut());
    rows.fill(params.count);
    places.fill(params.count);
    let mut total = 0;
    for (n, &weight) in weights.floats().iter().enumerate() {
        if weight != E::zero() {
            rows[total] = n as u32;
            places[n] = total as u32;
            total += 1;
        }
    }
    for (run, live) in live.words_mut().chunks_mut(LIVE).enumerate() {
        live[0] = u32::from(total > run * params.run as usize);
    }
}

fn gather_twin<E: Real>(args: Args<'_, E>) {
    let (params, buffers) = args.take::<MoveParams, 7>();
    let [rows, h, targets, weights, row_h, row_targets, row_weights] = buffers;
    let (h, targets, weights) = (h.floats(), targets.words(), weights.floats());
    let channels = params.channels as usize;
    let outputs = row_h.floats_mut().par_chunks_exact_mut(channels);
    let outputs = outputs.zip(row_targets.words_mut()).zip(row_weights.floats_mut());
    outputs.zip(rows.words()).for_each(|(((row_h, target), weight), &n)| {
        let n = n as usize;
        if n < targets.len() {
            row_h.copy_from_slice(&h[n * channels..][..channels]);
            (*target, *weight) = (targets[n], weights[n]);
        } else {
            row_h.fill(E::zero());
            (*target, *weight) = (0, E::zero());
        }
    });
}

fn scatter_twin<E: Real>(args: Args<'_, E>) {
    let (params, [places, row_d_h, d_h]) = args.take::<MoveParams, 3>();
    let (row_d_h, channels) = (row_d_h.floats(), params.channels as usize);
    let rows = d_h.floats_mut().par_chunks_exact_mut(channels).zip(places.words());
    rows.for_each(|(d_h, &place)| match place < params.count {
        true => d_h.copy_from_slice(&row_d_h[place as usize * channels..][..channels]),
        false => d_h.fill(E::zero()),
    });
}
