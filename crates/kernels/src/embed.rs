//! Token and timestep embedding, forward and backward.

use bytemuck::{Pod, Zeroable};
use device::{
    Args, Kernel, Launch, Real, Recording, Slice, floats, floats_mut, twin, words, words_mut,
};
use rayon::prelude::*;

use crate::norm::inverse_rms;
use crate::{COMMON, grid};

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

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct ForwardParams {
    rows: u32,
    channels: u32,
    length: u32,
}

/// `shaders/embed_forward.wgsl`
pub static FORWARD: Kernel = Kernel {
    name: "embed_forward",
    source: include_str!("../../../shaders/embed_forward.wgsl"),
    imports: COMMON,
    bindings: &[
        words("ids"),
        words("timesteps"),
        floats("token_emb"),
        floats("timestep_emb"),
        floats_mut("x"),
        floats_mut("embedded"),
        floats_mut("inv_rms"),
    ],
    params_size: size_of::<ForwardParams>(),
    subgroups: false,
    twin: twin!(forward_twin),
};

/// What the forward pass reads and writes.
#[derive(Clone, Copy, Debug)]
pub struct Forward {
    /// Tokens, `(N)`.
    pub ids: Slice,
    /// Timestep of each sequence, `(batch)`.
    pub timesteps: Slice,
    /// `(V, C)`
    pub token_emb: Slice,
    /// `(T + 1, C)`
    pub timestep_emb: Slice,
    /// Written: the residual stream, `(N, C)`.
    pub x: Slice,
    /// Written: the same once more, `(N, C)`.
    pub embedded: Slice,
    /// Written: `(N)`.
    pub inv_rms: Slice,
}

/// Records `x = norm(token_emb[ids] + timestep_emb[timesteps])`.
pub fn forward(step: &mut Recording, io: Forward, shape: Shape) {
    let rows = shape.batch * shape.length;
    step.push(Launch {
        kernel: &FORWARD,
        constants: vec![("WORKGROUP_SIZE", grid::per_row(shape.channels))],
        params: bytemuck::bytes_of(&ForwardParams {
            rows: rows as u32,
            channels: shape.channels as u32,
            length: shape.length as u32,
        })
        .to_vec(),
        buffers: vec![
            io.ids,
            io.timesteps,
            io.token_emb,
            io.timestep_emb,
            io.x,
            io.embedded,
            io.inv_rms,
        ],
        grid: grid::fold(rows),
        flop: 4 * (rows * shape.channels) as u64,
    });
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

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct IndexParams {
    rows: u32,
    vocabulary: u32,
}

/// `shaders/index_tokens.wgsl`
pub static INDEX: Kernel = Kernel {
    name: "index_tokens",
    source: include_str!("../../../shaders/index_tokens.wgsl"),
    imports: COMMON,
    bindings: &[words("ids"), words_mut("first"), words_mut("next")],
    params_size: size_of::<IndexParams>(),
    subgroups: false,
    twin: twin!(index_twin),
};

fn index_twin<E: Real>(args: Args<'_, E>) {
    let (params, [ids, first, next]) = args.take::<IndexParams, 3>();
    let (ids, first, next) = (ids.words(), first.words_mut(), next.words_mut());
    first.fill(params.rows);
    for (n, &id) in ids.iter().enumerate().rev() {
        next[n] = first[id as usize];
        first[id as usize] = n as u32;
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct TokenParams {
    rows: u32,
    channels: u32,
    vocabulary: u32,
    accumulate: u32,
}

/// `shaders/token_emb_backward.wgsl`
pub static TOKEN_BACKWARD: Kernel = Kernel {
    name: "token_emb_backward",
    source: include_str!("../../../shaders/token_emb_backward.wgsl"),
    imports: COMMON,
    bindings: &[words("first"), words("next"), floats("d_e"), floats_mut("d_token_emb")],
    params_size: size_of::<TokenParams>(),
    subgroups: false,
    twin: twin!(token_backward_twin),
};

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
    step.push(Launch {
        kernel: &INDEX,
        constants: vec![],
        params: bytemuck::bytes_of(&IndexParams {
            rows: rows as u32,
            vocabulary: shape.vocabulary as u32,
        })
        .to_vec(),
        buffers: vec![io.ids, io.first, io.next],
        grid: grid::fold(shape.vocabulary.div_ceil(64)),
        flop: 0,
    });
    let constants = vec![("WORKGROUP_SIZE", grid::per_row(shape.channels))];
    step.push(Launch {
        kernel: &TOKEN_BACKWARD,
        constants: constants.clone(),
        params: bytemuck::bytes_of(&TokenParams {
            rows: rows as u32,
            channels: shape.channels as u32,
            vocabulary: shape.vocabulary as u32,
            accumulate: u32::from(accumulate),
        })
        .to_vec(),
        buffers: vec![io.first, io.next, io.d_e, io.d_token_emb],
        grid: grid::fold(shape.vocabulary),
        flop: (rows * shape.channels) as u64,
    });
    step.push(Launch {
        kernel: &TIMESTEP_BACKWARD,
        constants,
        params: bytemuck::bytes_of(&TimestepParams {
            batch: shape.batch as u32,
            length: shape.length as u32,
            channels: shape.channels as u32,
            rows: shape.timesteps as u32,
            accumulate: u32::from(accumulate),
        })
        .to_vec(),
        buffers: vec![io.timesteps, io.d_e, io.d_timestep_emb],
        grid: grid::fold(shape.timesteps),
        flop: (rows * shape.channels) as u64,
    });
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

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct TimestepParams {
    batch: u32,
    length: u32,
    channels: u32,
    rows: u32,
    accumulate: u32,
}

/// `shaders/timestep_emb_backward.wgsl`
pub static TIMESTEP_BACKWARD: Kernel = Kernel {
    name: "timestep_emb_backward",
    source: include_str!("../../../shaders/timestep_emb_backward.wgsl"),
    imports: COMMON,
    bindings: &[words("timesteps"), floats("d_e"), floats_mut("d_timestep_emb")],
    params_size: size_of::<TimestepParams>(),
    subgroups: false,
    twin: twin!(timestep_backward_twin),
};

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
