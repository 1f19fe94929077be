//! Token and timestep embedding, forward and backward.

use device::{Args, Kernel, Launch, Real, Recording, Slice, buffers, params};
use rayon::prelude::*;

use crate::grid;
use crate::imports::kernel;
use crate::rmsnorm::inverse_rms;

/// Sizes of an embedding.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Sequences.
    pub batch: usize,
    /// Positions of a sequence.
    pub length: usize,
    /// Width of the residual stream.
    pub channels: usize,
    /// Tokens.
    pub vocabulary: usize,
    /// Rows of the timestep embedding.
    pub timesteps: usize,
}

params! {
    struct ForwardParams {
        rows: u32,
        channels: u32,
        length: u32,
    }
}

buffers! {
    /// Buffers of the forward pass.
    pub struct Forward {
        /// Tokens, `(N)`.
        ids: words,
        /// Timestep of each sequence, `(batch)`.
        timesteps: words,
        /// `(V, C)`
        token_emb: floats,
        /// `(T + 1, C)`
        timestep_emb: floats,
        /// Written: the residual stream, `(N, C)`.
        x: floats_mut,
        /// Written: a copy of it, `(N, C)`.
        embedded: floats_mut,
        /// Written: `(N)`.
        inv_rms: floats_mut,
    }
}

/// `shaders/embed_forward.wgsl`
pub static FORWARD: Kernel = kernel!("embed_forward", ForwardParams, Forward, forward_twin);

/// Records `x = norm(token_emb[ids] + timestep_emb[timesteps])`.
pub fn forward(step: &mut Recording, io: Forward, shape: Shape) {
    let rows = shape.batch * shape.length;
    step.push(
        Launch::new(
            &FORWARD,
            &ForwardParams {
                rows: rows as u32,
                channels: shape.channels as u32,
                length: shape.length as u32,
            },
            io,
            grid::fold(rows),
        )
        .constants([("WORKGROUP_SIZE", grid::per_row(shape.channels))])
        .flop(4 * (rows * shape.channels)),
    );
}

fn forward_twin<E: Real>(args: Args<'_, E>) {
    let (params, buffers) = args.take::<ForwardParams, 7>();
    let [ids, timesteps, token_emb, timestep_emb, x, embedded, inv_rms] = buffers;
    let (ids, timesteps) = (ids.words(), timesteps.words());
    let (token_emb, timestep_emb) = (token_emb.floats(), timestep_emb.floats());
    let (channels, length) = (params.channels as usize, params.length as usize);
    let outputs = x.floats_mut().par_chunks_exact_mut(channels);
    outputs
        .zip(embedded.floats_mut().par_chunks_exact_mut(channels))
        .zip(inv_rms.floats_mut())
        .enumerate()
        .for_each(|(n, ((x, embedded), inv_rms))| {
            let token = &token_emb[ids[n] as usize * channels..][..channels];
            let timestep = &timestep_emb[timesteps[n / length] as usize * channels..][..channels];
            for ((x, &a), &b) in x.iter_mut().zip(token).zip(timestep) {
                *x = a + b;
            }
            *inv_rms = inverse_rms(x);
            for (x, embedded) in x.iter_mut().zip(embedded) {
                *x *= *inv_rms;
                *embedded = *x;
            }
        });
}

params! {
    struct IndexParams {
        rows: u32,
        vocabulary: u32,
    }
}

buffers! {
    struct IndexTokens {
        ids: words,
        first: words_mut,
        next: words_mut,
    }
}

/// `shaders/embed_index_tokens.wgsl`
pub static INDEX: Kernel = kernel!("embed_index_tokens", IndexParams, IndexTokens, index_twin);

fn index_twin<E: Real>(args: Args<'_, E>) {
    let (params, [ids, first, next]) = args.take::<IndexParams, 3>();
    let (ids, first, next) = (ids.words(), first.words_mut(), next.words_mut());
    first.fill(params.rows);
    for (n, &id) in ids.iter().enumerate().rev() {
        next[n] = first[id as usize];
        first[id as usize] = n as u32;
    }
}

params! {
    struct TokenParams {
        rows: u32,
        channels: u32,
        vocabulary: u32,
        accumulate: u32,
    }
}

