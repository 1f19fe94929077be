//! Gradient of the token embedding: positions are sorted by token, and those of a token added up.

use device::{Args, Kernel, Launch, Real, Recording, buffers, params};

use super::{Backward, Shape};
use crate::grid;
use crate::imports::kernel;
use crate::parallel::*;

/// Parts of the batch that are sorted at the same time.
pub const BATCH_PARTS: usize = 16;

/// Sorted positions that a workgroup adds up where all have the same token.
pub const RUN_LENGTH: usize = 64;

params! {
    struct SortParams {
        rows: u32,
        vocabulary: u32,
    }
}

buffers! {
    struct CountTokens {
        ids: words,
        smaller: words_mut,
    }
}

/// `shaders/embed_count_tokens.wgsl`
pub static COUNT: Kernel = kernel!("embed_count_tokens", SortParams, CountTokens, count_twin);

buffers! {
    struct IndexTokens {
        ids: words,
        smaller: words,
        starts: words_mut,
        positions: words_mut,
    }
}

/// `shaders/embed_index_tokens.wgsl`
pub static INDEX: Kernel = kernel!("embed_index_tokens", SortParams, IndexTokens, index_twin);

params! {
    struct RunParams {
        channels: u32,
        runs: u32,
    }
}

buffers! {
    struct SumRuns {
        ids: words,
        positions: words,
        d_e: floats,
        run_sums: floats_mut,
    }
}

/// `shaders/embed_sum_runs.wgsl`
pub static SUM_RUNS: Kernel = kernel!("embed_sum_runs", RunParams, SumRuns, sum_runs_twin);

params! {
    struct TokenParams {
        channels: u32,
        vocabulary: u32,
        accumulate: u32,
    }
}

buffers! {
    struct TokenBackward {
        starts: words,
        positions: words,
        d_e: floats,
        run_sums: floats,
        d_token_emb: floats_mut,
    }
}

/// `shaders/embed_backward_tokens.wgsl`
pub static TOKEN_BACKWARD: Kernel =
    kernel!("embed_backward_tokens", TokenParams, TokenBackward, backward_twin);

/// Records the gradient of the token embedding.
pub(super) fn backward(step: &mut Recording, io: Backward, shape: Shape, accumulate: bool) {
    let Shape { rows, channels, vocabulary } = shape;
    let Backward { ids, d_e, smaller, starts, positions, run_sums, d_token_emb, .. } = io;
    let params = SortParams { rows: rows as u32, vocabulary: vocabulary as u32 };
    let grid = [(vocabulary + 1).div_ceil(64) as u32, BATCH_PARTS as u32, 1];
    step.push(Launch::new(&COUNT, &params, CountTokens { ids, smaller }, grid));
    let buffers = IndexTokens { ids, smaller, starts, positions };
    step.push(Launch::new(&INDEX, &params, buffers, grid));

    let runs = rows / RUN_LENGTH;
    let run_sums = run_sums.part(0, runs.max(1) * channels);
    let constants = [("WORKGROUP_SIZE", grid::per_row(channels))];
    if runs > 0 {
        let params = RunParams { channels: channels as u32, runs: runs as u32 };
        let buffers = SumRuns { ids, positions, d_e, run_sums };
        let launch = Launch::new(&SUM_RUNS, &params, buffers, grid::fold(runs));
        step.push(launch.constants(constants).flop(runs * RUN_LENGTH * channels));
    }
    let params = TokenParams {
        channels: channels as u32,
        vocabulary: vocabulary as u32,
        accumulate: u32::from(accumulate),
    };
    let buffers = TokenBackward { starts, positions, d_e, run_sums, d_token_emb };
    let launch = Launch::new(&TOKEN_BACKWARD, &params, buffers, grid::fold(vocabulary));
    step.push(launch.constants(constants).flop(rows * channels));
}

fn count_twin<E: Real>(args: Args<'_, E>) {
    let (params, [ids, smaller]) = args.take::<SortParams, 2>();
    let (ids, tokens) = (ids.words(), params.vocabulary as usize + 1);
    let length = ids.len().div_ceil(BATCH_PARTS);
    smaller.words_mut().par_chunks_exact_mut(tokens).enumerate().for_each(|(part, smaller)| {
        smaller.fill(0);
        let start = (part * length).min(ids.len());
        for &id in &ids[start..(start + length).min(ids.len())] {
            smaller[id as usize + 1] += 1;
        }
        for token in 1..tokens {
            smaller[token] += smaller[token - 1];
        }
    });
}

fn index_twin<E: Real>(args: Args<'_, E>) {
    let (_, [ids, smaller, starts, positions]) = args.take::<SortParams, 4>();
    let (ids, smaller) = (ids.words(), smaller.words());
    let (starts, positions) = (starts.words_mut(), positions.words_mut());
    starts.fill(0);
    for smaller in smaller.chunks_exact(starts.len()) {
        starts.iter_mut().zip(smaller).for_each(|(start, smaller)| *start += smaller);
    }
    let mut ends = starts.to_vec();
    for (n, &id) in (0..).zip(ids) {
        positions[ends[id as usize] as usize] = n;
        ends[id as usize] += 1;
    }
}

/// Adds the rows of `d_e` at these positions.
fn add_rows<E: Real>(target: &mut [E], d_e: &[E], positions: &[u32]) {
    for &n in positions {
        let d_e = &d_e[n as usize * target.len()..][..target.len()];
        target.iter_mut().zip(d_e).for_each(|(target, &d_e)| *target += d_e);
    }
}

fn sum_runs_twin<E: Real>(args: Args<'_, E>) {
    let (params, [ids, positions, d_e, run_sums]) = args.take::<RunParams, 4>();
    let (ids, positions, d_e) = (ids.words(), positions.words(), d_e.floats());
    let sums = run_sums.floats_mut().par_chunks_exact_mut(params.channels as usize);
    sums.zip(positions.par_chunks_exact(RUN_LENGTH)).for_each(|(sum, run)| {
        if ids[run[0] as usize] == ids[run[RUN_LENGTH - 1] as usize] {
            sum.fill(E::zero());
            add_rows(sum, d_e, run);
        }
    });
}

fn backward_twin<E: Real>(args: Args<'_, E>) {
    let (params, [starts, positions, d_e, run_sums, d_token_emb]) = args.take::<TokenParams, 5>();
    let (starts, positions, d_e) = (starts.words(), positions.words(), d_e.floats());
    let (run_sums, channels) = (run_sums.floats(), params.channels as usize);
    let rows = d_token_emb.floats_mut().par_chunks_exact_mut(channels);
    rows.zip(starts.par_windows(2)).for_each(|(target, ends)| {
        if params.accumulate == 0 {
            target.fill(E::zero());
        }
        let [start, end] = [ends[0] as usize, ends[1] as usize];
        let first = start.div_ceil(RUN_LENGTH);
        let last = first.max(end / RUN_LENGTH);
        let (before, after) = match first == last {
            true => (start..end, end..end),
            false => (start..first * RUN_LENGTH, last * RUN_LENGTH..end),
        };
        add_rows(target, d_e, &positions[before]);
        add_rows(target, d_e, &positions[after]);
        for run in first..last {
            let sum = &run_sums[run * channels..][..channels];
            target.iter_mut().zip(sum).for_each(|(target, &sum)| *target += sum);
        }
    });
}
