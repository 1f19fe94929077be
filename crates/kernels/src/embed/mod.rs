//! Token and timestep embedding, forward and backward.

mod tokens;

use device::{Args, Kernel, Launch, Real, Recording, Slice, buffers, params};

use crate::grid;
use crate::imports::kernel;
use crate::parallel::*;
use crate::rmsnorm::inverse_rms;

pub use self::tokens::{BATCH_PARTS, COUNT, INDEX, RUN_LENGTH, SUM_RUNS, TOKEN_BACKWARD};

/// Sizes of an embedding.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Positions (N).
    pub rows: usize,
    /// Width of the residual stream (C).
    pub channels: usize,
    /// Tokens (V).
    pub vocabulary: usize,
}

/// The timestep embedding of a pass, or its gradient.
///
/// One timestep for every `span` positions serves a timestep per sequence, per block and per
/// position alike. The forward pass costs the same for each. In the backward pass each row of the
/// table looks at all `N / span` timesteps: little for sequences, much for single positions. Measured
/// for 4,096 positions of 256 channels and 100 timesteps, the gradient of the table takes 3.6 ms at a
/// span of 128, 32 ms at 16 and 548 ms at 1 on llvmpipe; 0.10, 0.11 and 0.36 ms on the CPU device. So
/// objectives give sequences and blocks a timestep, not positions.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    /// `(N / span)`, each below `rows`.
    pub timesteps: Slice,
    /// Positions that share a timestep.
    pub span: usize,
    /// `(rows, C)`
    pub table: Slice,
    /// Timesteps that there are (T + 1).
    pub rows: usize,
}

params! {
    struct ForwardParams {
        rows: u32,
        channels: u32,
        span: u32,
    }
}

buffers! {
    struct TimedForward {
        ids: words,
        timesteps: words,
        token_emb: floats,
        timestep_emb: floats,
        x: floats_mut,
        inv_rms: floats_mut,
    }
}

/// `shaders/embed_forward.wgsl`
pub static FORWARD: Kernel = kernel!("embed_forward", ForwardParams, TimedForward, forward_twin);

params! {
    struct ForwardTokensParams {
        rows: u32,
        channels: u32,
    }
}

buffers! {
    struct ForwardTokens {
        ids: words,
        token_emb: floats,
        x: floats_mut,
        inv_rms: floats_mut,
    }
}

/// `shaders/embed_forward_tokens.wgsl`
pub static FORWARD_TOKENS: Kernel =
    kernel!("embed_forward_tokens", ForwardTokensParams, ForwardTokens, forward_tokens_twin);

/// Buffers of the forward pass.
#[derive(Clone, Copy, Debug)]
pub struct Forward {
    /// Tokens, `(N)`.
    pub ids: Slice,
    /// `(V, C)`
    pub token_emb: Slice,
    /// The timestep embedding, if the network has one.
    pub time: Option<Time>,
    /// Written: the residual stream before the first block, `(N, C)`.
    pub x: Slice,
    /// Written: `(N)`.
    pub inv_rms: Slice,
}

/// Records `x = norm(token_emb[ids] + timestep_emb[timesteps])`, or without the second term.
pub fn forward(step: &mut Recording, io: Forward, shape: Shape) {
    let Forward { ids, token_emb, time, x, inv_rms } = io;
    let grid = grid::fold(shape.rows);
    let (rows, channels) = (shape.rows as u32, shape.channels as u32);
    let (launch, terms) = match time {
        Some(Time { timesteps, span, table: timestep_emb, .. }) => {
            let params = ForwardParams { rows, channels, span: span as u32 };
            let buffers = TimedForward { ids, timesteps, token_emb, timestep_emb, x, inv_rms };
            (Launch::new(&FORWARD, &params, buffers, grid), 4)
        }
        None => {
            let params = ForwardTokensParams { rows, channels };
            let buffers = ForwardTokens { ids, token_emb, x, inv_rms };
            (Launch::new(&FORWARD_TOKENS, &params, buffers, grid), 3)
        }
    };
    step.push(
        launch
            .constants([("WORKGROUP_SIZE", grid::per_row(shape.channels))])
            .flop(terms * shape.rows * shape.channels),
    );
}

/// Norms a row in place; returns the factor.
fn normalize<E: Real>(x: &mut [E]) -> E {
    let inv_rms = inverse_rms(x);
    x.iter_mut().for_each(|x| *x *= inv_rms);
    inv_rms
}