buffers! {
    struct TokenBackward {
        first: words,
        next: words,
        d_e: floats,
        d_token_emb: floats_mut,
    }
}

/// `shaders/embed_backward_tokens.wgsl`
pub static TOKEN_BACKWARD: Kernel =
    kernel!("embed_backward_tokens", TokenParams, TokenBackward, token_backward_twin);

/// What the backward pass reads and writes.
#[derive(Clone, Copy, Debug)]
pub struct Backward {
    /// Tokens, `(N)`.
    pub ids: Slice,
    /// Timestep of each sequence, `(batch)`.
    pub timesteps: Slice,
    /// Gradient of the sum of the two embeddings, `(N, C)`.
    pub d_e: Slice,
    /// Scratch words, `(V)`.
    pub first: Slice,
    /// Scratch words, `(N)`.
    pub next: Slice,
    /// Written: `(V, C)`.
    pub d_token_emb: Slice,
    /// Written: `(T + 1, C)`.
    pub d_timestep_emb: Slice,
}

/// Records the gradients of both embeddings, set or added to.
pub fn backward(step: &mut Recording, io: Backward, shape: Shape, accumulate: bool) {
    let rows = shape.batch * shape.length;
    step.push(Launch::new(
        &INDEX,
        &IndexParams { rows: rows as u32, vocabulary: shape.vocabulary as u32 },
        IndexTokens { ids: io.ids, first: io.first, next: io.next },
        grid::fold(shape.vocabulary.div_ceil(64)),
    ));
    let constants = [("WORKGROUP_SIZE", grid::per_row(shape.channels))];
    let params = TokenParams {
        rows: rows as u32,
        channels: shape.channels as u32,
        vocabulary: shape.vocabulary as u32,
        accumulate: u32::from(accumulate),
    };
    let Backward { ids: _, timesteps, d_e, first, next, d_token_emb, d_timestep_emb } = io;
    let buffers = TokenBackward { first, next, d_e, d_token_emb };
    step.push(
        Launch::new(&TOKEN_BACKWARD, &params, buffers, grid::fold(shape.vocabulary))
            .constants(constants)
            .flop(rows * shape.channels),
    );
    let params = TimestepParams {
        batch: shape.batch as u32,
        length: shape.length as u32,
        channels: shape.channels as u32,
        rows: shape.timesteps as u32,
        accumulate: u32::from(accumulate),
    };
    let buffers = TimestepBackward { timesteps, d_e, d_timestep_emb };
    step.push(
        Launch::new(&TIMESTEP_BACKWARD, &params, buffers, grid::fold(shape.timesteps))
            .constants(constants)
            .flop(rows * shape.channels),
    );
}

fn token_backward_twin<E: Real>(args: Args<'_, E>) {
    let (params, [first, next, d_e, d_token_emb]) = args.take::<TokenParams, 4>();
    let (first, next, d_e) = (first.words(), next.words(), d_e.floats());
    let channels = params.channels as usize;
    let rows = d_token_emb.floats_mut().par_chunks_exact_mut(channels);
    rows.zip(first).for_each(|(target, &first)| {
        if params.accumulate == 0 {
            target.fill(E::zero());
        }
        let mut n = first;
        while n < params.rows {
            let d_e = &d_e[n as usize * channels..][..channels];
            target.iter_mut().zip(d_e).for_each(|(target, &d_e)| *target += d_e);
            n = next[n as usize];
        }
    });
}

params! {
    struct TimestepParams {
        batch: u32,
        length: u32,
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
    let (channels, length) = (params.channels as usize, params.length as usize);
    let rows = d_timestep_emb.floats_mut().par_chunks_exact_mut(channels);
    rows.enumerate().for_each(|(timestep, target)| {
        if params.accumulate == 0 {
            target.fill(E::zero());
        }
        let sequences = d_e.chunks_exact(length * channels).zip(timesteps);
        for (sequence, _) in sequences.filter(|(_, t)| **t as usize == timestep) {
            for d_e in sequence.chunks_exact(channels) {
                target.iter_mut().zip(d_e).for_each(|(target, &d_e)| *target += d_e);
            }
        }
    });
}