fn forward_twin<E: Real>(args: Args<'_, E>) {
    let (params, buffers) = args.take::<ForwardParams, 6>();
    let [ids, timesteps, token_emb, timestep_emb, x, inv_rms] = buffers;
    let (ids, timesteps) = (ids.words(), timesteps.words());
    let (token_emb, timestep_emb) = (token_emb.floats(), timestep_emb.floats());
    let (channels, span) = (params.channels as usize, params.span as usize);
    let outputs = x.floats_mut().par_chunks_exact_mut(channels);
    outputs.zip(inv_rms.floats_mut()).enumerate().for_each(|(n, (x, inv_rms))| {
        let token = &token_emb[ids[n] as usize * channels..][..channels];
        let timestep = &timestep_emb[timesteps[n / span] as usize * channels..][..channels];
        for ((x, &a), &b) in x.iter_mut().zip(token).zip(timestep) {
            *x = a + b;
        }
        *inv_rms = normalize(x);
    });
}

fn forward_tokens_twin<E: Real>(args: Args<'_, E>) {
    let (params, [ids, token_emb, x, inv_rms]) = args.take::<ForwardTokensParams, 4>();
    let (ids, token_emb) = (ids.words(), token_emb.floats());
    let channels = params.channels as usize;
    let outputs = x.floats_mut().par_chunks_exact_mut(channels);
    outputs.zip(inv_rms.floats_mut()).zip(ids).for_each(|((x, inv_rms), &id)| {
        x.copy_from_slice(&token_emb[id as usize * channels..][..channels]);
        *inv_rms = normalize(x);
    });
}

/// Buffers of the backward pass.
#[derive(Clone, Copy, Debug)]
pub struct Backward {
    /// Tokens, `(N)`.
    pub ids: Slice,
    /// Gradient of the sum of the embeddings, `(N, C)`.
    pub d_e: Slice,
    /// Scratch words, `(BATCH_PARTS, V + 1)`, see [`BATCH_PARTS`].
    pub smaller: Slice,
    /// Scratch words, `(V + 1)`.
    pub starts: Slice,
    /// Scratch words, `(N)`.
    pub positions: Slice,
    /// Scratch, `(N, C)`, of which a part is used.
    pub run_sums: Slice,
    /// Written: `(V, C)`.
    pub d_token_emb: Slice,
    /// Its table is written, if the network has a timestep embedding.
    pub d_time: Option<Time>,
}

/// Records the gradients of the embeddings, set or added to.
pub fn backward(step: &mut Recording, io: Backward, shape: Shape, accumulate: bool) {
    let Shape { rows, channels, .. } = shape;
    tokens::backward(step, io, shape, accumulate);
    let Backward { d_e, d_time, .. } = io;
    let Some(time) = d_time else { return };
    let params = TimestepParams {
        count: (rows / time.span) as u32,
        span: time.span as u32,
        channels: channels as u32,
        rows: time.rows as u32,
        accumulate: u32::from(accumulate),
    };
    let buffers = TimestepBackward { timesteps: time.timesteps, d_e, d_timestep_emb: time.table };
    step.push(
        Launch::new(&TIMESTEP_BACKWARD, &params, buffers, grid::fold(time.rows))
            .constants([("WORKGROUP_SIZE", grid::per_row(channels))])
            .flop(rows * channels),
    );
}

params! {
    struct TimestepParams {
        count: u32,
        span: u32,
        channels: u32,
        rows: u32,
        accumulate: u32,
    }
}

buffers! {
    struct TimestepBackward {
        timesteps: words,
        d_e: floats,
        d_timestep_emb: floats_mut,
    }
}

/// `shaders/embed_backward_timesteps.wgsl`
pub static TIMESTEP_BACKWARD: Kernel =
    kernel!("embed_backward_timesteps", TimestepParams, TimestepBackward, timestep_backward_twin);

fn timestep_backward_twin<E: Real>(args: Args<'_, E>) {
    let (params, [timesteps, d_e, d_timestep_emb]) = args.take::<TimestepParams, 3>();
    let (timesteps, d_e) = (timesteps.words(), d_e.floats());
    let (channels, span) = (params.channels as usize, params.span as usize);
    let rows = d_timestep_emb.floats_mut().par_chunks_exact_mut(channels);
    rows.enumerate().for_each(|(timestep, target)| {
        if params.accumulate == 0 {
            target.fill(E::zero());
        }
        let spans = d_e.chunks_exact(span * channels).zip(timesteps);
        for (positions, _) in spans.filter(|(_, t)| **t as usize == timestep) {
            for d_e in positions.chunks_exact(channels) {
                target.iter_mut().zip(d_e).for_each(|(target, &d_e)| *target += d_e);
            }
        }
    });
}
